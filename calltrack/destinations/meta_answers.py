"""Reads what Meta's Graph API answers: a count of events received, or one error for the whole request.

All or nothing: one invalid event refuses its request. The error seldom names it, so the request is halved
until the bad one stands alone; events that were too old are found by the answer's own clock.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from calltrack.destinations import meta_reasons as reasons
from calltrack.destinations.outcomes import (
    RETRY_AFTER_LEAST,
    RETRY_AFTER_MOST,
    Class,
    Outcome,
    Reading,
    retry_after,
)
from calltrack.infra.http import HttpAnswer

TOO_OLD: Final = timedelta(days=7)

_DONE = Outcome(Class.DONE, "OK", "Meta received it.")
_AGAIN = Outcome(
    Class.AGAIN, "REQUEST_REFUSED", "The request was refused for another conversion; this one goes again."
)
_SPLIT = Outcome(
    Class.SPLIT, "ROW_NOT_NAMED", "Meta refused a whole request for some conversion in it; it goes in halves."
)


class GraphError(msgspec.Struct):
    """The error object of the Graph API; only the fields that are read."""

    message: str = ""
    code: int = 0
    error_subcode: int = 0
    is_transient: bool = False
    error_user_title: str = ""
    error_user_msg: str = ""
    error_data: Any = None


class _Failed(msgspec.Struct):
    error: GraphError


class _Receipt(msgspec.Struct):
    events_received: int
    messages: list[Any] = []


class _Usage(msgspec.Struct):
    estimated_time_to_regain_access: float = 0


class _Counted(msgspec.Struct):
    value: str = ""
    count: int = 0


class _Stretch(msgspec.Struct):
    data: list[_Counted] = []


class _Stats(msgspec.Struct):
    data: list[_Stretch] = []


def read_events(answer: HttpAnswer, payloads: Sequence[bytes], happened: Callable[[bytes], int]) -> Reading:
    """Return one outcome per event; `happened` gives the unix time of a payload's event."""
    count = len(payloads)
    if answer.status == 200:
        receipt = _decode(answer.body, _Receipt)
        return _unreadable(answer).about(count) if receipt is None else _received(receipt, count)
    failed = _decode(answer.body, _Failed)
    error = GraphError() if failed is None else failed.error
    if (error.code, error.error_subcode) == (100, reasons.EVENT_TOO_OLD):
        too_old = _too_old(answer, payloads, happened)
        if any(too_old):
            refused = reasons.row(error)
            return tuple(refused if old else _AGAIN for old in too_old)
    return _refused(answer, error, count)


def read_stats(answer: HttpAnswer) -> dict[str, int] | None:
    """Return how many events of each name a dataset counted; None for an answer that cannot be read."""
    stats = _decode(answer.body, _Stats) if answer.status == 200 else None
    if stats is None:
        return None
    counts: dict[str, int] = {}
    for one in (one for stretch in stats.data for one in stretch.data):
        counts[one.value] = counts.get(one.value, 0) + one.count
    return counts


def _received(receipt: _Receipt, count: int) -> Reading:
    if receipt.events_received < count:
        if count > 1:
            return _SPLIT.about(count)
        message = "Meta answered that it received no event."
        return (Outcome(Class.BUG, "NOT_RECEIVED", message, reasons.OPERATOR),)
    if receipt.messages:
        remark = "; ".join(str(one) for one in receipt.messages)[:200]
        return _DONE.with_message(f"{_DONE.message} Meta remarks: {remark.rstrip('.')}.").about(count)
    return _DONE.about(count)


def _refused(answer: HttpAnswer, error: GraphError, count: int) -> Reading:
    if error.code == 0 and answer.status < 500 and answer.status not in (401, 403, 404, 429):
        return _no_error(answer, count)
    outcome = reasons.outcome_of(error, answer.status)
    if error.code == 0:
        outcome = replace(outcome, code=f"HTTP_{answer.status}")
    if outcome.class_ is Class.LATER:
        wait = retry_after(answer) or _regain_access(answer)
        return replace(outcome, after=wait, holds=True).about(count)
    if outcome.class_ is Class.CONFIG or count == 1:
        return outcome.about(count)
    named = reasons.named_rows(error, count)
    if named:
        return tuple(outcome if place in named else _AGAIN for place in range(count))
    return _SPLIT.about(count)


def _no_error(answer: HttpAnswer, count: int) -> Reading:
    """Judge an answer that is neither a receipt nor an error of Meta's, as a proxy on the way may give it."""
    code = f"HTTP_{answer.status}"
    if answer.status == 413:
        message = "The conversion is larger than Meta takes."
        return (Outcome(Class.ROW, code, message) if count == 1 else _SPLIT).about(count)
    message = f"Meta answered in an unexpected way (HTTP {answer.status})."
    return Outcome(Class.LATER, code, message, reasons.WAIT, after=retry_after(answer)).about(count)


def _too_old(answer: HttpAnswer, payloads: Sequence[bytes], happened: Callable[[bytes], int]) -> list[bool]:
    """Tell which events were older than 7 days by the clock of the answer; none if it has no clock."""
    try:
        told = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return [False] * len(payloads)
    at = told if told.tzinfo is not None else told.replace(tzinfo=UTC)
    oldest = (at - TOO_OLD).timestamp()
    return [happened(payload) < oldest for payload in payloads]


def _regain_access(answer: HttpAnswer) -> timedelta | None:
    """Return how long until the most used-up limit is free again, in Meta's own words (minutes)."""
    usage = _decode(answer.headers.get("x-business-use-case-usage", "").encode(), dict[str, list[_Usage]])
    minutes = [one.estimated_time_to_regain_access for many in (usage or {}).values() for one in many]
    longest = max(minutes, default=0)
    if longest <= 0:
        return None
    return min(max(timedelta(minutes=min(longest, 1440)), RETRY_AFTER_LEAST), RETRY_AFTER_MOST)


def _unreadable(answer: HttpAnswer) -> Outcome:
    message = "Meta's answer could not be read, so it is not known whether it arrived."
    return Outcome(Class.UNKNOWN, f"UNREADABLE_{answer.status}", message, "Nothing to do: it is sent again.")


def _decode(body: bytes, type_: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
