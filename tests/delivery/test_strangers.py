"""What is read for a company that the database's statistics do not know yet: each row by its whole key."""

from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest
from sqlalchemy import text

from calltrack.audiences.conditions import READY
from calltrack.audiences.marks import mark_calls, mark_changes
from calltrack.audiences.service import create_audience
from calltrack.conversions.facts import facts_of
from calltrack.delivery.plan import plan_changes
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.wiring import Services
from tests.builders import NOON, make_company
from tests.delivery.strangers import analyze, beside_a_big_company, gather_by_itself
from tests.delivery.world import World
from tests.explained import explained
from tests.sandbox.platforms.serving import serving
from workers.subscriptions import attribute, classify, link, mark_nuisance, take_up

BATCH = 200
# The most rows that any statement may visit for one change: itself, its conversion, call, caller, visit...
A_CHANGE = 12
# The most that any statement of the handlers of a call may visit: the rules, the numbers, its own rows.
A_CALL = 30


@pytest.fixture(scope="module")
def stranger(
    services: Services, postgres: EmbeddedPostgres, emptied: None
) -> Iterator[tuple[World, list[UUID]]]:
    """A new company with an audience, two destinations and conversions, and the changes of those."""
    with serving() as origin:
        world = World(services, make_company(services), origin)
        world.webhook()
        world.google()
        gather_by_itself(postgres.owner_url, "off")
        changes = beside_a_big_company(world, postgres.owner_url, big=6_000, changes=1_200)
        with services.db.tenant(world.company.id) as session:
            create_audience(session, world.company.id, "List", READY["called_not_bought"][1], NOON)
        yield world, changes
        gather_by_itself(postgres.owner_url, "on")
        world.door.close()


def test_planning_reaches_every_row_by_its_whole_key(stranger: tuple[World, list[UUID]]) -> None:
    world, changes = stranger
    for start in range(0, len(changes), BATCH):
        with explained(world.services.db.engine) as found:
            plan_changes(world.services, world.company.id, changes[start : start + BATCH])
        assert found.worse_than(A_CHANGE * BATCH) == {}
        assert sum(found.by_statement.values()) > BATCH


def test_marking_persons_reaches_every_row_by_its_whole_key(stranger: tuple[World, list[UUID]]) -> None:
    world, changes = stranger
    calls = calls_of(world)
    for _ in range(2):
        with explained(world.services.db.engine) as found:
            mark_changes(world.services, world.company.id, changes[:BATCH])
            mark_calls(world.services, world.company.id, calls)
        assert found.worse_than(A_CHANGE * BATCH) == {}
        assert sum(found.by_statement.values()) > BATCH


def test_facts_of_calls_are_reached_by_their_whole_key(stranger: tuple[World, list[UUID]]) -> None:
    world, _ = stranger
    calls = calls_of(world)
    with (
        explained(world.services.db.engine) as found,
        world.services.db.tenant(world.company.id) as session,
    ):
        assert len(facts_of(session, world.company.id, calls)) == BATCH
    assert found.worse_than(A_CHANGE * BATCH) == {}


def test_what_follows_a_call_reads_no_other_callers_rows(
    stranger: tuple[World, list[UUID]], postgres: EmbeddedPostgres
) -> None:
    world, _ = stranger
    analyze(postgres.owner_url)  # One call at a time: until then a few of its statements read too much.
    call, *_ = calls_of(world)
    with explained(world.services.db.engine) as found:
        for handle in (attribute, mark_nuisance, link, classify, take_up):
            handle(world.services, world.company.id, call)
    assert found.worse_than(A_CALL) == {}
    assert sum(found.by_statement.values()) > len(found.by_statement) / 2


def calls_of(world: World) -> Sequence[UUID]:
    with world.services.db.tenant(world.company.id) as session:
        return session.scalars(text("SELECT id FROM call ORDER BY id LIMIT :most"), {"most": BATCH}).all()
