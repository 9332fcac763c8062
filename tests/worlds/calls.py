"""The calls of a world: who phones after which visit, when, from which phone, and who calls unwanted."""

from dataclasses import dataclass

import numpy as np

from tests.worlds.assumptions import DAY, Assumptions
from tests.worlds.clock import PHONING, TRAFFIC, hour_of_week, later
from tests.worlds.visits import Flags, Floats, Ints, Visits, zipf

NOBODY = -1


@dataclass(frozen=True)
class Calls:
    """One entry per call, in time order. `visit` is the truth: whose number is dialled."""

    at: Floats
    visit: Ints
    caller: Ints
    """Which phone; negative when it is withheld."""
    region: Ints
    kind: Ints
    """Which of `KINDS` it is, for tables."""


KINDS = (
    "tap",
    "on screen",
    "< 1 h",
    "1-6 h",
    "6-24 h",
    "> 1 day",
    "repeat, same phone",
    "repeat, other",
    "spam",
)
TAP, ON_SCREEN, REPEAT, REPEAT_OTHER, SPAM = 0, 1, 6, 7, 8


@dataclass(frozen=True)
class Marks:
    """What visitors did with the number on the page; NaN where they did not."""

    tap_at: Floats
    copy_at: Floats


def make_calls(world: Assumptions, visits: Visits, rng: np.random.Generator) -> tuple[Calls, Marks]:
    """Draw every real call, and the taps and copies that go with some of them."""
    phones = _Phones(world, visits, rng)
    callers = np.flatnonzero(rng.random(len(visits)) < _propensity(world, visits, rng))
    at, kind, marks = _first(world, visits, callers, rng)
    visit, phone, region = callers, visits.person[callers], phones.region[visits.person[callers]]
    batches = []
    while len(visit):
        # The shown identity may be withheld; who redials knows the number anyway.
        hidden = rng.random(len(visit)) < world.withheld
        shown = np.where(hidden, -1, phone)
        kinds = np.where(hidden & (kind == REPEAT), REPEAT_OTHER, kind)
        batches.append((at, visit, shown, region, kinds))
        again = np.flatnonzero(rng.random(len(visit)) < world.redials)
        at = _redial(world, at[again], rng)
        visit, phone, region = visit[again], phone[again], region[again]
        other = rng.random(len(again)) < world.other_phone
        phone = np.where(other, phones.fresh(len(again)), phone)
        region = np.where(other, phones.regions(visits.region[visit]), region)
        kind = np.where(other, REPEAT_OTHER, REPEAT)
    columns = [np.concatenate(column) for column in zip(*batches, strict=True)]
    kept = columns[0] < world.days * DAY
    order = np.argsort(columns[0][kept], kind="stable")
    return Calls(*(column[kept][order] for column in columns)), marks


def make_spam(world: Assumptions, numbers: int, rng: np.random.Generator) -> tuple[Calls, Ints]:
    """Draw the unwanted calls that so many numbers attract; returns them and the number each one rings."""
    rate = world.spam_per_day * rng.gamma(world.spam_shape, 1 / world.spam_shape, numbers)
    counts = rng.poisson(rate * world.days)
    number = np.repeat(np.arange(numbers), counts)
    at = (
        later(rng, np.zeros(len(number)), 1.0, 0.0, np.ones(168)) + rng.random(len(number)) * world.days * DAY
    )
    order = np.argsort(at, kind="stable")
    caller = np.where(rng.random(len(at)) < world.spam_withheld, -1, 10_000_000 + np.arange(len(at)))
    region = rng.choice(world.regions, len(at), p=zipf(world.regions))
    nobody = np.full(len(at), NOBODY)
    return Calls(at[order], nobody, caller, region, np.full(len(at), SPAM)), number[order]


class _Phones:
    """Everybody's phone, and further ones when somebody rings from another."""

    def __init__(self, world: Assumptions, visits: Visits, rng: np.random.Generator) -> None:
        self._world, self._rng = world, rng
        people = int(visits.person.max()) + 1
        home = np.zeros(people, np.int64)
        home[visits.person] = visits.region
        self.region = self.regions(home)
        self._next = people

    def regions(self, home: Ints) -> Ints:
        """Return the area of a phone for each home: mostly the same, else anywhere."""
        world, rng = self._world, self._rng
        elsewhere = rng.choice(world.regions, len(home), p=zipf(world.regions))
        return np.where(rng.random(len(home)) < world.same_region, home, elsewhere)

    def fresh(self, count: int) -> Ints:
        """Return phones nobody had so far."""
        self._next += count
        return np.arange(self._next - count, self._next)


def _propensity(world: Assumptions, visits: Visits, rng: np.random.Generator) -> Floats:
    appeal = np.exp(rng.normal(0, world.campaign_sigma, world.campaigns))
    hour = 0.8 + 0.2 * PHONING[hour_of_week(visits.start)] / PHONING.max()
    weight = (
        np.where(visits.bounce, world.if_bounce, 1.0)
        * np.where(np.isnan(visits.contact_at), 1.0, world.if_contact)
        * np.where(visits.mobile, world.if_mobile, 1.0)
        * np.where(visits.again, world.if_returning, 1.0)
        * appeal[visits.campaign]
        * hour
    )
    shares: Floats = np.minimum(weight * world.first_calls / weight.mean(), 0.9)
    return shares


def _first(
    world: Assumptions, visits: Visits, callers: Ints, rng: np.random.Generator
) -> tuple[Floats, Ints, Marks]:
    """Return when each first call comes and of which kind it is."""
    delays, count = world.delays, len(callers)
    start, end = visits.start[callers], visits.end[callers]
    when = rng.choice(3, count, p=(delays.on_screen, delays.soon, delays.late))
    during = start + (end - start) * rng.uniform(0.15, 1.0, count)
    soon = end + np.exp(rng.normal(np.log(delays.soon_median), delays.soon_sigma, count))
    late = later(rng, end, delays.late_median, delays.late_sigma, PHONING)
    at = np.choose(when, (during, soon, late))
    marks = Marks(np.full(len(visits), np.nan), np.full(len(visits), np.nan))
    taps = (when == 0) & visits.mobile[callers] & (rng.random(count) < world.taps)
    _mark_taps(world, visits, callers[taps], at[taps], marks, rng)
    copies = (when > 0) & (rng.random(count) < world.copies)
    moment = end - (end - start) * rng.uniform(0, 0.5, count)
    marks.copy_at[callers[copies]] = moment[copies]
    _mark_false(world, visits, callers, marks, rng)
    return at, _kinds(when, taps, at - end), marks


def _mark_taps(
    world: Assumptions, visits: Visits, who: Ints, at: Floats, marks: Marks, rng: np.random.Generator
) -> None:
    arrived = rng.random(len(who)) < world.beacons_arrive
    moment = np.maximum(at - rng.uniform(3, 15, len(who)), visits.start[who] + 0.5)
    marks.tap_at[who[arrived]] = moment[arrived]


def _mark_false(
    world: Assumptions, visits: Visits, callers: Ints, marks: Marks, rng: np.random.Generator
) -> None:
    count, length = len(visits), visits.end - visits.start
    idle = np.ones(count, bool)
    idle[callers] = False
    taps = idle & visits.mobile & (rng.random(count) < world.false_taps / world.mobile)
    copies = idle & ~visits.bounce & (rng.random(count) < world.false_copies)
    marks.tap_at[taps] = (visits.start + length * rng.random(count))[taps]
    marks.copy_at[copies] = (visits.start + length * rng.random(count))[copies]


def _kinds(when: Ints, taps: Flags, age: Floats) -> Ints:
    later_kinds = 2 + np.searchsorted((3_600.0, 21_600.0, DAY), age)
    return np.where(taps, TAP, np.where(when == 0, ON_SCREEN, later_kinds))


def _redial(world: Assumptions, since: Floats, rng: np.random.Generator) -> Floats:
    """Return when the next call of the same person comes: within minutes, hours or days."""
    band = rng.choice(3, len(since), p=world.redial_shares)
    median = np.array(world.redial_medians)[band]
    minutes = later(rng, since, median, world.redial_sigma, TRAFFIC * 0 + 1)
    waits = later(rng, since, median, world.redial_sigma, PHONING)
    return np.where(band == 0, minutes, waits)
