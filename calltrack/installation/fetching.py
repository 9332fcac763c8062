"""Our own server reads the page: through the guarded door, never at private addresses.

Each redirect is a request of its own, and so guarded as well.
"""

import codecs
import re
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit, urlunsplit

from calltrack.infra.http import HttpAnswer, HttpDoor, HttpFailure, HttpRequest
from calltrack.installation import policy
from calltrack.installation.numbers import found_among, look_for
from calltrack.installation.page import PageRead, Tag, joined, read_page
from calltrack.kernel.errors import BadInput
from calltrack.snippet import integrity_fits, version_of
from calltrack.visits.rules import normal_origin

AGENT: Final = "Mozilla/5.0 (compatible; calltrack-check/1; +{base}/)"
# As an ad would send somebody: a page whose redirects lose this loses every click id.
PROBE: Final = "gclid=calltrack-check"
MOST_HOPS: Final = 5
PAGE_SECONDS: Final = 8.0
MOST_UNPACKED: Final = 4_000_000
MOST_TAGS: Final = 4
Kept = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Wanted:
    """What the page should carry: our address, the newest build, business numbers; none of `own`."""

    base_url: str
    newest: bytes
    targets: tuple[str, ...]
    own: tuple[str, ...]


@dataclass
class Fetched:
    """What our server found, as it is stored."""

    problem: str = ""
    status: int = 0
    final: str = ""
    hops: list[str] = field(default_factory=list)
    kept_click_id: bool = True
    tags: list[dict[str, Any]] = field(default_factory=list)
    is_commented: bool = False
    script_refused: dict[str, str] | None = None
    connection_refused: dict[str, str] | None = None
    targets: dict[str, dict[str, int]] = field(default_factory=dict)
    hard_coded: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    managers: list[str] = field(default_factory=list)
    banners: list[str] = field(default_factory=list)
    frameworks: list[str] = field(default_factory=list)


def fetch(door: HttpDoor, page: str, wanted: Wanted, kept: Kept) -> dict[str, Any]:
    """Read the page as a visitor of an ad would get it; `kept` finds builds that were served before."""
    found = Fetched()
    answer = _follow(door, page, wanted, found)
    if isinstance(answer, HttpAnswer):
        _judge(door, read_page(_text_of(answer), found.final), answer.headers, wanted, found, kept)
    return asdict(found)


def _follow(door: HttpDoor, page: str, wanted: Wanted, found: Fetched) -> HttpAnswer | None:
    parts = urlsplit(page)
    query = f"{parts.query}&{PROBE}" if parts.query else PROBE
    url = urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))
    for _ in range(MOST_HOPS + 1):
        found.final = url
        answer = _get(door, url, wanted)
        if isinstance(answer, HttpFailure):
            found.problem = answer.message
            return None
        found.status = answer.status
        target = answer.headers.get("location", "")
        if answer.status in (301, 302, 303, 307, 308) and target:
            found.hops.append(url)
            url = joined(url, target)
            if not url:
                found.problem = f"it redirects to {target[:80]!r}, which is no address"
                return None
            continue
        found.kept_click_id = "calltrack-check" in parse_qs(urlsplit(url).query).get("gclid", [])
        if answer.status >= 400:
            found.problem = f"your server answered HTTP {answer.status}"
            return None
        if "html" not in answer.headers.get("content-type", "html"):
            found.problem = "what lies there is no page of HTML"
            return None
        return answer
    found.problem = "it redirects in a circle"
    return None


def _get(door: HttpDoor, url: str, wanted: Wanted) -> HttpAnswer | HttpFailure:
    headers = {
        "user-agent": AGENT.format(base=wanted.base_url),
        "accept": "text/html,application/xhtml+xml,*/*;q=0.8",
        "accept-language": "en,de;q=0.8,it;q=0.8,fr;q=0.8,es;q=0.8",
    }
    try:
        return door.send(HttpRequest("GET", url, headers), total_seconds=PAGE_SECONDS)
    except UnicodeError:
        return HttpFailure("refused", "its address is not written as addresses are")


def _judge(
    door: HttpDoor, read: PageRead, headers: Mapping[str, str], wanted: Wanted, found: Fetched, kept: Kept
) -> None:
    found.is_commented = read.is_commented
    found.frames, found.managers = sorted(set(read.frames)), read.managers
    found.banners, found.frameworks = read.banners, read.frameworks
    policies = policy.policies_of([headers.get("content-security-policy", ""), *read.policies])
    tag = read.tags[0] if read.tags else Tag(wanted.base_url + "/ct.js")
    script = policy.Script(tag.src, tag.nonce, tag.integrity)
    found.script_refused = _as_words(policy.script_refused(policies, found.final, script))
    asked = wanted.base_url + "/v1/visit"
    found.connection_refused = _as_words(policy.connection_refused(policies, found.final, asked))
    secure = urlsplit(found.final).scheme == "https" and not policy.upgrades(policies)
    found.tags = [
        _tag_as_found(door, tag, wanted, kept) | {"is_mixed": secure and tag.src.startswith("http:")}
        for tag in read.tags[:MOST_TAGS]
    ]
    found.targets = {target: _places(read, target) for target in wanted.targets}
    found.hard_coded = found_among(read.text + " " + read.linked, wanted.own)


def _tag_as_found(door: HttpDoor, tag: Tag, wanted: Wanted, kept: Kept) -> dict[str, Any]:
    """Say of a tag which build its browser gets, and whether its hash is that build's."""
    is_ours = _origin(tag.src) == _origin(wanted.base_url)
    pinned = re.search(r"/v1/s/([0-9a-f]{16})\.js$", urlsplit(tag.src).path)
    script: bytes | None = wanted.newest
    if is_ours and pinned and pinned[1] != version_of(wanted.newest):
        script = kept(pinned[1])
    elif not is_ours:
        answer = _get(door, tag.src, wanted)
        script = answer.body if isinstance(answer, HttpAnswer) and answer.status == 200 else None
    fits = script is not None and integrity_fits(tag.integrity, script)
    return {
        "src": tag.src, "key": tag.key, "consent": tag.consent, "runs": tag.runs, "is_ours": is_ours,
        "is_pinned": pinned is not None, "is_there": script is not None,
        "is_newest": script == wanted.newest, "has_integrity": bool(tag.integrity),
        "has_crossorigin": tag.has_crossorigin, "integrity_fits": fits,
    }  # fmt: skip


def _places(read: PageRead, target: str) -> dict[str, int]:
    text, linked = look_for(read.text, target), look_for(read.linked, target)
    pictures = [shown for words, shown in read.pictures if _stands_in(words, target)]
    return {
        "text": text.taken, "link": linked.taken, "extension": text.extension + linked.extension,
        "odd": text.odd + linked.odd, "without_prefix": text.without_prefix,
        "structured": look_for(read.structured, target).taken,
        "kept_out": look_for(read.kept_out, target).taken,
        "picture": pictures.count(False), "marked_picture": pictures.count(True),
    }  # fmt: skip


def _stands_in(words: str, target: str) -> bool:
    seen = look_for(words, target)
    return bool(seen.taken or seen.odd or seen.extension)


def _as_words(refusal: policy.Refusal | None) -> dict[str, str] | None:
    return asdict(refusal) if refusal else None


def _text_of(answer: HttpAnswer) -> str:
    """Return the page's text; where a server packs it though nobody asked, so much of it is unpacked."""
    body = answer.body
    if answer.headers.get("content-encoding", "").lower() in ("gzip", "x-gzip", "deflate"):
        with suppress(zlib.error):
            body = zlib.decompressobj(47).decompress(body, MOST_UNPACKED)
    return body.decode(_charset(answer.headers), "replace")


def _charset(headers: Mapping[str, str]) -> str:
    found = re.search(r"charset=\"?([\w-]+)", headers.get("content-type", ""))
    try:
        return codecs.lookup(found[1]).name if found else "utf-8"
    except LookupError:
        return "utf-8"


def _origin(url: str) -> str:
    """Name the place an address lies at; http is the same place, badly asked for: that is said apart."""
    try:
        return normal_origin(url).partition("://")[2]
    except BadInput:
        return url
