"""A missed call is seen, returned by one click from one's own phone, and never a second lead."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from calltrack.accounts.protection import change_protection
from calltrack.automations.call_backs import ask_for_code, call_back
from calltrack.calls.guard.cap_rules import Used
from calltrack.calls.guard.usage import use_of
from calltrack.calls.model import Call
from calltrack.calls.outbound.own_phone import confirm_phone, phone_of
from calltrack.calls.outbound.service import look_due
from calltrack.calls.people.missed import close_missed, reached_at
from calltrack.calls.people.model import MissedCall
from calltrack.conversions.model import Conversion
from calltrack.delivery.notices import open_notices
from calltrack.kernel.errors import BadInput, Conflict
from calltrack.sandbox.carrier.script import LegScript
from calltrack.telephony.carrier import Refused, Retry
from tests.accounts.people import make_user
from tests.people.world import AGENT, CALLER, World


def state(world: World, call: Call) -> MissedCall:
    with world.services.db.tenant(world.company.id) as session:
        return session.get_one(MissedCall, (world.company.id, call.id))


def notices(world: World) -> list[str]:
    with world.services.db.tenant(world.company.id) as session:
        return [one.text for one in open_notices(session, world.company.id) if one.kind == "calls.missed"]


def test_a_missed_caller_is_rung_back_and_both_are_joined(world: World) -> None:
    person = make_user(world.services, world.company, "manager")
    world.confirmed(person)
    call = world.missed(caller=CALLER)
    world.work()
    assert state(world, call).state == "open"
    assert notices(world) == [
        "1 caller waits to be rung back. Open a missed call and ring back from there, or say that it is done."
    ]
    world.behaviour.digits[AGENT] = ("1",)
    world.behaviour.phones[CALLER] = LegScript(talk_seconds=95)
    before = world.services.clock()
    assert call_back(world.services, world.company.id, call.id, person.id, by="Anna") == "placed"
    out = world.until(lambda: next((one for one in world.calls_out() if one.state == "over"), None))
    assert (out.kind, out.call_id, out.talk_seconds, out.status) == ("back", call.id, 95, "completed")
    (journal,) = [one for one in world.twin.board.latest() if one.call_sid == out.call_sid]
    assert journal.rang == [AGENT, CALLER]
    missed = state(world, call)
    assert missed.state == "reached"
    assert missed.tried_at is not None
    assert missed.reached_at == out.joined_at
    assert missed.reached_at > before - timedelta(seconds=200)
    assert notices(world) == []
    with world.services.db.tenant(world.company.id) as session:
        assert reached_at(session, world.company.id, call.id) == missed.reached_at
        assert len(session.scalars(select(Call)).all()) == 1
        assert session.scalars(select(Conversion)).all() == []


@pytest.mark.parametrize("digits", [(), ("5", "5")])
def test_a_mailbox_of_the_member_presses_no_key_so_the_caller_is_not_rung(
    world: World, digits: tuple[str, ...]
) -> None:
    person = make_user(world.services, world.company, "manager")
    world.confirmed(person)
    call = world.missed(caller=CALLER)
    world.work()
    world.behaviour.digits[AGENT] = digits
    call_back(world.services, world.company.id, call.id, person.id, by="Anna")
    out = world.until(lambda: next((one for one in world.calls_out() if one.state == "over"), None))
    assert (out.joined_at, out.caller_status, out.digits) == (None, "", "")
    missed = state(world, call)
    assert (missed.state, missed.reached_at) == ("open", None)
    assert missed.tried_at is not None
    assert notices(world)


def test_a_caller_who_does_not_answer_still_waits(world: World) -> None:
    person = make_user(world.services, world.company, "manager")
    world.confirmed(person)
    call = world.missed(caller=CALLER)
    world.work()
    world.behaviour.digits[AGENT] = ("1",)
    world.behaviour.phones[CALLER] = LegScript(result="no-answer")
    call_back(world.services, world.company.id, call.id, person.id, by="Anna")
    out = world.until(lambda: next((one for one in world.calls_out() if one.state == "over"), None))
    assert (out.digits, out.caller_status, out.joined_at) == ("1", "no_answer", None)
    assert state(world, call).state == "open"


def test_a_lost_answer_begins_no_second_call(world: World) -> None:
    person = make_user(world.services, world.company, "manager")
    world.confirmed(person)
    call = world.missed(caller=CALLER)
    world.behaviour.digits[AGENT] = ("1",)
    world.fault("drop-after-processing", target="calls")
    assert call_back(world.services, world.company.id, call.id, person.id, by="Anna") in ("placed", "unknown")
    world.until(lambda: [one for one in world.calls_out() if one.state == "over"])
    assert len(world.calls_out()) == 1
    assert len(world.twin.board.latest()) == 1


def test_a_second_click_begins_nothing_and_a_refusal_says_why(world: World) -> None:
    person = make_user(world.services, world.company, "manager")
    call = world.missed(caller=CALLER)
    with pytest.raises(BadInput, match="confirm your own phone"):
        call_back(world.services, world.company.id, call.id, person.id, by="Anna")
    world.confirmed(person)
    world.fault("401", target="calls")
    with pytest.raises(Refused):
        call_back(world.services, world.company.id, call.id, person.id, by="Anna")
    world.fault(*["429"] * 9, target="calls")
    with pytest.raises(Retry):
        call_back(world.services, world.company.id, call.id, person.id, by="Anna")
    assert [one.state for one in world.calls_out()] == ["refused", "refused"]
    assert all(one.problem for one in world.calls_out())
    world.twin.desk.faults.reset()
    call_back(world.services, world.company.id, call.id, person.id, by="Anna")
    world.sql("UPDATE outbound_call SET state = 'placed' WHERE state <> 'refused'")
    with pytest.raises(Conflict, match="being rung"):
        call_back(world.services, world.company.id, call.id, person.id, by="Anna")
    hidden = world.missed(caller=None)
    with pytest.raises(Conflict, match="withheld"):
        call_back(world.services, world.company.id, hidden.id, person.id, by="Anna")
    dear = world.missed(caller="+881612345678")
    with pytest.raises(BadInput, match="your own phone"):
        call_back(world.services, world.company.id, dear.id, person.id, by="Anna")


def test_caps_and_the_list_of_countries_hold_for_calls_begun_from_here(world: World) -> None:
    person, services, company = (
        make_user(world.services, world.company, "manager"),
        world.services,
        world.company,
    )
    world.confirmed(person)
    call = world.missed(caller=CALLER)

    def protect(**wanted: object) -> None:
        with services.db.tenant(company.id) as session:
            change_protection(session, company.id, wanted)

    protect(calls_per_number=1)
    call_back(services, company.id, call.id, person.id, by="Anna")
    world.until(lambda: [one for one in world.calls_out() if one.state == "over"])
    with services.db.tenant(company.id) as session:
        assert use_of(session, company.id).total == Used(1, 1)
    with pytest.raises(Conflict, match="1 calls on this number are used up"):
        call_back(services, company.id, call.id, person.id, by="Anna")
    protect(calls_per_company=1)
    with pytest.raises(Conflict, match="used up"):
        ask_for_code(services, company.id, make_user(services, company, "owner").id, AGENT, by="Anna")
    protect(countries=["DE"])
    with pytest.raises(BadInput, match="country is not allowed"):
        call_back(services, company.id, call.id, person.id, by="Anna")
    german = world.missed(caller="+4915112345678")
    with pytest.raises(BadInput, match="cannot be rung from here: it is in IT"):
        call_back(services, company.id, german.id, person.id, by="Anna")
    assert len(world.calls_out()) == len(world.twin.board.latest()) == 1


def test_lost_reports_are_asked_for(world: World) -> None:
    person = make_user(world.services, world.company, "manager")
    world.confirmed(person)
    call = world.missed(caller=CALLER)
    call_back(world.services, world.company.id, call.id, person.id, by="Anna")
    world.until(lambda: [one for one in world.calls_out() if one.state == "over"])
    world.sql("DELETE FROM carrier_report")
    world.sql("UPDATE outbound_call SET state = 'placed', ended_at = NULL, status = '', due_at = now()")
    assert look_due(world.services, world.company.id) == 1
    world.work()
    (out,) = world.calls_out()
    assert (out.state, out.status, out.due_at) == ("over", "completed", None)
    world.sql("UPDATE outbound_call SET state = 'intended', call_sid = NULL, due_at = now()")
    assert look_due(world.services, world.company.id) == 1
    assert world.calls_out()[0].call_sid == out.call_sid


def test_a_caller_who_calls_again_and_is_answered_waits_no_more(world: World) -> None:
    now = world.services.clock()
    first = world.missed(caller=CALLER, at=now - timedelta(minutes=40))
    second = world.missed(caller=CALLER, at=now - timedelta(minutes=30))
    other = world.missed(caller="+393479999999", at=now - timedelta(minutes=35))
    world.work()
    assert notices(world)[0].startswith("2 callers wait")
    world.ended(caller=CALLER, at=now - timedelta(minutes=10))
    world.work()
    assert [state(world, one).state for one in (first, second, other)] == ["came_back", "came_back", "open"]
    with world.services.db.tenant(world.company.id) as session:
        close_missed(session, world.company.id, other.id, now, by="Anna")
    assert (state(world, other).state, state(world, other).settled_by) == ("closed", "Anna")
    late = world.missed(caller=CALLER, at=now - timedelta(minutes=20))
    world.work()
    assert state(world, late).state == "came_back", "a call that is told late is settled by a later one"


def test_a_phone_is_confirmed_by_the_code_that_is_said_to_it(world: World) -> None:
    person, services, company = (
        make_user(world.services, world.company, "manager"),
        world.services,
        world.company,
    )
    ask_for_code(services, company.id, person.id, AGENT, by="Anna")
    journal = world.until(lambda: next(iter(world.twin.board.latest()), None))
    world.until(lambda: [one for one in world.calls_out() if one.state == "over"])
    said = "".join(mark for mark in journal.heard[0].partition(".")[0] if mark.isdigit())
    assert len(said) == 6
    with services.db.tenant(company.id) as session:
        wrong = confirm_phone(
            session, company.id, person.id, "000000" if said != "000000" else "1", services.clock(), by="Anna"
        )
    assert "not the code" in wrong
    with services.db.tenant(company.id) as session:
        assert (
            confirm_phone(
                session, company.id, person.id, f" {said[:3]} {said[3:]}", services.clock(), by="Anna"
            )
            == ""
        )
        found = phone_of(session, services.vault, company.id, person.id)
    assert found is not None
    assert (found.e164, found.is_confirmed) == (AGENT, True)
    for _ in range(2):
        ask_for_code(services, company.id, person.id, AGENT, by="Anna")
    with pytest.raises(Conflict, match="Three codes"):
        ask_for_code(services, company.id, person.id, AGENT, by="Anna")
    with pytest.raises(BadInput):
        ask_for_code(services, company.id, person.id, "+881612345678", by="Anna")


def test_codes_end_by_time_and_by_wrong_tries(world: World) -> None:
    person, services, company = (
        make_user(world.services, world.company, "manager"),
        world.services,
        world.company,
    )
    ask_for_code(services, company.id, person.id, AGENT, by="Anna")
    now = services.clock()
    for _ in range(5):
        with services.db.tenant(company.id) as session:
            assert "not the code" in confirm_phone(session, company.id, person.id, "x", now, by="Anna")
    with services.db.tenant(company.id) as session:
        assert "Five wrong" in confirm_phone(session, company.id, person.id, "x", now, by="Anna")
    later = now + timedelta(minutes=11)
    with services.db.tenant(company.id) as session:
        assert "ten minutes" in confirm_phone(session, company.id, person.id, "x", later, by="Anna")
