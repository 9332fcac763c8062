"""Persons joined by hand, by a CRM id or by a call come apart into exactly those that were."""

import random
import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from calltrack.attribution.service import attribute_call
from calltrack.infra import outbox
from calltrack.infra.outbox import Fact
from calltrack.journeys.joining import Pair, join_by_hand, joins_of, part, person_now
from calltrack.journeys.joins_model import PersonJoin, PersonKey
from calltrack.journeys.keys import Key, keys_of, link_key
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.journeys.service import link_person
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.stages.model import JourneyDirty
from tests.builders import NOON, fresh_e164, make_lease
from tests.stages.people import Town
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

Members = dict[UUID, set[object]]


def members(town: Town) -> Members:
    """Return what belongs to each person."""
    with town.services.db.tenant(town.company.id) as session:
        found: Members = {row.id: set() for row in session.scalars(select(Person))}
        for table, column in (
            (PersonCaller, PersonCaller.caller_hash),
            (PersonVisitor, PersonVisitor.visitor_id),
            (PersonKey, PersonKey.key_hash),
        ):
            for owner, member in session.execute(select(table.person_id, column)):
                found[owner].add(member)
    return found


def join(town: Town, kept: UUID, absorbed: UUID) -> UUID:
    with town.services.db.tenant(town.company.id) as session:
        return join_by_hand(session, town.company.id, Pair(kept, absorbed), NOON, by="Ada")


def undo(town: Town, join_id: UUID) -> UUID:
    with town.services.db.tenant(town.company.id) as session:
        return part(session, town.company.id, join_id, NOON, by="Ada")


def key(town: Town, person_id: UUID, id_: str) -> UUID:
    with town.services.db.tenant(town.company.id) as session:
        return link_key(
            session, town.services.vault, town.company.id, person_id, Key("hubspot", id_), NOON, by="crm"
        )


def person(town: Town, days: int) -> UUID:
    return town.person(fresh_e164(), new_id(), NOON - timedelta(days=days))


@pytest.mark.parametrize("seed", range(3))
def test_joins_undone_in_any_order_leave_exactly_the_former_persons(town: Town, seed: int) -> None:
    dice = random.Random(seed)
    persons = [person(town, days) for days in range(5)]
    for place, one in enumerate(persons):
        key(town, one, str(place))
    before = members(town)
    there, joined = list(persons), []
    for _ in range(4):
        kept, absorbed = dice.sample(there, 2)
        joined.append(join(town, kept, absorbed))
        there.remove(absorbed)
    assert {frozenset(found) for found in members(town).values()} == {frozenset().union(*before.values())}
    with town.services.db.tenant(town.company.id) as session:
        assert {person_now(session, town.company.id, one) for one in persons} == {there[0]}
    dice.shuffle(joined)
    for join_id in joined:
        undo(town, join_id)
    assert members(town) == before


def test_what_came_since_stays_and_journeys_and_conversions_follow(town: Town) -> None:
    anna, ben = person(town, 2), person(town, 1)
    join_id = join(town, anna, ben)
    key(town, anna, "late")
    town.keep()
    undo(town, join_id)
    with town.services.db.tenant(town.company.id) as session:
        assert [row.id for row in keys_of(session, town.services.vault, town.company.id, anna)] == ["late"]
        facts = list(session.scalars(select(Fact.subject_id).where(Fact.kind == "person.merged")))
        row = joins_of(session, town.company.id, ben)[0]
    assert sorted(facts) == sorted([anna, anna, ben])
    assert (row.numbers, row.browsers, row.keys, row.undone_by) == (1, 1, 0, "Ada")
    with pytest.raises(Conflict):
        undo(town, join_id)
    with pytest.raises(NotFound):
        undo(town, anna)
    with pytest.raises(BadInput):
        join(town, anna, anna)
    with pytest.raises(NotFound):
        join(town, anna, new_id())


def test_one_crm_id_joins_two_persons_until_somebody_says_that_they_are_two(town: Town) -> None:
    anna, ben = person(town, 2), person(town, 1)
    before = members(town)
    assert key(town, ben, "77") == ben
    assert key(town, anna, "77") == anna
    assert list(members(town)) == [anna]
    with town.services.db.tenant(town.company.id) as session:
        row = session.scalars(select(PersonJoin)).one()
    assert (row.via, row.kept_id, row.absorbed_id) == ("key", anna, ben)
    undo(town, row.id)
    assert key(town, anna, "77") == ben
    assert set(members(town)) == set(before)


def test_two_who_were_taken_apart_stay_so_when_one_becomes_part_of_a_third(town: Town) -> None:
    anna, ben, carl = person(town, 3), person(town, 2), person(town, 1)
    key(town, ben, "77")
    key(town, anna, "77")
    with town.services.db.tenant(town.company.id) as session:
        joined = session.scalars(select(PersonJoin.id)).one()
    undo(town, joined)
    join(town, carl, ben)
    assert key(town, anna, "77") == carl
    assert set(members(town)) == {anna, carl}


def test_a_call_joins_by_itself_and_not_again_once_it_was_undone(town: Town) -> None:
    anna, browser = "+393471234567", new_id(NOON)
    caller = town.person(anna, at=NOON - timedelta(days=3))
    visitor = town.person(browser=browser, at=NOON - timedelta(days=2))
    visit = town.visit(NOON - timedelta(minutes=1), browser, seconds=120)
    make_lease(town.services, town.company, visit, town.company.number_ids[0])
    call = town.call(anna, NOON)

    def link() -> UUID | None:
        with town.services.db.tenant(town.company.id) as session:
            attribute_call(session, town.company.id, call.id, NOON)
        with town.services.db.tenant(town.company.id) as session:
            return link_person(session, town.services.vault, town.company.id, call.id, NOON)

    assert link() == caller
    assert list(members(town)) == [caller]
    with town.services.db.tenant(town.company.id) as session:
        joined = session.scalars(select(PersonJoin)).one()
    undo(town, joined.id)
    assert link() == caller
    assert members(town)[visitor] == {browser}


def test_a_verdict_that_changes_later_moves_the_browser_and_the_journey(town: Town) -> None:
    caller = town.person("+393471234567", at=NOON)
    call = town.call("+393471234567", NOON + timedelta(hours=1))
    was, is_now = (town.visit(NOON, new_id(NOON + timedelta(seconds=n))) for n in (1, 2))
    for visit, source in ((was, "bing"), (is_now, "google")):
        town.run("UPDATE attribution SET is_current = false WHERE company_id = :c")
        town.credit(call, source, "cpc", visit)
        with town.services.db.tenant(town.company.id) as session:
            outbox.record(session, town.company.id, "call.attributed", call.id, NOON)
        drain(town.services, SUBSCRIPTIONS, town.company.id, threading.Event())
        assert visit.visitor_id in members(town)[caller]
        assert town.count(JourneyDirty) > 0
        town.keep()
    assert was.visitor_id not in members(town)[caller]
    assert town.journeys()[caller].visits == 1
