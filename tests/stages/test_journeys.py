"""Journeys follow from the stored facts: stages with reasons, sums of the views, marks, the past again."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from calltrack.kernel.ids import new_id
from calltrack.stages import keeping
from calltrack.stages.keeping import begin_journeys, companies_to_keep, companies_to_make_again
from calltrack.stages.marks import mark_calls
from calltrack.stages.model import JourneyDirty
from calltrack.stages.stage_rules import step_of
from calltrack.stages.versions import make_all_again, save_rules
from calltrack.wiring import Services
from tests.builders import NOON, make_lease
from tests.stages.people import Town

ANNA = "+393471234567"
DAY = timedelta(days=1)


def told(town: Town, id_: object) -> list[tuple[str, str]]:
    row = town.journeys()[id_]  # type: ignore[index]  # an id of the test
    return [(step.name, step.fact) for step in map(step_of, row.history)]


def test_a_movers_customer_goes_through_all_five_stages(town: Town) -> None:
    browser = new_id(NOON - 40 * DAY)
    first = town.visit(NOON - 40 * DAY, browser)
    town.visit(NOON - 39 * DAY, browser, page="/preise")
    make_lease(town.services, town.company, first, town.company.number_ids[0],
               tapped_at=NOON - 40 * DAY + timedelta(seconds=20))  # fmt: skip
    anna = town.person(ANNA, browser)
    town.call(ANNA, NOON - 39 * DAY, talk=0)
    long = town.call(ANNA, NOON - 38 * DAY, talk=200)
    town.conversion(long, "lead", long.started_at)
    town.conversion(long, "purchase", NOON - 37 * DAY, 85_000)
    town.call(ANNA, NOON - 2 * DAY, talk=60)
    assert town.make(anna) == 1
    assert told(town, anna) == [
        ("awareness", "first_touch"), ("consideration", "number_tapped"), ("purchase", "leads"),
        ("loyalty", "days_after_purchase"),
    ]  # fmt: skip
    row = town.journeys()[anna]
    assert (row.source, row.medium, row.landing) == ("google", "cpc", "/")
    assert (row.visits, row.calls, row.answered, row.missed, row.leads, row.purchases) == (2, 3, 2, 1, 1, 1)
    assert (row.first_at, row.lead_at, row.value_minor) == (first.started_at, long.started_at, 85_000)
    assert (row.waits, row.is_won, row.stop_kind) == (False, True, "")
    assert row.path.split("\x1e") == ["visit:google\x1fcpc", "missed", "call"]
    town.assert_sums_hold()
    assert town.make(anna) == 0
    town.run("UPDATE conversion SET status = 'retracted' WHERE company_id = :c")
    assert town.make(anna) == 1
    assert town.journeys()[anna].stage == 2
    town.assert_sums_hold()


def test_a_browser_is_nobody_until_it_is_somebodys(town: Town) -> None:
    browser = new_id(NOON)
    town.visit(NOON, browser, page="/kontakt/")
    town.keep()
    town.make(browser)
    alone = town.journeys()[browser]
    assert (alone.is_person, alone.stop_kind, alone.stop_detail) == (False, "visit", "/kontakt/")
    anna = town.person(ANNA, browser)
    town.call(ANNA, NOON + DAY, talk=0)
    town.keep()
    found = town.journeys()
    assert list(found) == [anna]
    assert (found[anna].stop_kind, found[anna].waits) == ("missed_call", True)
    town.assert_sums_hold()
    town.run("DELETE FROM person_visitor WHERE company_id = :c")
    town.keep()
    assert {id_: row.is_person for id_, row in town.journeys().items()} == {browser: False, anna: True}
    town.run("DELETE FROM person WHERE company_id = :c")
    town.keep()
    assert list(town.journeys()) == [browser]
    town.assert_sums_hold()


def test_a_withheld_call_is_its_browsers_and_nuisance_is_nobodys(town: Town) -> None:
    visit = town.visit(NOON)
    person = town.person(browser=visit.visitor_id)
    hidden = town.call(None, NOON + timedelta(minutes=1))
    town.credit(hidden, "google", "cpc", visit)
    town.conversion(hidden, "lead", hidden.started_at)
    spammer = town.person(ANNA)
    nuisance = town.call(ANNA, NOON)
    town.run("INSERT INTO call_spam (company_id, call_id, mark, points, reasons, judged_at)"
             " VALUES (:c, :id, 'spam', 100, '[]', now())", id=nuisance.id)  # fmt: skip
    town.make(person, spammer)
    found = town.journeys()
    assert list(found) == [person]
    assert (found[person].calls, found[person].leads) == (1, 1)


def test_the_longest_words_an_address_can_hold_stop_nobodys_journey(town: Town) -> None:
    dice, browser = random.Random(5), new_id(NOON)

    def word() -> str:  # of letters that take four bytes and cannot be packed
        return "".join(chr(dice.randrange(0x10000, 0x110000)) for _ in range(256))

    for number in range(7):
        town.visit(NOON + number * DAY, browser, source=word(), medium=word(), campaign=word())
    anna = town.person(ANNA, browser)
    call = town.call(ANNA, NOON + 8 * DAY)
    assert town.make(anna) == 1
    town.conversion(call, "lead", call.started_at)
    assert town.make(anna) == 1
    assert len(town.journeys()[anna].path.split("\x1e")) == 7
    town.assert_sums_hold()


def test_other_rules_move_the_past_portion_by_portion(town: Town, services: Services) -> None:
    for number in range(3):
        town.visit(NOON - number * DAY, pages=4)
    anna = town.person(ANNA)
    town.call(ANNA, NOON)
    town.keep()
    with services.db.system() as system:
        assert town.company.id in companies_to_make_again(system, services.clock())
    town.again()
    assert sorted(row.stage for row in town.journeys().values()) == [1, 1, 1, 2]
    with services.db.tenant(town.company.id) as session:
        number = save_rules(
            session, town.company.id, "stages",
            {"stages": {"familiarity": [{"fact": "pages", "at_least": 9}],
                        "loyalty": [{"all": [{"fact": "calls", "at_least": 1},
                                             {"fact": "talk_seconds", "at_least": 60}]}]}},
            services.clock(), by="test",
        )  # fmt: skip
    assert number == 1
    assert town.again() == 4
    assert sorted(row.stage for row in town.journeys().values()) == [0, 0, 0, 4]
    assert told(town, anna)[-1] == ("loyalty", "calls")
    town.assert_sums_hold()
    with services.db.system() as system:
        assert town.company.id not in companies_to_make_again(system, services.clock() + DAY)


def test_a_large_past_is_made_in_turns_so_that_others_have_theirs(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST", 1)
    for number in range(keeping.PORTIONS + 1):
        town.visit(NOON, new_id(NOON + timedelta(seconds=number)))
        at = NOON + timedelta(seconds=number)
        town.store(JourneyDirty(company_id=town.company.id, subject_id=new_id(NOON), marked_at=at))
    keep = keeping.keep_journeys(town.services, town.company.id)
    assert (keep.is_more, town.count(JourneyDirty)) == (True, 1)
    assert not keeping.keep_journeys(town.services, town.company.id).is_more
    first = keeping.make_past_again(town.services, town.company.id)
    assert first.is_more
    assert 0 < first.changed < keeping.PORTIONS + 1
    assert town.again() == keeping.PORTIONS + 1 - first.changed


def test_a_journey_that_cannot_be_made_holds_up_no_other_one(town: Town) -> None:
    people = [town.person(f"+3934712345{number:02d}") for number in range(5)]
    for number in range(5):
        call = town.call(f"+3934712345{number:02d}", NOON)
        for _ in range(2 if number == 2 else 0):  # worth more together than a number of the database holds
            town.conversion(call, "purchase", NOON, 2**62)
    town.keep()
    assert set(town.journeys()) == {*people} - {people[2]}
    assert town.count(JourneyDirty) == 1
    assert town.keep() == 0
    with town.services.db.tenant(town.company.id) as session:
        make_all_again(session, town.company.id, town.services.clock())
    town.again()
    with town.services.db.system() as system:
        assert town.company.id not in companies_to_make_again(system, town.services.clock() + DAY)
    town.run("UPDATE conversion SET value_minor = 1 WHERE company_id = :c")
    town.run("UPDATE journey_dirty SET marked_at = :at WHERE company_id = :c", at=NOON)
    town.keep()
    assert set(town.journeys()) == {*people}
    town.assert_sums_hold()


def test_what_is_marked_and_who_is_new_is_due(town: Town, services: Services) -> None:
    now = services.clock()
    with services.db.system() as system:
        assert town.company.id not in companies_to_keep(system, now)
    assert begin_journeys(services) > 0
    assert begin_journeys(services) == 0
    with services.db.system() as system:
        assert town.company.id in companies_to_keep(system, services.clock())
    town.keep()
    with services.db.system() as system:
        assert town.company.id not in companies_to_keep(system, now)
    town.person(ANNA)
    assert town.count(JourneyDirty) == 1
    with services.db.system() as system:
        assert town.company.id in companies_to_keep(system, services.clock())
    visit = town.visit(services.clock())
    town.run("UPDATE journey_state SET due_at = :at WHERE company_id = :c", at=now)
    town.keep()
    assert visit.visitor_id in town.journeys()
    with services.db.tenant(town.company.id) as session:
        assert session.scalar(text("SELECT count(*) FROM journey_segment")) == 8


def test_days_follow_the_companys_time_zone(town: Town) -> None:
    late = NOON.replace(hour=23, minute=30)  # the next day in Rome, the same one in New York
    town.visit(late)
    town.keep()
    town.again()
    assert [row.day.day for row in town.journeys().values()] == [late.day + 1]
    town.run("UPDATE company SET timezone = 'America/New_York' WHERE id = :c")
    with town.services.db.tenant(town.company.id) as session:
        make_all_again(session, town.company.id, town.services.clock())
    assert town.again() == 1
    assert [row.day.day for row in town.journeys().values()] == [late.day]
    town.assert_sums_hold()


def test_following_facts_one_by_one_ends_where_making_all_again_does(town: Town) -> None:
    dice, services, company = random.Random(3), town.services, town.company
    start = services.clock() - timedelta(hours=5)
    people = [(f"+3934712345{number:02d}", new_id(start)) for number in range(6)]
    steps = [(kind, one) for one in people for kind in ("visit", "visit", "link", "missed", "call")]
    dice.shuffle(steps)
    for step, (kind, (phone, browser)) in enumerate(steps):
        at = start + timedelta(minutes=dice.randrange(300))
        if kind == "visit":  # a browser is seen now, whatever else is told late
            town.visit(services.clock(), browser, pages=dice.randrange(1, 4))
        elif kind == "link":
            town.person(phone, browser)
        else:
            call = town.call(phone, at, talk=0 if kind == "missed" else 90)
            if kind == "call":
                town.conversion(call, "lead", at)
            mark_calls(services, company.id, [call.id])
        if step % 4 == 0:
            town.run("UPDATE journey_state SET due_at = :at WHERE company_id = :c", at=start)
            town.keep()
    town.run("UPDATE journey_state SET due_at = :at WHERE company_id = :c", at=start)
    town.keep()
    assert len(town.journeys()) == len(people)
    with services.db.tenant(company.id) as session:
        make_all_again(session, company.id, services.clock())
    assert town.again() == 0
    town.assert_sums_hold()
