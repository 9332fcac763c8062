"""The status of one Data Manager request: per destination how many records there are and which were refused.

Source: the API's reference of `requestStatus:retrieve`. Since v1.9 refused records are named by their place;
before that they are only counted.
"""

import msgspec

from calltrack.destinations.base import Tally
from calltrack.destinations.google_verdicts import processing
from calltrack.destinations.outcomes import Class
from calltrack.infra.http import HttpAnswer


class Count(msgspec.Struct):
    """How many records were refused for one reason, and their places where Google names them."""

    reason: str = "UNSPECIFIED"
    recordCount: int | str = 0  # noqa: N815 (Google's spelling; int64 travels as a string)
    recordIndices: list[int | str] = []  # noqa: N815


class ErrorInfo(msgspec.Struct):
    """The refused records of one destination."""

    errorCounts: list[Count] = []  # noqa: N815


class EventsStatus(msgspec.Struct):
    """How many records of one destination Google has, refused ones included."""

    recordCount: int | str = 0  # noqa: N815


class PerDestination(msgspec.Struct):
    """What became of the records of one destination of a request."""

    requestStatus: str = ""  # noqa: N815
    eventsIngestionStatus: EventsStatus = msgspec.field(default_factory=EventsStatus)  # noqa: N815
    errorInfo: ErrorInfo = msgspec.field(default_factory=ErrorInfo)  # noqa: N815

    @property
    def is_judged(self) -> bool:
        """Whether Google is done with it."""
        return self.requestStatus in ("SUCCESS", "PARTIAL_SUCCESS", "FAILED")


class _Status(msgspec.Struct):
    requestStatusPerDestination: list[PerDestination] = []  # noqa: N815


def parts_of(answer: HttpAnswer) -> list[PerDestination] | None:
    """Return the status for each destination of the request; None for an answer that cannot be read."""
    try:
        return msgspec.json.decode(answer.body, type=_Status).requestStatusPerDestination
    except msgspec.MsgspecError:
        return None


def read_counts(answer: HttpAnswer) -> Tally | None:
    """Return Google's counts of one receipt; None: it cannot be read, or Google knows it no more.

    Records refused as seen before count: they are there. What is still being processed is received only.
    """
    parts = parts_of(answer) if answer.status == 200 else None
    if not parts:
        return None
    records = [as_number(part.eventsIngestionStatus.recordCount) for part in parts]
    refused = [_refused(part) for part in parts]
    if None in records or None in refused:
        return None
    received = sum(number or 0 for number in records)
    judged = sum(number or 0 for part, number in zip(parts, records, strict=True) if part.is_judged)
    bad = sum(number or 0 for number in refused)
    return Tally(received, max(judged - bad, 0), bad)


def as_number(number: int | str) -> int | None:
    """Return the number that Google sent as such or as a text; None for what is none."""
    text = str(number)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _refused(part: PerDestination) -> int | None:
    counts = part.errorInfo.errorCounts
    if not part.is_judged:
        return 0
    if part.requestStatus == "FAILED" and not counts:
        return as_number(part.eventsIngestionStatus.recordCount)
    refused = [
        as_number(one.recordCount) for one in counts if processing(one.reason).class_ is not Class.DONE
    ]
    return None if None in refused else sum(number or 0 for number in refused)
