"""Whatever order facts come in, and however often, the same rows are left."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from calltrack.attribution.link_model import PhoneLink
from calltrack.attribution.model import Attribution
from calltrack.attribution.telling import know_caller
from calltrack.calls.model import Call
from calltrack.infra.outbox import Fact
from calltrack.numbers.model import Lease
from calltrack.wiring import Services
from tests.attribution.desk import MINUTE, Desk
from tests.builders import make_company

FIGURES = ("level", "visit_id", "probability", "p_nobody", "rest", "p_repeat", "by_campaign", "candidates",
           "reasons")  # fmt: skip
numbers, minutes = st.integers(0, 1), st.integers(1, 3000)
visits = st.lists(st.tuples(numbers, minutes, st.integers(0, 3)), min_size=1, max_size=5)
calls = st.lists(
    st.tuples(numbers, minutes, st.sampled_from([None, "+393470000001", "+393470000002"])),
    min_size=2, max_size=5, unique_by=lambda one: one[1],
)  # fmt: skip


def rows(desk: Desk) -> dict[Any, Any]:
    """Return what is said of each call, and whose phone is whose."""
    with desk.services.db.tenant(desk.company.id) as session:
        verdicts = session.scalars(select(Attribution).where(Attribution.is_current)).all()
        links = session.execute(select(PhoneLink.told_by, PhoneLink.visitor_id, PhoneLink.p)).all()
    said: dict[Any, Any] = {row.call_id: {name: getattr(row, name) for name in FIGURES} for row in verdicts}
    return said | {(row.told_by, row.visitor_id): row.p for row in links}


def forget(desk: Desk) -> None:
    with desk.services.db.tenant(desk.company.id) as session:
        for table in (Attribution, Fact):
            session.execute(delete(table))
        session.execute(delete(PhoneLink).where(PhoneLink.kind == "call"))


def followed(desk: Desk) -> Iterator[Any]:
    """Yield calls that are to be judged after others, until there are none."""
    while True:
        with desk.services.db.tenant(desk.company.id) as session:
            due = session.scalars(
                delete(Fact).where(Fact.kind == "call.follows").returning(Fact.subject_id)
            ).all()
        if not due:
            return
        yield from set(due)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visits, calls, st.integers(0, 2**16))
def test_the_order_of_facts_does_not_matter(
    services: Services, seen: list[tuple[int, int, int]], rang: list[tuple[int, int, str | None]], seed: int
) -> None:
    desk, chance = Desk(services, make_company(services, numbers=2)), Random(seed)  # a test's order
    people: dict[int, Any] = {}
    for number, minute, who in seen:
        visit = desk.shown(number, minute * MINUTE, campaign=f"c{who % 2}", visitor_id=people.get(who))
        people[who] = visit.visitor_id
    made: list[Call] = [
        desk.call(number, (minute - 1) * MINUTE, caller=caller) for number, minute, caller in rang
    ]
    for call in made:
        with services.db.tenant(desk.company.id) as session:
            know_caller(session, desk.company.id, call.id)
    for call in sorted(made, key=lambda one: one.started_at):
        desk.attribute(call.id)
    for call_id in followed(desk):
        desk.attribute(call_id)
    in_order = rows(desk)
    forget(desk)
    shuffled = [*made, *chance.sample(made, 1)]
    chance.shuffle(shuffled)
    for call in shuffled:
        desk.attribute(call.id)
    for call_id in followed(desk):
        desk.attribute(call_id)
    assert rows(desk) == in_order
    before = desk.count()
    for call in made:
        desk.attribute(call.id)
    assert (desk.count(), list(followed(desk)), rows(desk)) == (before, [], in_order)


def test_a_late_tap_changes_the_call_and_what_carries_it(services: Services) -> None:
    ways = []
    for is_late in (False, True):
        desk = Desk(services, make_company(services))
        tapped, other = desk.shown(0, 6 * MINUTE, seconds=30), desk.shown(0, 5 * MINUTE)
        first, again = desk.call(before=4 * MINUTE), desk.call(before=MINUTE)
        if is_late:
            desk.attribute(first.id)
            desk.attribute(again.id)
            assert desk.current(again).visit_id == other.id
        tap(desk, tapped, first)
        desk.attribute(first.id)
        desk.attribute(again.id)
        ways.append((desk.current(again).probability, desk.current(again).visit_id == tapped.id))
    assert ways[0] == ways[1]
    assert ways[0][0] == pytest.approx(0.98, abs=0.02)


def tap(desk: Desk, visit: Any, call: Call) -> None:

    moment = call.started_at - MINUTE / 12
    with desk.services.db.tenant(desk.company.id) as session:
        session.execute(
            update(Lease).where(Lease.visit_id == visit.id).values(taps=[moment], last_seen_at=moment)
        )
