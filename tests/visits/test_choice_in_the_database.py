"""The database chooses exactly what the pure rule chooses, whatever happens in any order (decision 0020)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from calltrack.kernel.origin import campaign_key, source_key
from calltrack.numbers.changing import PoolChange, change_pool
from calltrack.numbers.choice import SCREEN_SECONDS, Pool, choose
from calltrack.numbers.counting import OWN, SUMS, count_number, numbers_of
from calltrack.numbers.masses import FADES, Origin, weight
from calltrack.numbers.model import Mass, Slot
from calltrack.numbers.service import note_called
from calltrack.visits import service
from calltrack.visits.rules import LOOKED_AT, way_of
from calltrack.visits.sites import Site, SiteTable
from calltrack.wiring import Services
from tests.builders import make_company
from tests.visits.conftest import Edge, without_overflow

BEGIN = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
LAPSES = 1800.0
WORDS = (
    ("google", "cpc", "brand"),
    ("google", "cpc", "shoes"),
    ("google", "organic", ""),
    ("meta", "paid", "brand"),
)


@dataclass
class Seen:
    """A visit as both sides know it."""

    name: str
    visitor: UUID
    words: tuple[str, str, str]
    visit: UUID
    number: int = 0
    begun: float = 0.0
    last: float = 0.0
    until: float = 0.0
    contact: bool = False
    copied: bool = False
    called: bool = False

    @property
    def origin(self) -> Origin:
        """Where it comes from."""
        source, medium, _ = self.words
        return Origin(source_key(source, medium), campaign_key(*self.words))

    def weight(self) -> float:
        """How likely it is to call."""
        return weight(self.last - self.begun, contact=self.contact, copied=self.copied, called=self.called)


@dataclass
class Model:
    """The pure rule, and who was given what."""

    pool: Pool
    holders: dict[int, Seen] = field(default_factory=dict)
    names: int = 0

    def give(self, one: Seen, now: float) -> tuple[int, bool]:
        """Let the rule choose for a visit; returns the number and whether others have it on screen."""
        chosen = choose(self.pool, now, str(one.visitor), one.origin)
        before = self.holders.get(chosen.number)
        if chosen.how == "kept" and before is not None:
            before.until = min(before.until, now)
        self.names += 1
        one.name = f"{one.visit}.{self.names}"
        one.number, one.begun, one.last, one.until = chosen.number, now, now, now + SCREEN_SECONDS
        one.copied = one.called = False
        self.pool.give(chosen.number, now, one.name, str(one.visitor), one.origin)
        self.pool.reweigh(chosen.number, one.name, one.weight())
        self.holders[chosen.number] = one
        return chosen.number, chosen.is_shared

    def sign(self, one: Seen, now: float, *, left: bool = False) -> bool:
        """Note a sign of life; False: the number is lost."""
        if self.holders.get(one.number) is not one and not self.pool.given_at[one.number] < one.until:
            return False
        one.last, one.until = now, now if left else now + SCREEN_SECONDS
        self.pool.seen(one.number, now, one.name, one.weight(), left=left)
        return True


class Both:
    """Lets the same things happen to the database and to the rule, and compares what visits are shown."""

    def __init__(
        self, services: Services, edge: Edge, numbers: int, rest: int, far: frozenset[int] = frozenset()
    ) -> None:
        self.services, self.connections = services, edge.connections
        self.company = make_company(services, numbers=numbers, lease_seconds=75, cooldown_seconds=rest)
        without_overflow(services, self.company)
        sites = SiteTable(services.db)
        sites.refresh()
        found = sites.find(self.company.site_key)
        assert found is not None
        sites.close()
        self.site: Site = found
        self.ways = {str(self.company.pool_id): way_of(numbers)}
        self.order = [
            e164 for _, e164 in sorted(zip(self.company.number_ids, self.company.numbers, strict=True))
        ]
        far = far & frozenset(range(numbers))
        self.model = Model(Pool(numbers, rest_seconds=rest, far=far))
        near = [e164 for place, e164 in enumerate(self.order) if place not in far]
        if far:
            change = PoolChange(near=near or ["+1"])
            with services.db.tenant(self.company.id) as session:
                change_pool(session, self.company.id, self.company.pool_id, change, BEGIN, by="test")
        self.now = 0.0
        self.visits: list[Seen] = []
        # When the database last heard of each visit.
        self.heard: dict[UUID, float] = {}

    @property
    def moment(self) -> datetime:
        """Now, as the database is told."""
        return BEGIN + timedelta(seconds=self.now)

    def ids(self) -> list[str]:
        """Return fresh ids of this moment."""
        return service.fresh_ids(4, self.moment)

    def comes(self, who: int, words: tuple[str, str, str], contact: bool) -> None:
        """Somebody opens a page: a new visitor, or one seen before with a new visit."""
        old = self.visits[who % len(self.visits)] if self.visits and who % 3 else None
        self.open(old.visitor if old else None, None, words, contact)

    def page(self, who: int, contact: bool) -> None:
        """A visit opens another page."""
        if self.visits:
            one = self.visits[who % len(self.visits)]
            self.open(one.visitor, one, one.words, contact)

    def open(
        self, visitor: UUID | None, one: Seen | None, words: tuple[str, str, str], contact: bool
    ) -> None:
        """Load a page on both sides."""
        url = f"{self.company.origin}/{'kontakt' if contact else 'prices'}"
        said = dict(zip(("source", "medium", "campaign"), words, strict=True))
        load = service.read_page_load(url, words=said, visitor=visitor, visit=one.visit if one else None)
        shown = service.open_visit(self.connections, self.site, load, self.ids(), self.ways, self.moment)
        if one is None or shown.is_new:
            one = Seen("", UUID(shown.visitor), words, UUID(shown.visit))
            self.visits.append(one)
        self.heard[one.visit] = self.now
        one.contact = one.contact or contact
        if one.until and self.model.sign(one, self.now):
            self.compare(one, shown, None)
        else:
            _, is_shared = self.model.give(one, self.now)
            self.compare(one, shown, is_shared)

    def beat(self, who: int, left: bool, contact: bool) -> None:
        """A visit gives a sign of life, or leaves."""
        if not self.visits:
            return
        one = self.visits[who % len(self.visits)]
        page = f"{self.company.origin}/kontakt" if contact else None
        sign = service.Sign(one.visitor, one.visit, page, left=left)
        shown = service.note_sign(self.connections, self.site, sign, self.ids(), self.ways, self.moment)
        if shown is not None and shown.is_new:
            one = Seen("", one.visitor, one.words, UUID(shown.visit), contact=contact)
            self.visits.append(one)
        elif self.now - self.heard[one.visit] >= LAPSES:
            assert left, "who lapsed comes back as a new visit, or leaves and changes nothing"
            assert shown is None
            return
        else:
            one.contact = one.contact or contact
            self.heard[one.visit] = self.now
            if self.model.sign(one, self.now, left=left) or left:
                assert shown is None
                return
        assert shown is not None
        self.heard[one.visit] = self.now
        _, is_shared = self.model.give(one, self.now)
        self.compare(one, shown, is_shared)

    def tap(self, who: int, copy: bool) -> None:
        """A visit taps or copies its number."""
        if self.visits:
            one = self.visits[who % len(self.visits)]
            ending = self.order[one.number][-9:]
            service.note_tap(self.connections, self.site, one.visit, ending, is_copy=copy, now=self.moment)
            is_latest = self.model.holders.get(one.number) is one
            one.copied = one.copied or (copy and is_latest)
            self.model.sign(one, self.now)

    def calls(self, who: int) -> None:
        """A call is found to be this visit's."""
        if self.visits:
            one = self.visits[who % len(self.visits)]
            with self.services.db.tenant(self.company.id) as session:
                note_called(session, self.company.id, [one.visit], self.moment)
            if self.model.holders.get(one.number) is one:
                one.called = True
                self.model.pool.reweigh(one.number, one.name, one.weight())

    def compare(self, one: Seen, shown: service.Shown, is_shared: bool | None) -> None:
        """Check that both sides show the same."""
        pool = str(self.company.pool_id)
        assert shown.numbers[pool] == self.order[one.number]
        if is_shared is not None:
            assert (pool in shown.shared) == is_shared


who = st.integers(0, 30)
words = st.sampled_from(WORDS)
step = st.one_of(
    st.tuples(st.just("comes"), who, words, st.booleans()),
    st.tuples(st.just("comes"), who, words, st.just(False)),
    st.tuples(st.just("page"), who, st.booleans()),
    st.tuples(st.just("beat"), who, st.booleans(), st.booleans()),
    st.tuples(st.just("tap"), who, st.booleans()),
    st.tuples(st.just("calls"), who),
)
# Which numbers of the pool are far: in half of the pools none.
far = st.one_of(st.just(frozenset[int]()), st.frozensets(st.integers(0, 5), max_size=5))
pause = st.sampled_from([0.25, 1.0, 9.0, 40.0, 74.75, 75.0, 76.0, 300.0, 1800.0, 20_000.0, 400_000.0])


@pytest.mark.parametrize("rest", [0, 60])
# Each example is a company of its own in a real database: shorter ones are not looked for.
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(numbers=st.integers(1, 6), far=far, steps=st.lists(st.tuples(pause, step), min_size=5, max_size=40))
def test_any_order_of_events_is_chosen_for_as_by_the_rule(
    services: Services,
    edge: Edge,
    rest: int,
    numbers: int,
    far: frozenset[int],
    steps: list[tuple[float, tuple[str, object]]],
) -> None:
    both = Both(services, edge, numbers, rest, far)
    for seconds, (kind, *details) in steps:
        both.now += seconds
        getattr(both, kind)(*details)
    kept = state(services, both)
    spoil(services, both)
    assert state(services, both) != kept or not both.visits
    with services.db.tenant(both.company.id) as session:
        for number_id in numbers_of(session, both.company.id):
            assert count_number(session, both.company.id, number_id, both.moment)
    assert state(services, both) == kept


# Newcomers only, each when the one before has left the screen: soon every number has past holders, and which
# one is taken hangs on what a mix-up with each of them costs.
arrival = st.tuples(st.sampled_from([76.0, 90.0, 300.0, 1800.0, 7200.0]), words, st.booleans())


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(numbers=st.integers(2, 4), far=far, course=st.lists(arrival, min_size=50, max_size=70))
def test_numbers_used_again_go_to_whom_a_mix_up_costs_least_as_by_the_rule(
    services: Services,
    edge: Edge,
    numbers: int,
    far: frozenset[int],
    course: list[tuple[float, tuple[str, str, str], bool]],
) -> None:
    both = Both(services, edge, numbers, rest=0, far=far)
    for seconds, words_, contact in course:
        both.now += seconds
        both.open(None, None, words_, contact)
    near = set(range(numbers)) - far
    assert set(both.model.holders) == (near or set(range(numbers))), "one is free for each: never a far one"


def test_of_a_large_pool_those_given_longest_ago_are_weighed_as_by_the_rule(
    services: Services, edge: Edge
) -> None:
    both = Both(services, edge, LOOKED_AT + 20, rest=0)
    brand, shoes, organic, meta = WORDS
    # The numbers of `shoes` lie about the limit, those of `organic` beyond it.
    held = [brand] * (LOOKED_AT - 10) + [shoes] * 20 + [organic] * 10
    for words_ in held + [shoes] * 8 + [organic] * 6 + [meta] * 4 + [shoes] * 4:
        both.now += 76.0
        both.open(None, None, words_, False)
    assert (both.model.pool.given_at > 0).all(), "every number was given"


def state(services: Services, both: Both) -> dict[tuple[UUID, str], Any]:
    """Return what the database knows of every number, its sums as they stand now, to ten digits."""
    now = both.moment.timestamp()

    def left(row: Slot | Mass, names: tuple[str, ...] = SUMS) -> list[float]:
        sums = (getattr(row, name) for name in names)
        return [
            round(value * math.exp((row.summed_at - now) / fade), 10)
            for value, fade in zip(sums, FADES, strict=True)
        ]

    with services.db.tenant(both.company.id) as session:
        found: dict[tuple[UUID, str], Any] = {
            (row.number_id, row.origin): left(row) for row in session.scalars(select(Mass)) if any(left(row))
        }
        for slot in session.scalars(select(Slot)):
            found[slot.number_id, ""] = [
                *left(slot), *left(slot, OWN), round(slot.weight, 10), slot.held_at, slot.saw_contact,
                slot.copied, slot.called,
                slot.busy_until, slot.seen_at, slot.lease_id, slot.visitor_id, slot.given_at,
                slot.alone_since, slot.source, slot.campaign,
            ]  # fmt: skip
    return found


def spoil(services: Services, both: Both) -> None:
    """Forget the sums and what is known of the holders, but for which lease it is."""
    with services.db.tenant(both.company.id) as session:
        session.execute(delete(Mass))
        forgotten = dict.fromkeys((*SUMS, *OWN, "summed_at", "weight", "held_at"), 0.0)
        session.execute(
            update(Slot).values(
                **forgotten, visitor_id=None, given_at=None, alone_since=None, source="", campaign="",
                saw_contact=False, copied=False, called=False,
            )
        )  # fmt: skip
