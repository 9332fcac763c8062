"""Does a condition hold for one person? Pure: facts and the time come in, an answer comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from calltrack.audiences.conditions import (
    All,
    Any_,
    Bought,
    BoughtSinceLead,
    Lead,
    Location,
    Missed,
    Not,
    Segment,
    Touch,
    Tree,
    Value,
    parts,
)
from calltrack.stages.segment_rules import matches as in_segment
from calltrack.stages.segment_rules import read_segment

# Imports often know only the day of a purchase: one up to a day before the lead counts as the lead's own.
SAME_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase that counts."""

    at: datetime
    value_minor: int | None
    currency: str


@dataclass(frozen=True, slots=True)
class Called:
    """A call of the person; `missed`: it ended and nobody had talked."""

    at: datetime
    location_id: UUID
    missed: bool
    reached: bool


@dataclass(frozen=True, slots=True, order=True)
class Touched:
    """Something that brought the person: a visit, or the source a call is credited to."""

    at: datetime
    source: str
    medium: str
    campaign: str


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What is known of one person; conversions are those that count now."""

    leads: tuple[datetime, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    calls: tuple[Called, ...] = ()
    called_back: tuple[datetime, ...] = ()
    """Times of conversions that the company won by calling back."""
    touches: tuple[Touched, ...] = ()
    journey: Mapping[str, Any] | None = None
    """What segments ask of the person (`journey_rules.facts_of`); None: no journey was made yet."""


def matches(tree: Tree, person: PersonFacts, now: datetime) -> bool:
    """Tell whether the condition holds for the person at that moment."""
    if isinstance(tree, All):
        return all(matches(one, person, now) for one in tree.all)
    if isinstance(tree, Any_):
        return any(matches(one, person, now) for one in tree.any)
    if isinstance(tree, Not):
        return not matches(tree.not_, person, now)
    if isinstance(tree, Lead):
        return _lead(tree, person, now)
    if isinstance(tree, Bought):
        last = max((one.at for one in person.purchases), default=None)
        return last is not None and _is_within(last, tree.within_days, now)
    if isinstance(tree, BoughtSinceLead):
        return _bought_since_lead(tree, person)
    if isinstance(tree, Missed):
        return _missed(tree, person, now)
    if isinstance(tree, Value):
        paid = [one.value_minor or 0 for one in person.purchases if one.currency == tree.currency]
        return sum(paid) >= tree.at_least_minor
    if isinstance(tree, Touch):
        return _touch(tree, person)
    if isinstance(tree, Location):
        return any(call.location_id in tree.location_ids for call in person.calls)
    if isinstance(tree, Segment):
        wanted = read_segment(tree.condition)
        return person.journey is not None and in_segment(wanted, person.journey, now)
    raise TypeError(f"{type(tree).__name__} is no condition")


def days_of(tree: Tree) -> list[tuple[str, int]]:
    """Return what can move a person by time alone: the kind of event and the age in days at which it does."""
    found: set[tuple[str, int]] = set()
    for one in parts(tree):
        kind = {Lead: "lead", Bought: "purchase", Missed: "call"}.get(type(one))
        for name in ("within_days", "older_than_days"):
            days = getattr(one, name, None)
            if kind and days:
                found.add((kind, days))
    return sorted(found)


def _is_within(at: datetime, days: int | None, now: datetime) -> bool:
    return days is None or at > now - timedelta(days=days)


def _lead(tree: Lead, person: PersonFacts, now: datetime) -> bool:
    last = max(person.leads, default=None)
    if last is None or not _is_within(last, tree.within_days, now):
        return False
    return tree.older_than_days is None or last <= now - timedelta(days=tree.older_than_days)


def _bought_since_lead(tree: BoughtSinceLead, person: PersonFacts) -> bool:
    lead = max(person.leads, default=None)
    if lead is None:
        return False
    first = min((one.at for one in person.purchases if one.at >= lead - SAME_DAY), default=None)
    if first is None:
        return False
    return tree.within_days is None or first <= lead + timedelta(days=tree.within_days)


def _missed(tree: Missed, person: PersonFacts, now: datetime) -> bool:
    last = max((call.at for call in person.calls if call.missed), default=None)
    if last is None or not _is_within(last, tree.within_days, now):
        return False
    reached = [call.at for call in person.calls if call.reached]
    return all(at < last for at in (*reached, *person.called_back))


def _touch(tree: Touch, person: PersonFacts) -> bool:
    if not person.touches:
        return False
    one = min(person.touches) if tree.which == "first" else max(person.touches)
    pairs = ((tree.source, one.source), (tree.medium, one.medium), (tree.campaign, one.campaign))
    return all(not wanted or wanted == found for wanted, found in pairs)
