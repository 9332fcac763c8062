"""A conversion, what is known of who made it, and the paths that may have led to it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from uuid import UUID

from calltrack.attribution.stored import UNNAMED
from calltrack.kernel.origin import source_key, words_of

WINDOWS = (7, 30, 90)
"""How many days before the call touches count, as one may choose."""
LONGEST = timedelta(days=max(WINDOWS))
LEVELS = ("source", "campaign")
KINDS = ("lead", "purchase")
MOST_DOUBTS = 4
"""So many uncertain browsers of a person are weighed; of more, the least certain are left out."""
MOST_TOUCHES = 100
"""Of a browser that comes every hour (a colleague's, a shop's) the latest count."""
SURE = 1 - 1e-9
NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Seen:
    """A touch of somebody: a visit, or a call to a number that stands for a campaign."""

    at: datetime
    campaign: str
    visit: UUID | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A visit that may have made the call, and how likely."""

    visit: UUID | None
    visitor: UUID | None
    campaign: str
    p: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A counted conversion and its call: whose it may have been, and what else the person was seen at."""

    kind: str
    called_at: datetime
    value_minor: int
    suspects: Sequence[Suspect] = ()
    by_campaign: Mapping[str, float] = field(default_factory=dict)
    browsers: Sequence[tuple[UUID, float]] = ()
    """Browsers the person is known to use from elsewhere than this call, with their probabilities."""
    offline: Sequence[Seen] = ()
    """Earlier calls of the person to numbers that stand for a campaign."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way the journey may have gone: campaigns with hours before its end, oldest first; how likely."""

    touches: tuple[tuple[str, float], ...]
    weight: float


def ways_of(ended: Ended, visits: Mapping[UUID, Sequence[Seen]]) -> list[Way]:
    """Return every way that may have led to the conversion; their weights add up to 1.

    Whose call it was is one doubt: ways through one visit or another exclude each other, and each ends with
    the visit that made the call, so the last touches weigh what the verdict says. That another browser is the
    person's, too, is a doubt of its own. What the verdict gives to nobody ends without that last touch.
    """
    ways: dict[tuple[tuple[str, float], ...], float] = {}
    for last, visitor, weight in _hypotheses(ended, visits):
        for shared, chance in _others(ended, visitor):
            touches = _line(ended, visits, last, [visitor, *shared] if visitor else shared)
            ways[touches] = ways.get(touches, 0.0) + weight * chance
    return [Way(touches, weight) for touches, weight in ways.items()]


def _hypotheses(
    ended: Ended, visits: Mapping[UUID, Sequence[Seen]]
) -> list[tuple[Seen | None, UUID | None, float]]:
    """Return who may have called: the last touch, the browser it was in (if it is known), how likely."""
    left = dict(ended.by_campaign)
    found: list[tuple[Seen | None, UUID | None, float]] = []
    for one in ended.suspects:
        if one.p <= NOTHING:
            continue
        left[one.campaign] = left.get(one.campaign, 0.0) - one.p
        browser = visits.get(one.visitor, ()) if one.visitor else ()
        kept = next((seen for seen in browser if seen.visit == one.visit), None)
        # A visit that is forgotten or erased still had its campaign.
        found.append((kept or Seen(ended.called_at, one.campaign), one.visitor if kept else None, one.p))
    found += [
        (Seen(ended.called_at, key), None, p) for key, p in left.items() if p > NOTHING and key != UNNAMED
    ]
    named = sum(weight for _, _, weight in found)
    if named > SURE:
        return [(last, visitor, weight / named) for last, visitor, weight in found]
    return [*found, (None, None, 1.0 - named)]


def _others(ended: Ended, visitor: UUID | None) -> list[tuple[list[UUID], float]]:
    """Return which other browsers may be the person's, all of them together, with their probabilities."""
    links = sorted((one for one in ended.browsers if one[0] != visitor), key=lambda one: (-one[1], one[0]))
    sure = [browser for browser, p in links if p >= SURE]
    doubts = [one for one in links if NOTHING < one[1] < SURE][:MOST_DOUBTS]
    found = []
    for is_theirs in product((True, False), repeat=len(doubts)):
        chance, shared = 1.0, list(sure)
        for (browser, p), yes in zip(doubts, is_theirs, strict=True):
            chance *= p if yes else 1.0 - p
            shared += [browser] if yes else []
        found.append((shared, chance))
    return found


def _line(
    ended: Ended, visits: Mapping[UUID, Sequence[Seen]], last: Seen | None, browsers: Sequence[UUID]
) -> tuple[tuple[str, float], ...]:
    end = last.at if last else ended.called_at
    seen = [one for browser in browsers for one in visits.get(browser, ()) if one.at <= end]
    seen += [one for one in ended.offline if one.at <= end]
    touches = sorted((one for one in seen if one != last), key=lambda one: one.at)
    if last:
        touches.append(last)
    hours = [
        (one.campaign, max((ended.called_at - one.at) / timedelta(hours=1), 0.0))
        for one in touches
        if ended.called_at - one.at <= LONGEST
    ]
    return tuple(hours[-MOST_TOUCHES:])


def within(touches: Sequence[tuple[str, float]], days: int) -> tuple[tuple[str, float], ...]:
    """Return the touches of the last so many days before the end."""
    return tuple(one for one in touches if one[1] <= days * 24)


def at_level(touches: Sequence[tuple[str, float]], level: str) -> tuple[tuple[str, float], ...]:
    """Return the touches by the words of a level: campaigns, or their sources."""
    if level == "campaign":
        return tuple(touches)
    return tuple((_source(key), hours) for key, hours in touches)


def _source(key: str) -> str:
    source, medium, _ = words_of(key)
    return source_key(source, medium)
