"""The twin of a Meta custom audience: `POST` and `DELETE /{audience}/users`.

Entries that are no SHA-256 are counted and sampled, never stored. Audiences that begin with 471 are flagged,
with 404 do not exist, with 403 are closed to the token.
"""

import re
from typing import Any, Final

import msgspec
from flask import Response

from calltrack.sandbox.platforms.audience_sets import MemberSets
from calltrack.sandbox.platforms.meta import refused
from calltrack.sandbox.platforms.meta_checks import Fault, invalid
from calltrack.sandbox.platforms.twin import Desk, as_json

PLATFORM: Final = "meta"
MOST: Final = 10_000
SAMPLES: Final = 100
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_KINDS: Final = {"PHONE_SHA256": "phone", "EMAIL_SHA256": "email", "PHONE": "phone", "EMAIL": "email"}


class Payload(msgspec.Struct):
    """`payload`: the schema, and a row of hashes for each person."""

    schema: str | list[str] = ""
    data: list[Any] = []


class Session(msgspec.Struct):
    """`session`: which batch of which upload this is."""

    session_id: int = 0
    batch_seq: int = 0
    last_batch_flag: bool = False
    estimated_num_total: int = 0


class Body(msgspec.Struct):
    """The whole request."""

    payload: Payload = msgspec.field(default_factory=Payload)
    session: Session = msgspec.field(default_factory=Session)


def take(desk: Desk, sets: MemberSets, audience: str, action: str, body: bytes) -> Response:
    """Answer one request of a token that was checked already."""
    now = desk.now()
    if audience.startswith("471"):
        return refused(400, 100, now, Fault(1713230, "Flagged", "This custom audience was flagged."))
    try:
        wanted = msgspec.json.decode(body, type=Body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return refused(400, 100, now, invalid("payload", "is no JSON"))
    payload, session = wanted.payload, wanted.session
    schema = [payload.schema] if isinstance(payload.schema, str) else payload.schema
    if not schema or any(name not in _KINDS for name in schema):
        return refused(400, 100, now, invalid("payload.schema", "is not known"))
    if not 1 <= len(payload.data) <= MOST:
        return refused(400, 100, now, invalid("payload.data", f"holds 1 to {MOST} people"))
    if not 0 < session.session_id < 2**64 or session.batch_seq < 1:
        return refused(400, 100, now, invalid("session", "needs session_id and batch_seq"))
    good: list[list[Any]] = []
    bad: list[list[Any]] = []
    for row in payload.data:
        values = row if isinstance(row, list) else [row]
        is_good = len(values) == len(schema) and all(
            isinstance(v, str) and _SHA256.fullmatch(v) for v in values
        )
        (good if is_good else bad).append(values)
    members = [f"{_KINDS[name]}:{value}" for row in good for name, value in zip(schema, row, strict=True)]
    sets.change(PLATFORM, audience, action, members)
    return as_json(
        {
            "audience_id": audience, "session_id": str(session.session_id), "num_received": len(payload.data),
            "num_invalid_entries": len(bad), "invalid_entry_samples": {str(i): v for i, v in
                                                                        enumerate(bad[:SAMPLES])},
        }
    )  # fmt: skip
