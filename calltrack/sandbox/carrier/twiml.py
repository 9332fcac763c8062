"""Reading what a hook answered: a list of verbs, or the carrier's error code."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from calltrack.sandbox.carrier.twiml_rules import MOST_BYTES, problems
from calltrack.sandbox.carrier.wire import Answer

XML_TYPES = ("text/xml", "application/xml", "text/html")


@dataclass(frozen=True)
class Script:
    """The verbs of one document, and the address they came from."""

    url: str
    verbs: tuple[ET.Element, ...]
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class DocumentError:
    """Why an answer cannot be carried out."""

    code: int
    text: str


def read(answer: Answer, whisper: bool = False, empty_is_error: bool = False) -> Script | DocumentError:
    """Turn a successful answer into verbs, as the carrier's content types demand."""
    kind = answer.content_type.partition(";")[0].strip().lower()
    body = answer.body.strip()
    if answer.status == 204 or not body:
        return DocumentError(12100, "empty answer") if empty_is_error else Script(answer.url, ())
    if kind.startswith("audio/"):
        return Script(answer.url, (_verb("Play", answer.url),))
    if kind == "text/plain":
        parsed = _parse(answer.url, body, whisper)
        return parsed if isinstance(parsed, Script) else Script(answer.url, (_verb("Say", body),))
    if kind not in XML_TYPES:
        return DocumentError(12300, f"cannot use the content type {kind or '(none)'}")
    return _parse(answer.url, body, whisper)


def _parse(url: str, body: str, whisper: bool) -> Script | DocumentError:
    if len(body.encode()) > MOST_BYTES:
        return DocumentError(11750, "the document is larger than 64 KB")
    if "<!DOCTYPE" in body or "<!ENTITY" in body:
        return DocumentError(12100, "the document declares a type or an entity")
    try:
        root = ET.fromstring(body)  # noqa: S314 - declarations are refused above
    except ET.ParseError as error:
        return DocumentError(12100, f"the document is not XML: {error}")
    if root.tag != "Response":
        return DocumentError(12102, f"the root is <{root.tag}>, not <Response>")
    return Script(url, tuple(root), tuple(problems(body, whisper)))


def _verb(name: str, text: str) -> ET.Element:
    verb = ET.Element(name)
    verb.text = text
    return verb


def spoken(text: str) -> float:
    """Return how many seconds it takes to say a text."""
    return max(1.0, len(text) / 15)
