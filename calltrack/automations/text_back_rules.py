"""Whether a missed caller is answered by a text message, and when: pure, and in doubt silent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from calltrack.kernel.phone import country_of, kind_of
from calltrack.kernel.quiet import Quiet

ONCE_WITHIN: Final = timedelta(hours=24)
# Past a Sunday and two nights; later an answer only surprises.
TOO_OLD: Final = timedelta(hours=36)
MOBILE_KINDS: Final = ("mobile", "fixed_line_or_mobile")
MOBILE_LINES: Final = ("mobile",)


@dataclass(frozen=True, kw_only=True)
class Missed:
    """What is known of a missed call and its caller when the answer is due.

    caller: E.164, None: withheld. waits: nobody rang back or closed it, and the caller did not call again.
    line_type: as the carrier says; '' not asked yet. last_text_at: the latest such message that was, or may
    still be, sent to this caller.
    """

    caller: str | None
    missed_at: datetime
    waits: bool
    is_stopped: bool
    line_type: str = ""
    last_text_at: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """do: send, wait (until a moment), ask (the carrier, what kind of line it is), or skip; why in words."""

    do: Literal["send", "wait", "ask", "skip"]
    words: str = ""
    until: datetime | None = None


def judge(missed: Missed, *, is_on: bool, country: str, quiet: Quiet, now: datetime) -> Verdict:
    """Decide about one missed call at this moment."""
    reason = _reason_against(missed, is_on=is_on, country=country, now=now)
    if reason:
        return Verdict("skip", reason)
    if quiet.covers(now):
        return Verdict("wait", "It waits for the end of the quiet hours.", quiet.over(now))
    if not missed.line_type:
        return Verdict("ask")
    if missed.line_type not in MOBILE_LINES:
        return Verdict("skip", f"The carrier says that the caller's line is no mobile ({missed.line_type}).")
    return Verdict("send")


def _reason_against(missed: Missed, *, is_on: bool, country: str, now: datetime) -> str:
    if not is_on:
        return "The text-back is switched off."
    if missed.caller is None:
        return "The caller withheld the number."
    if not missed.waits:
        return "Somebody rang back, the caller called again, or the call was dealt with."
    if missed.is_stopped:
        return "This person asked for no messages (STOP)."
    if country_of(missed.caller) != country:
        return "The caller's number is of another country."
    if kind_of(missed.caller) not in MOBILE_KINDS:
        return "The caller's number is no mobile."
    if missed.last_text_at is not None and now - missed.last_text_at < ONCE_WITHIN:
        return "This caller was sent such a message within 24 hours."
    if now - missed.missed_at > TOO_OLD:
        return "The call lies too far back."
    return ""
