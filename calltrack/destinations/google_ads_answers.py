"""Reads what the Google Ads API answers, in REST form: verdicts per row, refusals, and its own counts.

An upload with partial failure names each bad row by its index in `partialFailureError`; a row that went in
has a filled result, a refused one an empty result. A refusal of the whole request carries a GoogleAdsFailure
as well, whose errors may name rows.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from calltrack.destinations.base import Tally
from calltrack.destinations.google_ads_reasons import SMALLER_CURES, verdict
from calltrack.destinations.google_steps import OPERATOR, WAIT
from calltrack.destinations.outcomes import Class, Outcome, Reading, retry_after
from calltrack.infra.http import HttpAnswer

_ROWS: Final = frozenset({"conversions", "conversion_adjustments", "conversionAdjustments"})
_SECONDS: Final = re.compile(r"(\d{1,9})(\.\d+)?s")
_UPPER: Final = re.compile(r"(?<!^)([A-Z])")
# What wins where Google names several faults of one row: what is there is there; a person's turn comes next.
_WEIGHT: Final = {Class.DONE: 0, Class.CONFIG: 1, Class.BUG: 2, Class.ROW: 3, Class.SPLIT: 4, Class.LATER: 5}

_DONE = Outcome(Class.DONE, "OK", "Google counted it.")
TAKEN = Outcome(Class.DONE, "VALID", "Google would take it.")
_AGAIN = Outcome(
    Class.AGAIN, "REQUEST_REFUSED", "The request was refused for another conversion; this one goes again."
)
_SPLIT = Outcome(
    Class.SPLIT,
    "ROW_NOT_NAMED",
    "Google refused some conversions of a request without saying which; they go again in halves.",
)
_UNTOLD = Outcome(
    Class.UNKNOWN,
    "NO_RESULT",
    "Google's answer says nothing about this conversion, so it is not known whether it counted.",
    "Nothing to do: the same id is sent again, and Google counts it once.",
)


class _Place(msgspec.Struct):
    fieldName: str = ""  # noqa: N815 (Google's spelling, here and below)
    index: int | None = None


class _Location(msgspec.Struct):
    fieldPathElements: list[_Place] = []  # noqa: N815


class _Quota(msgspec.Struct):
    retryDelay: str = ""  # noqa: N815


class _ErrorDetails(msgspec.Struct):
    quotaErrorDetails: _Quota = msgspec.field(default_factory=_Quota)  # noqa: N815


class _Error(msgspec.Struct):
    errorCode: dict[str, str | int] = {}  # noqa: N815 (a code newer than the client travels as a number)
    message: str = ""
    location: _Location = msgspec.field(default_factory=_Location)
    details: _ErrorDetails = msgspec.field(default_factory=_ErrorDetails)


class _Failure(msgspec.Struct):
    errors: list[_Error] = []
    reason: str = ""
    retryDelay: str = ""  # noqa: N815


class _Status(msgspec.Struct):
    code: int = 0
    message: str = ""
    status: str = ""
    details: list[_Failure] = []

    def errors(self) -> list[_Error]:
        """Return the errors of every GoogleAdsFailure in the details."""
        return [error for failure in self.details for error in failure.errors]


class _Uploaded(msgspec.Struct):
    partialFailureError: _Status = msgspec.field(default_factory=_Status)  # noqa: N815
    results: list[dict[str, Any]] = []


class _Refused(msgspec.Struct):
    error: _Status = msgspec.field(default_factory=_Status)


def read_upload(answer: HttpAnswer, count: int, *, is_call: bool = False) -> Reading:
    """Return one outcome per row for the answer to an upload."""
    if answer.status != 200:
        return _refused(answer, count, is_call=is_call)
    said = _decode(answer, _Uploaded)
    if said is None:
        return _unreadable(answer).about(count)
    filled = [bool(result) for result in said.results]
    filled += [False] * (count - len(filled))
    silent = [_DONE if there else _UNTOLD for there in filled[:count]]
    return _by_row(said.partialFailureError, silent, is_call=is_call)


def read_trial(answer: HttpAnswer, count: int, *, is_call: bool = False) -> Reading:
    """Return one outcome per row for the answer to a dry run: no result is filled, only faults are told."""
    if answer.status != 200:
        return _refused(answer, count, is_call=is_call)
    said = _decode(answer, _Uploaded)
    if said is None:
        return _unreadable(answer).about(count)
    return _by_row(said.partialFailureError, [TAKEN] * count, is_call=is_call)


def _by_row(status: _Status, silent: list[Outcome], *, is_call: bool) -> Reading:
    count = len(silent)
    found, general = _sorted(status.errors(), count, is_call=is_call)
    if status.code and not found and not general:
        general = [_SPLIT]
    for index, outcomes in found.items():
        silent[index] = _gravest(outcomes)
    if general:
        # A fault that names no row can only be one of those that went nowhere.
        worst = _alone(_gravest(general), count)
        unplaced = [index for index, outcome in enumerate(silent) if outcome in (_UNTOLD, TAKEN)]
        for index in unplaced:
            silent[index] = worst
    return tuple(_alone(outcome, count) for outcome in silent)


def _refused(answer: HttpAnswer, count: int, *, is_call: bool) -> Reading:
    """Judge a request that was refused as a whole."""
    refused = _decode(answer, _Refused)
    status = refused.error if refused is not None else _Status()
    found, general = _sorted(status.errors(), count, is_call=is_call)
    if not found and not general:
        return _by_status(answer, status, count)
    wait = retry_after(answer) or _retry_delay(status)
    everything = [outcome for outcomes in (*found.values(), general) for outcome in outcomes]
    pausing = [one for one in everything if one.class_ is Class.CONFIG and one.pauses]
    if pausing:
        return pausing[0].about(count)
    if not general:
        return tuple(_alone(_gravest(found[i]), count) if i in found else _AGAIN for i in range(count))
    worst = _gravest(general)
    if worst.class_ is Class.LATER:
        return Outcome(
            worst.class_, worst.code, worst.message, worst.hint, after=wait or worst.after, tries=worst.tries
        ).about(count)
    if worst.class_ in (Class.ROW, Class.BUG) and count > 1:
        return _SPLIT.about(count)
    return _alone(worst, count).about(count)


def _sorted(
    errors: Iterable[_Error], count: int, *, is_call: bool
) -> tuple[dict[int, list[Outcome]], list[Outcome]]:
    """Return what the errors mean: by row, and those that name none."""
    found: dict[int, list[Outcome]] = {}
    general: list[Outcome] = []
    for error in errors:
        places = error.location.fieldPathElements
        row = next(
            (place.index or 0 for place in places if place.fieldName in _ROWS and _is_row(place)), None
        )
        named = row is not None and row < count
        enum, code = next(iter(error.errorCode.items()), ("", "UNSPECIFIED"))
        outcome = verdict(
            _UPPER.sub(r"_\1", enum).lower(),
            str(code),
            names_a_row=named,
            is_call=is_call,
            description=error.message,
        )
        if row is not None and named:
            found.setdefault(row, []).append(outcome)
        else:
            general.append(outcome)
    return found, general


def _is_row(place: _Place) -> bool:
    """Tell whether a place names one row; Google leaves out the index of the list itself."""
    return place.index is not None


def _gravest(outcomes: list[Outcome]) -> Outcome:
    return min(outcomes, key=lambda outcome: _WEIGHT.get(outcome.class_, 9))


def _alone(outcome: Outcome, count: int) -> Outcome:
    """Ask for a smaller request where that cures the fault; a single row bears it."""
    if outcome.class_ is Class.SPLIT and count == 1:
        message = "Google refused the conversion without saying why."
        return Outcome(Class.BUG, outcome.code, message, OPERATOR)
    if outcome.class_ is Class.BUG and outcome.code in SMALLER_CURES and count > 1:
        return Outcome(Class.SPLIT, outcome.code, outcome.message, WAIT)
    return outcome


def _by_status(answer: HttpAnswer, status: _Status, count: int) -> Reading:
    """Judge a refusal without a GoogleAdsFailure by its HTTP status."""
    code = status.status or f"HTTP_{answer.status}"
    if 200 <= answer.status < 300:
        return _unreadable(answer).about(count)
    if answer.status == 401:
        message = "Google does not accept the access token of this connection."
        return Outcome(Class.CONFIG, "UNAUTHENTICATED", message, "Connect the Google account again.").about(
            count
        )
    if answer.status == 429 or answer.status >= 500:
        unwell = f"Google is unwell (HTTP {answer.status})."
        message = "Google takes no more requests at the moment." if answer.status == 429 else unwell
        wait = retry_after(answer) or _retry_delay(status)
        return Outcome(Class.LATER, code, message, WAIT, after=wait).about(count)
    if answer.status in (408, 409, 425, 499):
        message = f"Google did not get to it (HTTP {answer.status})."
        return Outcome(Class.LATER, code, message, WAIT).about(count)
    if 300 <= answer.status < 400:
        message = f"Something on the way to Google answered with a redirect (HTTP {answer.status})."
        hint = "Ask who runs calltrack to look at its way to the internet, then resume."
        return Outcome(Class.CONFIG, code, message, hint).about(count)
    if answer.status == 413:
        too_large = Outcome(
            Class.BUG, "REQUEST_TOO_LARGE", "The request is larger than Google takes.", OPERATOR
        )
        return _alone(too_large, count).about(count)
    if answer.status in (403, 404):
        return verdict("authorization_error", code, names_a_row=False).about(count)
    if answer.status == 400 and count > 1:
        return _SPLIT.about(count)
    message = f"Google answered in an unexpected way (HTTP {answer.status})."
    return Outcome(Class.BUG, code, message, OPERATOR).about(count)


def _retry_delay(status: _Status) -> timedelta | None:
    texts = [error.details.quotaErrorDetails.retryDelay for error in status.errors()]
    texts += [detail.retryDelay for detail in status.details]
    found = [one for one in map(_SECONDS.fullmatch, texts) if one]
    # A part of a second is waited for whole: before its time the answer is the same again.
    asked = [int(one.group(1)) + (one.group(2) is not None) for one in found]
    return timedelta(seconds=min(max(*asked, 1), 86_400)) if asked else None


def _unreadable(answer: HttpAnswer) -> Outcome:
    message = "Google's answer could not be read, so it is not known whether it arrived."
    return Outcome(Class.UNKNOWN, f"UNREADABLE_{answer.status}", message, "Nothing to do: it is sent again.")


class _Day(msgspec.Struct):
    uploadDate: str = ""  # noqa: N815
    successfulCount: int | str = 0  # noqa: N815 (int64 travels as a string)
    failedCount: int | str = 0  # noqa: N815
    pendingCount: int | str = 0  # noqa: N815


class _Summary(msgspec.Struct):
    client: str = ""
    status: str = ""
    dailySummaries: list[_Day] = []  # noqa: N815


class _Found(msgspec.Struct):
    offlineConversionUploadClientSummary: _Summary  # noqa: N815


class _Page(msgspec.Struct):
    results: list[_Found] = []


_STATUS_WORDS: Final = {
    "EXCELLENT": "Google finds the account's uploads excellent",
    "GOOD": "Google finds the account's uploads good",
    "NEEDS_ATTENTION": "Google says the account's uploads need attention",
    "NO_RECENT_UPLOAD": "Google has seen no upload for 28 days",
}


def read_summary(answer: HttpAnswer, first: date | None = None, last: date | None = None) -> Tally | None:
    """Return Google's counts of the account's uploads by the API, of all days it tells or from first to last.

    None: the answer could not be read. Google keeps the last seven days.
    """
    pages = _decode(answer, list[_Page]) if answer.status == 200 else None
    if pages is None:
        return None
    for found in (found for page in pages for found in page.results):
        summary = found.offlineConversionUploadClientSummary
        if summary.client == "GOOGLE_ADS_API":
            return _summed(summary, first, last)
    return Tally(received=0, counted=0, refused=0, note="Google has seen no upload yet.")


def _summed(summary: _Summary, first: date | None, last: date | None) -> Tally | None:
    earliest, latest = str(first or ""), str(last or "9999")
    days = [day for day in summary.dailySummaries if earliest <= day.uploadDate[:10] <= latest]
    try:
        counted = sum(int(day.successfulCount) for day in days)
        refused = sum(int(day.failedCount) for day in days)
        pending = sum(int(day.pendingCount) for day in days)
    except ValueError:
        return None
    words = _STATUS_WORDS.get(summary.status, "Google does not judge the account's uploads")
    still = f" {pending} are still being processed." if pending else ""
    return Tally(counted + refused + pending, counted, refused, f"{words}.{still}")


def _decode(answer: HttpAnswer, type_: Any) -> Any:
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except (msgspec.MsgspecError, RecursionError):
        return None
