"""What can become of a conversion: the verdict before sending, the outcome after."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Literal

from calltrack.infra.http import HttpAnswer, HttpFailure

RETRY_AFTER_LEAST = timedelta(seconds=1)
RETRY_AFTER_MOST = timedelta(hours=24)


class Class(StrEnum):
    """The class of an answer for one conversion; it decides what the ledger does next."""

    DONE = "done"
    """It counts at the platform (or already did): finished."""
    ACCEPTED = "accepted"
    """Taken, judged later: poll with `request_id`, first after `after`."""
    OPEN = "open"
    """Asked for a verdict and got none yet: ask again, after `after` if given; nothing is sent again."""
    LATER = "later"
    """The platform is unwell or it is too early: the same bytes again, after `after` if given."""
    UNKNOWN = "unknown"
    """Sent, but no answer came: sent again under the destination's rule for unknown outcomes."""
    AGAIN = "again"
    """Nothing wrong with this row: the request was refused for another one. Send at once without it."""
    SPLIT = "split"
    """The request was refused and no row named: send again at once, in two halves."""
    ROW = "row"
    """The platform refuses this conversion for good: a person may look at it."""
    CONFIG = "config"
    """The account is not set up right: pause the destination, burn no attempt, tell the owner."""
    BUG = "bug"
    """We built this wrong: it is rejected and the operator told; sending the same again cannot help."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one conversion: class, the platform's code, a sentence, the next step for a person."""

    class_: Class
    code: str
    message: str
    hint: str = ""
    after: timedelta | None = None
    request_id: str | None = None
    pauses: bool = True
    """For CONFIG only. False: the fault may lie in this one click (which anyone can put in an address), so
    park the row and pause the destination only when many rows in a row say the same."""
    holds: bool = False
    """For LATER only. The platform speaks of the account, not of this row: leave the whole destination alone
    for a while. Answers with HTTP 429 or 5xx do so by themselves."""
    tries: int | None = None
    """For LATER only: refused for good once it was tried so often; None: as long as the platform takes it."""

    def about(self, count: int) -> tuple["Outcome", ...]:
        """Return this outcome once for each of `count` conversions."""
        return (self,) * count

    def with_message(self, message: str) -> "Outcome":
        """Return the same outcome saying something else."""
        return replace(self, message=message)


Reading = tuple[Outcome, ...]
"""One outcome per conversion, in the order they were sent."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What would happen to a conversion, before anything is sent: stored and shown with the delivery."""

    decision: Literal["send", "wait", "never"]
    code: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A short-lived access token; `refresh_token` where the provider changed that one as well."""

    value: str
    lifetime: timedelta
    refresh_token: str | None = None


def retry_after(answer: HttpAnswer) -> timedelta | None:
    """Return the wait the platform asks for, held between 1 second and 24 hours; None if it asks for none."""
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        wanted = timedelta(seconds=min(int(text[:9]), 86_400))
    else:
        try:
            until = parsedate_to_datetime(text)
            wanted = until - parsedate_to_datetime(answer.headers.get("date", ""))
        except (ValueError, TypeError):
            return None
    return min(max(wanted, RETRY_AFTER_LEAST), RETRY_AFTER_MOST)


def no_verdict(outcome: Outcome) -> Outcome:
    """Return the same news where a verdict was asked for: it leaves the conversion as it is."""
    return outcome if outcome.class_ is Class.CONFIG else replace(outcome, class_=Class.OPEN)


def of_failure(failure: HttpFailure, count: int) -> Reading:
    """Return what a request without an answer means for each of its conversions."""
    if failure.kind == "refused":
        outcome = Outcome(
            Class.CONFIG,
            "ADDRESS_REFUSED",
            f"The address was refused before anything was sent: {failure.message}.",
            "Use a public https:// address.",
        )
    elif failure.kind == "unsent":
        outcome = Outcome(
            Class.LATER,
            "UNREACHABLE",
            f"The platform could not be reached: {failure.message}. Nothing was sent.",
            "Nothing to do: calltrack tries again.",
        )
    else:
        outcome = Outcome(
            Class.UNKNOWN,
            "NO_ANSWER",
            f"Sent, but no answer came back: {failure.message}.",
            "Nothing to do: it is sent again where that cannot count twice, and left to you where it might.",
        )
    return outcome.about(count)
