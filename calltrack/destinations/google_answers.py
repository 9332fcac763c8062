"""Reads what Google Data Manager answers: receipts, refusals that name events, and later verdicts."""

import re
from datetime import timedelta
from typing import Any, Final

import msgspec

from calltrack.destinations.google_refusals import refusal
from calltrack.destinations.google_status import PerDestination, as_number, parts_of
from calltrack.destinations.google_verdicts import processing
from calltrack.destinations.outcomes import Class, Outcome, Reading, no_verdict, retry_after
from calltrack.infra.http import HttpAnswer

POLL_AGAIN: Final = timedelta(minutes=10)
_EVENT: Final = re.compile(r"events\[(\d{1,6})\]")
_SECONDS: Final = re.compile(r"(\d{1,9})(\.\d+)?s")

_DONE = Outcome(Class.DONE, "OK", "Google counted it.")
_TAKEN = Outcome(Class.DONE, "VALID", "Google would take it.")
_AGAIN = Outcome(
    Class.AGAIN, "REQUEST_REFUSED", "The request was refused for another conversion; this one goes again."
)
_SPLIT = Outcome(
    Class.SPLIT,
    "ROW_NOT_NAMED",
    "Google refused some conversions of a request without saying which; they go again in halves.",
)


class FieldViolation(msgspec.Struct):
    """One thing wrong with a request."""

    field: str = ""
    description: str = ""
    reason: str = ""


class Detail(msgspec.Struct):
    """One of google.rpc's error details; only the fields that are read."""

    type_: str = msgspec.field(name="@type", default="")
    reason: str = ""
    fieldViolations: list[FieldViolation] = []  # noqa: N815 (Google's spelling)
    retryDelay: str = ""  # noqa: N815


class ErrorBody(msgspec.Struct):
    """google.rpc.Status as REST sends it."""

    code: int = 0
    message: str = ""
    status: str = ""
    details: list[Detail] = []


class _Failed(msgspec.Struct):
    error: ErrorBody = msgspec.field(default_factory=ErrorBody)


class _Warning(msgspec.Struct):
    reason: str = ""
    description: str = ""
    field: str = ""


class _Receipt(msgspec.Struct):
    requestId: str = ""  # noqa: N815
    fieldWarnings: list[_Warning] = []  # noqa: N815


def read_ingest(answer: HttpAnswer, count: int) -> Reading:
    """Return one outcome per event for the answer to `events:ingest`."""
    if answer.status == 200:
        receipt = _decode(answer, _Receipt)
        if receipt is None or not receipt.requestId:
            return _unreadable(answer).about(count)
        return _accepted(receipt, count)
    error = _error(answer)
    if answer.status == 413:
        return _split(count, Outcome(Class.ROW, "TOO_LARGE", "The conversion is larger than Google takes."))
    if answer.status in (400, 422):
        return _refused(error, count)
    return _by_status(answer, error).about(count)


def read_trial(answer: HttpAnswer, count: int) -> Reading:
    """Return one outcome per event for the answer to a dry run; a 200 has no receipt."""
    if answer.status == 200:
        return (_TAKEN if _decode(answer, _Receipt) is not None else _unreadable(answer)).about(count)
    return read_ingest(answer, count)


def read_status(answer: HttpAnswer, count: int) -> Reading:
    """Return one outcome per event for the answer to `requestStatus:retrieve`."""
    if answer.status != 200:
        error = _error(answer)
        reasons = {detail.reason for detail in error.details} | {
            violation.reason for detail in error.details for violation in detail.fieldViolations
        }
        if reasons & {"REQUEST_TOO_OLD", "INVALID_REQUEST_ID"}:
            # The receipt is gone but the events are not: the same ids again lead to a new receipt.
            message = "Google no longer knows the receipt; the conversions are sent again and counted once."
            return Outcome(Class.UNKNOWN, "RECEIPT_GONE", message, "Nothing to do.").about(count)
        return no_verdict(_by_status(answer, error)).about(count)
    parts = parts_of(answer)
    if parts is None:
        return no_verdict(_unreadable(answer)).about(count)
    if not parts or not all(part.is_judged for part in parts):
        return _still_processing(answer).about(count)
    return _judged(parts, count)


def _judged(parts: list[PerDestination], count: int) -> Reading:
    outcomes: list[Outcome] = [_DONE] * count
    unplaced: list[Outcome] = []
    for part in parts:
        if part.requestStatus == "SUCCESS":
            continue
        for error in part.errorInfo.errorCounts:
            outcome, placed = processing(error.reason), 0
            for index in map(as_number, error.recordIndices):
                if index is not None and index < count:
                    outcomes[index], placed = outcome, placed + 1
            failed = as_number(error.recordCount)
            if failed is None or placed < failed:
                unplaced.append(outcome)
        if not part.errorInfo.errorCounts:
            unplaced.append(processing("UNSPECIFIED"))
    if not unplaced:
        return tuple(outcomes)
    whole = len(parts) == 1 and parts[0].requestStatus == "FAILED"
    return _spread(outcomes, unplaced, whole=whole)


def _spread(outcomes: list[Outcome], unplaced: list[Outcome], *, whole: bool) -> Reading:
    """Judge rows when Google gave only counts: which of them failed is not known.

    Sending a counted event again changes nothing (same transactionId), so every doubt is solved by sending
    again: later if that is the cure, after a person's change, or in halves until the bad row stands alone.
    """
    classes = {outcome.class_ for outcome in unplaced}
    first = unplaced[0]
    if classes <= {Class.DONE}:
        return tuple(outcomes)
    if Class.CONFIG in classes:
        verdict = next(outcome for outcome in unplaced if outcome.class_ is Class.CONFIG)
    elif classes <= {Class.LATER, Class.DONE}:
        verdict = next(outcome for outcome in unplaced if outcome.class_ is Class.LATER)
    elif len(outcomes) == 1 or (whole and len(unplaced) == 1):
        verdict = first
    else:
        verdict = _SPLIT
    return tuple(verdict if outcome is _DONE else outcome for outcome in outcomes)


def _accepted(receipt: _Receipt, count: int) -> Reading:
    accepted = Outcome(
        Class.ACCEPTED,
        "RECEIVED",
        "Google has received it and will say in about half an hour whether it counts.",
        request_id=receipt.requestId,
    )
    outcomes = [accepted] * count
    for warning in receipt.fieldWarnings:
        found = _EVENT.search(warning.field)
        if found and int(found.group(1)) < count:
            note = f"{accepted.message} Google remarks: {warning.description[:200]}"
            outcomes[int(found.group(1))] = accepted.with_message(note)
    return tuple(outcomes)


def _refused(error: ErrorBody, count: int) -> Reading:
    bad: dict[int, Outcome] = {}
    general: list[Outcome] = []
    # A violation without a reason of its own has that of the whole refusal, unless that one says nothing.
    whole = next((d.reason for d in error.details if d.reason not in ("", "INVALID_ARGUMENT")), "")
    for violation in (v for detail in error.details for v in detail.fieldViolations):
        found = _EVENT.search(violation.field)
        outcome = refusal(
            violation.reason or whole or ("NO_REASON" if found else "INVALID_ARGUMENT"),
            names_a_row=found is not None,
            description=violation.description,
        )
        if found is None or int(found.group(1)) >= count:
            general.append(outcome)
        elif bad.get(int(found.group(1))) is None or outcome.class_ is Class.CONFIG:
            bad[int(found.group(1))] = outcome
    pausing = [one for one in (*bad.values(), *general) if one.class_ is Class.CONFIG]
    if pausing:
        return pausing[0].about(count)
    if bad:
        return tuple(bad.get(index, _AGAIN) for index in range(count))
    if general:
        return _split(count, general[0])
    reason = next((d.reason for d in error.details if d.reason), error.status or "INVALID_ARGUMENT")
    return _split(count, refusal(reason, names_a_row=False, description=error.message))


def _split(count: int, alone: Outcome) -> Reading:
    """Return `alone` for a single row or what no halving cures; else ask for halves."""
    if count == 1:
        cured = Outcome(Class.BUG, alone.code, alone.message, alone.hint)
        return (cured if alone.class_ is Class.SPLIT else alone,)
    if alone.class_ in (Class.CONFIG, Class.LATER):
        return alone.about(count)
    return _SPLIT.about(count)


def _by_status(answer: HttpAnswer, error: ErrorBody) -> Outcome:
    reason = next((d.reason for d in error.details if d.reason), "") or error.status
    if 200 <= answer.status < 300:
        return _unreadable(answer)
    if answer.status == 401:
        message = "Google does not accept the access token of this connection."
        return Outcome(Class.CONFIG, "UNAUTHENTICATED", message, "Connect the Google account again.")
    if answer.status == 429 or answer.status >= 500:
        wait = retry_after(answer) or _retry_delay(error)
        code = reason or f"HTTP_{answer.status}"
        if answer.status == 429:
            message = "Google takes no more requests at the moment."
        else:
            message = f"Google is unwell (HTTP {answer.status})."
        return Outcome(Class.LATER, code, message, "Nothing to do: calltrack sends it again.", after=wait)
    if answer.status in (408, 409, 425, 499):
        message = f"Google did not get to it (HTTP {answer.status})."
        code = reason or f"HTTP_{answer.status}"
        return Outcome(Class.LATER, code, message, "Nothing to do: calltrack sends it again.")
    if 300 <= answer.status < 400:
        message = f"Something on the way to Google answered with a redirect (HTTP {answer.status})."
        hint = "Ask who runs calltrack to look at its way to the internet, then resume."
        return Outcome(Class.CONFIG, f"HTTP_{answer.status}", message, hint)
    if answer.status in (403, 404):
        return refusal(reason or "PERMISSION_DENIED", names_a_row=False, description=error.message)
    message = f"Google answered in an unexpected way (HTTP {answer.status})."
    return Outcome(Class.BUG, reason or f"HTTP_{answer.status}", message, "The operator has been told.")


def _still_processing(answer: HttpAnswer) -> Outcome:
    return Outcome(
        Class.OPEN,
        "PROCESSING",
        "Google is still processing it.",
        after=retry_after(answer) or POLL_AGAIN,
    )


def _unreadable(answer: HttpAnswer) -> Outcome:
    message = "Google's answer could not be read, so it is not known whether it arrived."
    return Outcome(Class.UNKNOWN, f"UNREADABLE_{answer.status}", message, "Nothing to do: it is sent again.")


def _retry_delay(error: ErrorBody) -> timedelta | None:
    for detail in error.details:
        found = _SECONDS.fullmatch(detail.retryDelay)
        if found:
            # A part of a second is waited for whole: before its time the answer is the same again.
            asked = int(found.group(1)) + (found.group(2) is not None)
            return timedelta(seconds=min(max(asked, 1), 86_400))
    return None


def _error(answer: HttpAnswer) -> ErrorBody:
    failed = _decode(answer, _Failed)
    return failed.error if failed is not None else ErrorBody()


def _decode(answer: HttpAnswer, type_: type[Any]) -> Any:
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except msgspec.MsgspecError:
        return None
