"""Why a conversion has, or has not, reached a destination, and what to do: one answer in a marketer's words.

Pure: facts in, answer out. The first line holds no code and no state's name; those stand behind "details".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from calltrack.delivery.advice import ADVICE, KEPT_BACK, Link, advice_for

Tone = Literal["good", "live", "calm", "warn", "bad"]
# What should have left long ago and did not: the workers are behind, or stand still.
LATE: Final = timedelta(minutes=15)
PREPARED_WITHIN: Final = timedelta(minutes=5)
OPERATOR: Final = "Ask whoever runs calltrack whether its workers run."
NOTHING: Final = "Nothing to do."


@dataclass(frozen=True, slots=True)
class Place:
    """A destination as far as an answer needs it; `status` is none where it was never connected."""

    name: str
    status: Literal["active", "paused", "removed", "none"] = "active"
    reason: str = ""
    held_until: datetime | None = None
    is_unwell: bool = True
    """False: it is held for the platform's request limit only, and answers well."""
    connected_at: datetime | None = None
    has_click: bool = False
    """Whether the visit behind the call came by a click of this platform."""


@dataclass(frozen=True, slots=True)
class Told:
    """One change of a conversion on its way to a destination: the newest facts of its delivery."""

    state: str
    planned_at: datetime
    sequence: int = 0
    action: str = "create"
    worth: str = ""
    """The value it tells, as people write it: € 850."""
    due_at: datetime | None = None
    settled_at: datetime | None = None
    attempts: int = 0
    last_class: str | None = None
    explanation: str = ""
    preflight: str = ""
    code: str = ""
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides one answer. Without a conversion `what` is empty and `no_conversion` says why."""

    place: Place
    now: datetime
    zone: ZoneInfo
    what: Literal["", "lead", "purchase"] = ""
    decided_at: datetime | None = None
    """When the conversion was decided on."""
    is_counted: bool = True
    call_is_over: bool = True
    no_conversion: str = ""
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One line, what is behind it, and the next step; `link` says which button does it, if any."""

    headline: str
    explanation: str
    next_step: str
    tone: Tone
    link: Link = ""
    is_final: bool = False
    """Nothing changes by itself any more: a page that shows it need not look again."""


def telling(told: Sequence[Told]) -> Told | None:
    """Return the change to speak of: the first that has not arrived, else the newest.

    What was kept back or refused before a newer change was confirmed is past: the platform knows better. Of
    changes that were all kept back after a confirmed one, the newest says where the conversion stands.
    """
    ordered = sorted(told, key=lambda one: one.sequence)
    last = max((place for place, one in enumerate(ordered) if one.state == "confirmed"), default=-1)
    past = [one for one in ordered[: last + 1] if one.state in ("confirmed", "withheld", "rejected")]
    present = [one for one in ordered if one not in past]
    waiting = [one for one in present if one.state != "accepted"]
    if past and waiting and all(one.state == "withheld" for one in present):
        return waiting[-1]
    chosen = waiting or present or ordered[last:][:1]
    return chosen[0] if chosen else None


def why(facts: Facts) -> Answer:
    """Return the answer for one destination and one conversion, or for a call without any."""
    if facts.told is not None:
        return _STATES[facts.told.state](facts, facts.told)
    if facts.place.status == "none":
        return _not_connected(facts)
    if not facts.what or not facts.is_counted:
        return _nothing_to_send(facts)
    return _not_planned(facts)


def _not_connected(facts: Facts) -> Answer:
    name = facts.place.name
    step = f"Connect {name}: it hears of the leads and purchases from then on."
    if facts.place.has_click:
        said = f"This caller came by a click of {name}, which could have learned from this call."
        return Answer(f"{name} is not connected", said, step, "warn", "connect", is_final=True)
    said = f"Nothing is sent to {name}."
    return Answer(f"{name} is not connected", said, step, "calm", "connect", is_final=True)


def _nothing_to_send(facts: Facts) -> Answer:
    name = facts.place.name
    if not facts.call_is_over:
        said = "Whether it is a lead is decided when the call ends."
        return Answer(f"Not yet: the call still runs, {name} hears of it afterwards", said, NOTHING, "live")
    if facts.what:
        said = facts.no_conversion or f"The {facts.what} was taken back before anything was sent."
        return Answer(f"Nothing to send to {name}: the {facts.what} was taken back", said, NOTHING, "calm")
    said = facts.no_conversion or "Only leads and purchases are sent."
    step = "If it was one after all, mark it as a lead, or write down what they bought."
    return Answer(f"Nothing to send to {name}: this call is no lead", said, step, "calm", "outcome")


def _not_planned(facts: Facts) -> Answer:
    name, connected_at = facts.place.name, facts.place.connected_at
    if facts.decided_at is not None and connected_at is not None and facts.decided_at < connected_at:
        headline = f"The {facts.what} will not go to {name}: it was connected afterwards"
        said = f"{name} was connected {_at(connected_at, facts)} and hears of what happens from then on."
        return Answer(headline, said, NOTHING, "calm", is_final=True)
    if facts.decided_at is not None and facts.now - facts.decided_at > PREPARED_WITHIN:
        said = f"The {facts.what} was decided {_at(facts.decided_at, facts)}, and nothing was prepared since."
        return Answer(f"The {facts.what} has not been prepared for {name}", said, OPERATOR, "bad")
    said = "It is being prepared; that takes a few seconds."
    return Answer(f"On its way to {name}", said, NOTHING, "live")


def _pending(facts: Facts, told: Told) -> Answer:
    name, thing = facts.place.name, _thing(facts, told)
    if facts.place.status == "paused":
        return _paused(facts, thing)
    if told.sequence > 0 and told.attempts == 0 and _waits_its_turn(facts, told):
        said = f"{name} must take the {facts.what} itself first; this change follows it."
        return Answer(f"{thing} waits for its turn at {name}", said, _by_itself(facts, told), "calm")
    held = facts.place.held_until
    if held is not None and held > facts.now:
        if not facts.place.is_unwell:
            said = f"{name} takes only so many requests in a stretch of time; the limit is used up for now."
            return Answer(f"{thing} waits for its turn at {name}", said, _by_itself(facts, told), "calm")
        said = told.explanation or f"{name} does not answer as it should."
        step = f"Nothing to do: calltrack asks again {_at(held, facts)} and sends everything once it is back."
        return Answer(f"{thing} waits: {name} is unwell at the moment", said, step, "warn")
    if told.attempts == 0 and told.due_at is not None and told.due_at > facts.now:
        said = told.reason or told.explanation or f"{name} cannot take it earlier."
        return Answer(f"{thing} goes to {name} {_at(told.due_at, facts)}", said, NOTHING, "calm")
    if told.due_at is not None and facts.now - told.due_at > LATE:
        said = f"It was to leave {_at(told.due_at, facts)} and is still here."
        return Answer(f"{thing} is late for {name}", said, OPERATOR, "bad")
    if told.attempts > 0:
        tries = "once" if told.attempts == 1 else f"{told.attempts} times"
        headline = f"{thing} has not reached {name} yet: tried {tries}"
        return Answer(headline, told.explanation, _by_itself(facts, told), "warn")
    return Answer(f"On its way to {name}", "It is sent next.", NOTHING, "live")


def _sending(facts: Facts, told: Told) -> Answer:
    said = "It is being sent at this moment."
    return Answer(f"On its way to {facts.place.name}", said, NOTHING, "live")


def _accepted(facts: Facts, told: Told) -> Answer:
    name = facts.place.name
    said = f"{name} checks what it takes afterwards; until then it may still refuse it."
    step = "Nothing to do: the verdict is asked for by itself."
    if facts.place.status == "paused":
        paused = _paused(facts, _thing(facts, told))
        said, step, link = f"{said} {facts.place.reason}".strip(), paused.next_step, paused.link
        return Answer(
            f"{_thing(facts, told)} was taken by {name}, its verdict waits", said, step, "warn", link
        )
    if told.due_at is not None and told.due_at > facts.now:
        step = f"Nothing to do: the verdict is asked for {_at(told.due_at, facts)}."
    return Answer(f"{_thing(facts, told)} was taken by {name} and is being checked", said, step, "calm")


def _confirmed(facts: Facts, told: Told) -> Answer:
    name, at = facts.place.name, _at(told.settled_at, facts) if told.settled_at else ""
    if told.action == "retract":
        said = told.reason if told.code == "VALUE_TO_ZERO" else "It counts there no more."
        headline = f"The {facts.what} was taken back at {name} {at}".strip()
        return Answer(headline, said, NOTHING, "good", is_final=True)
    headline = f"{_thing(facts, told)} reached {name} {at}".strip()
    return Answer(headline, "It counts there, once.", NOTHING, "good", is_final=True)


def _rejected(facts: Facts, told: Told) -> Answer:
    name, thing = facts.place.name, _thing(facts, told)
    if told.last_class == "BUG":
        step = "Tell whoever runs calltrack. After the mend, send it again."
        headline = f"{thing} did not reach {name}: calltrack built it wrong"
        return Answer(headline, told.explanation, step, "bad", "replay", is_final=True)
    if told.last_class in ("LATER", "UNKNOWN"):
        step = f"When {name} works again, send it again."
        headline = f"{thing} did not reach {name}: given up"
        return Answer(headline, told.explanation, step, "bad", "replay", is_final=True)
    step = "If you can put the cause right, do so, then send it again. If not, nothing more happens to it."
    return Answer(f"{name} refused {_small(thing)}", told.explanation, step, "bad", "replay", is_final=True)


def _unknown(facts: Facts, told: Told) -> Answer:
    name, thing = facts.place.name, _thing(facts, told)
    if facts.place.status == "paused":
        return _paused(facts, thing)
    if told.due_at is not None:
        said = told.explanation or "It was sent, but no answer came back."
        step = _by_itself(facts, told)
        headline = f"It is not known yet whether {_small(thing)} reached {name}"
        return Answer(headline, said, f"{step} {name} counts it once, however often it arrives.", "warn")
    step = f"Look it up at {name}, then say here whether it arrived."
    headline = f"Nobody knows whether {_small(thing)} reached {name}: you decide"
    return Answer(headline, told.explanation, step, "bad", "settle", is_final=True)


def _parked(facts: Facts, told: Told) -> Answer:
    name, thing = facts.place.name, _thing(facts, told)
    if facts.place.status == "paused":
        return _paused(facts, thing)
    step = f"Put that right in the settings of {name} or there, then send it again."
    headline = f"{thing} is stopped: {name} found a fault in its set-up"
    return Answer(headline, told.explanation, step, "bad", "replay", is_final=True)


def _withheld(facts: Facts, told: Told) -> Answer:
    name, thing = facts.place.name, _thing(facts, told)
    known = told.preflight == "never" and told.code in ADVICE
    given = advice_for(told.code, name, facts.what) if known else KEPT_BACK
    said = told.explanation if told.preflight != "never" else told.reason or told.explanation
    headline = f"{thing} will not go to {name}: {given.headline}"
    return Answer(headline, said, given.next_step, given.tone, given.link, is_final=True)


_STATES: Final = {
    "pending": _pending,
    "sending": _sending,
    "accepted": _accepted,
    "confirmed": _confirmed,
    "rejected": _rejected,
    "unknown": _unknown,
    "parked": _parked,
    "withheld": _withheld,
}


def _paused(facts: Facts, thing: str) -> Answer:
    name, reason = facts.place.name, facts.place.reason
    step = f"Do what the reason asks, then let {name} run again: everything that waits is sent at once."
    if reason.startswith("Paused by "):
        step = f"Let {name} run again: everything that waits is sent at once."
    return Answer(f"{thing} waits: {name} is paused", reason, step, "bad", "resume")


def _waits_its_turn(facts: Facts, told: Told) -> bool:
    return told.until is None or told.until <= facts.now


def _by_itself(facts: Facts, told: Told) -> str:
    if told.due_at is not None and told.due_at > facts.now:
        return f"Nothing to do: it is tried again {_at(told.due_at, facts)}."
    return "Nothing to do: it is tried again by itself."


def _thing(facts: Facts, told: Told) -> str:
    """Name what travels: `The purchase of € 850`, `The new value € 900`, `The taking back of the lead`."""
    if told.action == "restate":
        return f"The new value {told.worth}".strip() + f" of the {facts.what}"
    if told.action == "retract":
        return f"The taking back of the {facts.what}"
    return f"The {facts.what} of {told.worth}" if told.worth else f"The {facts.what}"


def _small(thing: str) -> str:
    return thing[:1].lower() + thing[1:]


def _at(moment: datetime, facts: Facts) -> str:
    """Write a moment as people say it: `today at 14:30`, `tomorrow at 09:00`, `on 3 Dec at 09:00`."""
    local, today = moment.astimezone(facts.zone), facts.now.astimezone(facts.zone).date()
    days = (local.date() - today).days
    if days in _DAYS:
        return f"{_DAYS[days]} at {local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"on {local.day} {local:%b}{year} at {local:%H:%M}"


_DAYS: Final = {-1: "yesterday", 0: "today", 1: "tomorrow"}
