"""HTTP byte ranges (RFC 9110, section 14): one range, or the whole."""

import re

ONE = re.compile(r"bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))")


class OutOfRange(Exception):
    """The range begins behind the end (HTTP 416)."""


def wanted_range(header: str | None, total: int) -> tuple[int, int] | None:
    """Return the bytes asked for, from the first up to (not with) the second; None: all of them.

    Several ranges, other units and nonsense are answered with the whole, as the standard allows.

    Raises:
        OutOfRange: nothing of it is there.
    """
    match = ONE.fullmatch((header or "").strip().replace(" ", ""))
    if match is None:
        return None
    first, last, tail = match.groups()
    if tail is not None:
        if int(tail) == 0 or total == 0:
            raise OutOfRange
        return max(total - int(tail), 0), total
    if last and int(last) < int(first):
        return None
    if int(first) >= total:
        raise OutOfRange
    return int(first), min(int(last) + 1, total) if last else total
