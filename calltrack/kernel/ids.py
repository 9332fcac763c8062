"""UUIDv7 ids (RFC 9562, section 5.7): they sort by time, so tables can be partitioned by them."""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

from calltrack.kernel.errors import BadInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(at: datetime | None = None) -> UUID:
    """Return a fresh UUIDv7 for the given moment (default: now)."""
    moment = at or datetime.now(UTC)
    return _with_millis(int(moment.timestamp() * 1000), int.from_bytes(os.urandom(10), "big"))


def first_id_of(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of that millisecond: the lower bound of a range over ids.

    No id is older than 1970; a moment without a zone is in UTC.
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _with_millis(max(0, (aware - EPOCH) // timedelta(milliseconds=1)), 0)


def moment_of(id_: UUID) -> datetime:
    """Return the millisecond a UUIDv7 was made in."""
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)


def parse_id(text: str) -> UUID:
    """Read an id in hex or dashed form.

    Raises:
        BadInput: the text is not a UUID.
    """
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise BadInput("This is not a valid id; use the id as the API or the page shows it.") from None


def _with_millis(millis: int, noise: int) -> UUID:
    low = noise & 0x0FFF_3FFF_FFFF_FFFF_FFFF
    return UUID(int=(millis << 80) | (0x7 << 76) | (0x2 << 62) | (low & ~(0xF << 76) & ~(0x3 << 62)))
