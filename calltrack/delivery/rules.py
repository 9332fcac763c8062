"""What an answer does to a delivery: its next state, when it is due again, and what it says to people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from calltrack.destinations.base import Destination
from calltrack.destinations.outcomes import Class, Outcome

# A killed worker's deliveries come back after this long; longer than one request may take.
LEASE: Final = timedelta(seconds=45)
# How long an unwell platform is left alone after the n-th request in a row that found it so; the last
# repeats for as long as the platform takes conversions at all. One delivery probes, the others wait.
HOLDS: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120, 300))
# So many deliveries one after the other refused for the same fault of set-up pause a destination, even if
# each fault could lie in the single click.
SUSPICIOUS: Final = 20
# Verdicts of an asynchronous platform are asked for at least this often.
POLL_MOST: Final = timedelta(minutes=10)

# After so many failed requests in a row an answer means that the receiver was away and is back.
AWAY: Final = 5

_UNSETTLED: Final = (Class.LATER, Class.UNKNOWN)
_STATES: Final = {
    Class.DONE: "confirmed",
    Class.ACCEPTED: "accepted",
    Class.LATER: "pending",
    Class.UNKNOWN: "unknown",
    Class.ROW: "rejected",
    Class.BUG: "rejected",
    Class.CONFIG: "parked",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to a delivery next. `wait` is from now; None: nothing happens by itself any more."""

    state: str
    wait: timedelta | None
    class_: str
    explanation: str
    request_id: str | None = None
    burns: bool = True
    """Whether the try counts; it does not where the fault lay outside this delivery."""


def found_unwell(outcomes: tuple[Outcome, ...], status: int | None) -> bool:
    """Tell whether the platform as a whole is unwell or asks for a pause, not only for single rows."""
    if any(outcome.class_ not in _UNSETTLED for outcome in outcomes):
        return False
    no_answer = status is None or status == 429 or status >= 500
    return no_answer or all(outcome.holds or outcome.class_ is Class.UNKNOWN for outcome in outcomes)


def hold_for(outcomes: tuple[Outcome, ...], unwell_before: int) -> timedelta:
    """Return how long to leave an unwell platform alone: as long as it asks for, else by the table."""
    asked = [outcome.after for outcome in outcomes if outcome.after is not None]
    return max(asked, default=HOLDS[min(unwell_before, len(HOLDS) - 1)])


def failing_since(outcomes: tuple[Outcome, ...], before: datetime | None, now: datetime) -> datetime | None:
    """Return since when requests have failed without one success; None: this one did not fail."""
    failed = all(outcome.class_ in _UNSETTLED for outcome in outcomes)
    return (before or now) if failed else None


def gave_up(destination: Destination[Any], since: datetime | None, now: datetime) -> str:
    """Return why a destination that has failed for too long is paused; nothing while it has not."""
    if destination.stops_after is None or since is None or now - since < destination.stops_after:
        return ""
    days = destination.stops_after.days
    return (
        f"Nothing has arrived at {destination.label} for {days} days, so it was switched off."
        " Nothing is lost: repair the receiving side, run a trial, then resume."
    )


def after_send(
    outcome: Outcome,
    destination: Destination[Any],
    *,
    attempt: int,
    age: timedelta,
    hold: timedelta | None,
    first_poll: timedelta,
) -> Step:
    """Return what an answer to a request does to one delivery that it carried.

    `attempt` counts from 1; `age` is the time since the platform's age limit began to run; `hold` is how long
    the platform is left alone if it is unwell.
    """
    if outcome.class_ is Class.ACCEPTED:
        wait = outcome.after or first_poll
        return Step("accepted", wait, outcome.class_.name, said(outcome), outcome.request_id)
    if outcome.class_ not in _UNSETTLED:
        return _settled(outcome)
    wait_or_none = _wait(outcome, destination, attempt, hold)
    if wait_or_none is None or (outcome.tries is not None and attempt >= outcome.tries):
        return Step("rejected", None, outcome.class_.name, f"{said(outcome)} Given up after {attempt} tries.")
    if destination.max_age is not None and age + wait_or_none > destination.max_age:
        return too_old(destination, outcome.class_.name, f"{said(outcome)} ")
    return Step(_STATES[outcome.class_], wait_or_none, outcome.class_.name, said(outcome))


def too_old(destination: Destination[Any], last_class: str | None, said_before: str = "") -> Step:
    """Return the end of a delivery that the platform takes no more; what may have arrived stays unknown."""
    limit = f"{destination.label} takes nothing older than {in_words(destination.max_age)}."
    if last_class == Class.UNKNOWN.name:
        look = f"{said_before}It may have arrived, and it cannot be sent again: {limit} Look there."
        return Step("unknown", None, last_class, look, burns=False)
    given_up = f"{said_before}Given up: {limit}"
    return Step("rejected", None, last_class or Class.LATER.name, given_up, burns=False)


def in_words(span: timedelta | None) -> str:
    """Return an age limit in words: `72 hours`, `7 days`."""
    hours = round((span or timedelta(0)) / timedelta(hours=1))
    return f"{hours // 24} days" if hours % 24 == 0 and hours >= 96 else f"{hours} hours"


def after_poll(
    outcome: Outcome,
    destination: Destination[Any],
    *,
    attempt: int,
    is_verdict: bool,
    since_accepted: timedelta,
    first_poll: timedelta,
) -> Step:
    """Return what the answer to "what became of it?" does to an accepted delivery.

    Without a verdict it is asked again: after as long as it has taken so far, ten minutes at most.
    """
    if outcome.class_ is Class.CONFIG and not is_verdict:
        return Step("accepted", timedelta(0), outcome.class_.name, said(outcome))
    if outcome.class_ is Class.OPEN:
        most = outcome.after or POLL_MOST
        wait = min(max(since_accepted, first_poll), most) if is_verdict else outcome.after or HOLDS[2]
        return Step("accepted", wait, Class.ACCEPTED.name, said(outcome))
    if outcome.class_ is Class.UNKNOWN:
        return Step("unknown", timedelta(0), outcome.class_.name, said(outcome))
    if outcome.class_ is Class.LATER:
        wait = outcome.after or destination.wait_before(attempt) or destination.waits[-1]
        return Step("pending", wait, outcome.class_.name, said(outcome))
    return _settled(outcome)


def said(outcome: Outcome) -> str:
    """Return what a person reads: what happened and the next step."""
    return f"{outcome.message} {outcome.hint}".strip()


def _settled(outcome: Outcome) -> Step:
    if outcome.class_ not in _STATES:
        raise ValueError(f"{outcome.class_} does not settle a delivery")
    burns = outcome.class_ is not Class.CONFIG
    return Step(_STATES[outcome.class_], None, outcome.class_.name, said(outcome), burns=burns)


def _wait(
    outcome: Outcome, destination: Destination[Any], attempt: int, hold: timedelta | None
) -> timedelta | None:
    """Return the wait before the next try; None: give up."""
    by_table = destination.wait_before(attempt)
    if by_table is None:
        return None
    if hold is None:
        return outcome.after or by_table
    # While a platform is unwell one delivery probes for all; where tries are counted they are spread as well.
    return max(hold, by_table) if destination.gives_up and outcome.after is None else hold
