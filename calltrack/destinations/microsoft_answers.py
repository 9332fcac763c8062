"""Reads what Microsoft Advertising's REST API answers: partial errors row by row, or a fault for all.

A 200 names every refused row in `PartialErrors` by its `Index`; all others are stored. A fault (4xx, 5xx)
stores nothing: `AdApiFaultDetail` has `Errors`, `ApiFaultDetail` has `BatchErrors` and `OperationErrors`.
"""

from dataclasses import replace
from typing import Any, Final

import msgspec

from calltrack.destinations import microsoft_reasons as reasons
from calltrack.destinations.outcomes import Class, Outcome, Reading, retry_after
from calltrack.infra.http import HttpAnswer

_DONE = Outcome(Class.DONE, "OK", "Microsoft has stored it; reports show it within six hours.")
_AGAIN = Outcome(
    Class.AGAIN, "REQUEST_REFUSED", "The request was refused for another conversion; this one goes again."
)
_SPLIT = Outcome(
    Class.SPLIT, "ROW_NOT_NAMED", "Microsoft refused some conversion without saying which; they go in halves."
)
# Of several errors of one row, the first class of this list counts.
_WORST: Final = (Class.CONFIG, Class.ROW, Class.BUG, Class.LATER)


class _Error(msgspec.Struct, rename="pascal"):
    code: int | None = None
    error_code: str | None = None
    index: int | None = None
    message: str | None = None
    detail: str | None = None
    details: str | None = None


class _Stored(msgspec.Struct, rename="pascal"):
    partial_errors: list[_Error | None] | None = None


class _Fault(msgspec.Struct, rename="pascal"):
    errors: list[_Error | None] | None = None
    batch_errors: list[_Error | None] | None = None
    operation_errors: list[_Error | None] | None = None


class DailySummary(msgspec.Struct, rename="pascal"):
    """What Microsoft counted of one day's uploads."""

    success_count: int = 0
    failure_count: int = 0


class _Report(msgspec.Struct, rename="pascal"):
    daily_summaries: list[DailySummary] | None = None


def read_applied(answer: HttpAnswer, count: int) -> Reading:
    """Return one outcome per conversion or change, in the order they were sent."""
    if answer.status == 200:
        stored = _decode(answer.body, _Stored)
        return _unreadable(answer).about(count) if stored is None else _partly(stored.partial_errors, count)
    fault = _decode(answer.body, _Fault) or _Fault()
    batch = [error for error in fault.batch_errors or () if error is not None]
    whole = [error for error in (*(fault.errors or ()), *(fault.operation_errors or ())) if error is not None]
    if not batch and not whole:
        return _by_status(answer, count)
    return _refused(answer, batch, whole, count)


def refuses_token(answer: HttpAnswer) -> bool:
    """Say whether the answer is a fault about the access token (109), whatever its HTTP status."""
    fault = None if answer.status == 200 else _decode(answer.body, _Fault)
    if fault is None:
        return answer.status == 401
    whole = [error for error in (*(fault.errors or ()), *(fault.operation_errors or ())) if error is not None]
    return answer.status == 401 or any(
        error.code == 109 or error.error_code == "AuthenticationTokenExpired" for error in whole
    )


def read_report(answer: HttpAnswer) -> list[DailySummary] | None:
    """Return the counts of each day; None for an answer that cannot be read."""
    report = _decode(answer.body, _Report) if answer.status == 200 else None
    return None if report is None else report.daily_summaries or []


def _partly(errors: list[_Error | None] | None, count: int) -> Reading:
    bad: dict[int, Outcome] = {}
    unplaced: list[Outcome] = []
    for error in (one for one in errors or () if one is not None):
        outcome = _outcome(error, names_a_row=True)
        if error.index is not None and 0 <= error.index < count:
            bad[error.index] = _worse(bad.get(error.index), outcome)
        else:
            unplaced.append(outcome)
    if not unplaced:
        return tuple(bad.get(place, _DONE) for place in range(count))
    # Sending a stored conversion again changes nothing, so every doubt is solved by sending again.
    doubt = min(unplaced, key=lambda one: _WORST.index(one.class_))
    if count > 1 and doubt.class_ not in (Class.CONFIG, Class.LATER):
        doubt = _SPLIT
    return tuple(bad.get(place, doubt) for place in range(count))


def _refused(answer: HttpAnswer, batch: list[_Error], whole: list[_Error], count: int) -> Reading:
    general = [_fit(_outcome(error, names_a_row=False), answer) for error in whole]
    for outcome in general:
        if outcome.class_ in (Class.CONFIG, Class.LATER):
            return replace(outcome, holds=outcome.class_ is Class.LATER).about(count)
    bad: dict[int, Outcome] = {}
    for error in batch:
        outcome = _fit(_outcome(error, names_a_row=True), answer)
        if outcome.class_ is Class.CONFIG:
            return outcome.about(count)
        if error.index is not None and 0 <= error.index < count:
            bad[error.index] = _worse(bad.get(error.index), outcome)
        else:
            general.append(outcome)
    if bad:
        return tuple(bad.get(place, _AGAIN) for place in range(count))
    return (general[0] if count == 1 else _SPLIT).about(count)


def _fit(outcome: Outcome, answer: HttpAnswer) -> Outcome:
    """Fit an error's meaning to the answer it came with: the wait asked for."""
    if outcome.class_ is Class.LATER:
        return replace(outcome, after=retry_after(answer) or outcome.after)
    return outcome


def _by_status(answer: HttpAnswer, count: int) -> Reading:
    """Judge an answer without an error of Microsoft's own, as a gateway on the way may give it."""
    status, code = answer.status, f"HTTP_{answer.status}"
    if status == 401:
        known = reasons.reason(105, "", "", names_a_row=False)
        return replace(known, code=code).about(count)
    if status == 403:
        known = reasons.reason(106, "", "", names_a_row=False)
        return replace(known, code=code).about(count)
    if status == 413:
        message = "The conversion is larger than Microsoft takes."
        return (Outcome(Class.ROW, code, message) if count == 1 else _SPLIT).about(count)
    wait = retry_after(answer)
    if status == 429:
        message = "Microsoft takes no more requests at the moment."
        return Outcome(Class.LATER, code, message, reasons.WAIT, after=wait or reasons.MINUTE).about(count)
    message = f"Microsoft is unwell or answered in an unexpected way (HTTP {status})."
    return Outcome(Class.LATER, code, message, reasons.WAIT, after=wait).about(count)


def _outcome(error: _Error, *, names_a_row: bool) -> Outcome:
    said = error.message or error.details or error.detail or ""
    return reasons.reason(error.code, error.error_code or "", said, names_a_row=names_a_row)


def _worse(known: Outcome | None, found: Outcome) -> Outcome:
    if known is None:
        return found
    return min(known, found, key=lambda one: _WORST.index(one.class_))


def _unreadable(answer: HttpAnswer) -> Outcome:
    message = "Microsoft's answer could not be read, so it is not known whether it arrived."
    return Outcome(Class.UNKNOWN, f"UNREADABLE_{answer.status}", message, "Nothing to do: it is sent again.")


def _decode(body: bytes, type_: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
