"""The bodies the snippet sends, read within limits."""

import json
from typing import Any, TypeVar

import msgspec

from calltrack.kernel.errors import BadInput, CalltrackError
from calltrack.visits import rules
from calltrack.visits.rules import BeatBody, FormBody, TapBody, VisitBody

Body = TypeVar("Body", VisitBody, BeatBody, TapBody, FormBody)


class TooLarge(CalltrackError):
    """More bytes than any snippet sends (HTTP 413)."""


def raw_body(environ: dict[str, Any]) -> bytes:
    """Return the request's bytes.

    Raises:
        TooLarge: they are more than any snippet sends.
        BadInput: it does not say how many they are.
    """
    try:
        length = int(environ.get("CONTENT_LENGTH") or -1)
    except ValueError:
        length = -1
    if length > rules.LARGEST_BODY:
        raise TooLarge(f"At most {rules.LARGEST_BODY} bytes, please.")
    if length < 0:
        raise BadInput("Send the body with its Content-Length.")
    raw: bytes = environ["wsgi.input"].read(length)
    return raw


def decode(raw: bytes, shape: type[Body]) -> Body:
    """Read a body of the given shape; unknown fields are ignored.

    Raises:
        BadInput: it is no such JSON object.
    """
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.ValidationError, UnicodeDecodeError) as problem:
        raise BadInput(f"The body is not what the snippet sends: {problem}") from None
    except RecursionError:
        raise BadInput("The body is nested deeper than anything the snippet sends.") from None
    except msgspec.DecodeError:
        return _decode_halves(raw, shape)


def _decode_halves(raw: bytes, shape: type[Body]) -> Body:
    # A title cut in the middle of an emoji holds half a surrogate pair; only the slow decoder takes it.
    try:
        return msgspec.convert(json.loads(raw) if b"\\u" in raw else None, shape)
    except (ValueError, RecursionError, msgspec.ValidationError):
        raise BadInput("The body is not JSON as the snippet sends it.") from None
