"""An audience may ask for a segment: whoever joins or leaves it joins or leaves the list."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from calltrack.audiences import service
from calltrack.audiences.conditions import read, sentence
from calltrack.audiences.keeping import keep
from calltrack.audiences.model import Member
from calltrack.audiences.rules import PersonFacts, matches
from calltrack.delivery.model import Notice
from calltrack.kernel.errors import BadInput
from calltrack.stages.alerts import watch, watch_segments
from calltrack.stages.journey_rules import facts_of
from calltrack.stages.segments import Given, make_segment
from tests.builders import NOON
from tests.stages.people import Town

SHOPPERS = {
    "all": [
        {"fact": "segment", "name": "Price shopper", "condition": {"fact": "short_calls", "at_least": 2}},
        {"not": {"fact": "bought"}},
    ]
}


def test_members_follow_their_journeys(town: Town) -> None:
    anna, ben = town.person("+393471234567"), town.person("+393489876543")
    for days in (1, 2):
        town.call("+393471234567", NOON - timedelta(days=days), talk=20)
    town.call("+393489876543", NOON, talk=20)
    with town.services.db.tenant(town.company.id) as session:
        audience = service.create_audience(
            session, town.company.id, "Shoppers", SHOPPERS, town.services.clock()
        )

    def members() -> set[object]:
        keep(town.services, town.company.id)
        with town.services.db.tenant(town.company.id) as session:
            return set(session.scalars(select(Member.person_id).where(Member.audience_id == audience)))

    assert members() == set()
    town.keep()
    assert members() == {anna}
    town.call("+393489876543", NOON, talk=20)
    town.make(ben)
    assert members() == {anna, ben}
    read_ = read(SHOPPERS)
    found = town.journeys()
    assert matches(read_, PersonFacts(journey=facts_of(found[anna])), NOON)
    assert not matches(read_, PersonFacts(), NOON)
    town.run("UPDATE call SET talk_seconds = 300 WHERE company_id = :c")
    town.make(anna)
    assert members() == {ben}


def test_a_segment_in_a_condition_is_told_and_checked() -> None:
    assert sentence(read(SHOPPERS)) == "People who are in the segment “Price shopper” and never bought."
    with pytest.raises(BadInput, match="no fact here"):
        read({"fact": "segment", "name": "A", "condition": {"fact": "moon"}})


def test_owners_hear_once_that_a_segment_fills_and_that_is_over_when_it_empties(town: Town) -> None:
    anna = town.person("+393471234567")
    town.call("+393471234567", NOON, talk=0)
    town.make(anna)
    waits = Given("Ring back", "red", {"fact": "waits"}, 1)
    with town.services.db.tenant(town.company.id) as session:
        segment_id = make_segment(session, town.company.id, waits, NOON, by="Ada")
    assert [watch(town.services, town.company.id) for _ in range(2)] == [True, False]
    with town.services.db.tenant(town.company.id) as session:
        notice = session.scalars(select(Notice)).one()
    assert (notice.kind, notice.subject) == ("segment.filled", segment_id.hex)
    assert notice.text.startswith("1 person is in the segment “Ring back”")
    town.call("+393471234567", NOON + timedelta(hours=1))
    town.make(anna)
    watch_segments(town.services)
    with town.services.db.tenant(town.company.id) as session:
        assert session.scalars(select(Notice)).one().resolved_at is not None
