"""Calls under guard, through the real hooks: who is refused, asked for a key, cut, and who is not."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from calltrack.accounts.follow_up import change_follow_up
from calltrack.accounts.model import Location
from calltrack.accounts.protection import change_protection
from calltrack.automations.follow_up import follow_call
from calltrack.automations.model import Automation
from calltrack.callflows import service as flows
from calltrack.calls.desk import Desk, open_desk
from calltrack.calls.guard.blocking import NewEntry, block, unblock
from calltrack.calls.guard.model import CallSpam, SpamReport
from calltrack.calls.guard.shared import report
from calltrack.calls.people.model import MissedCall
from calltrack.conversions.call_log import CallFilter, find_calls
from calltrack.conversions.figures import Span, totals
from calltrack.kernel.errors import BadFields
from calltrack.sandbox.carrier import CallJournal, CallScript, SimulatedNumber, play
from calltrack.voice import create_voice
from calltrack.wiring import Services
from tests.builders import Company, fresh_e164, make_call, make_company
from tests.calls.conftest import CALLER, Carrier, new_call_sid
from tests.calls.rows import calls_of
from workers.subscriptions import mark_nuisance

pytestmark = pytest.mark.usefixtures("reports_end_here")

MOST_SECONDS = 10.0
REJECT, SORRY, PRESS = "<Reject", "non possiamo rispondere", "prema il tasto uno"


@pytest.fixture(autouse=True)
def nobody_is_reported(services: Services) -> None:
    """Reports of nuisance callers belong to the whole server, and so to other tests as well."""
    with services.db.shared() as session:
        session.execute(delete(SpamReport))


def protect(services: Services, company: Company, desk: Desk, **wanted: object) -> None:
    """Change the company's protection and let the voice process hear of it."""
    with services.db.tenant(company.id) as session:
        change_protection(session, company.id, wanted)
    assert desk.guard.source.refresh(10)


def ring(carrier: Carrier, **more: str) -> str:
    answer = carrier.post("", carrier.call_fields(**more))
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def talked(carrier: Carrier, sid: str, seconds: int) -> None:
    """Put a call through and end it after a talk."""
    leg = new_call_sid()
    carrier.post("", carrier.call_fields(sid))
    carrier.post("/leg", carrier.leg_fields(sid, leg, "in-progress", 2))
    carrier.post(
        "/dialed",
        carrier.call_fields(sid, DialCallStatus="completed", DialCallSid=leg,
                            DialCallDuration=str(seconds), DialBridged="true"),
    )  # fmt: skip
    ended = carrier.call_fields(sid, CallStatus="completed", CallDuration=str(seconds + 5))
    carrier.post("/status", ended)


def is_put_through(document: str, company: Company) -> bool:
    return f">{company.target}</Number>" in document


def test_nobody_is_held_up_from_the_start(carrier: Carrier, company: Company) -> None:
    for caller in (CALLER, "anonymous", "+12025550123", "client:web"):
        assert is_put_through(ring(carrier, From=caller), company)


def test_a_blocked_caller_is_refused_before_the_call_is_answered(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    with services.db.tenant(company.id) as session:
        now = services.clock()
        entries = [
            block(session, services.vault, company.id, new, now, by="test")
            for new in (
                NewEntry("347 1234567", "sells energy contracts"),
                NewEntry("+44 79*"),
                NewEntry("+393470000001", expires_at=now + timedelta(seconds=5)),
            )
        ]
    assert desk.guard.source.refresh(10)
    assert REJECT in ring(carrier, From="+393470000001")
    sid = new_call_sid()
    document = ring(carrier, CallSid=sid)
    assert document.count("<") == 4
    assert REJECT in document
    assert REJECT in ring(carrier, From="+447900000001")
    assert is_put_through(ring(carrier, From="+447800000001"), company)
    ends, tries = time.monotonic() + 60, 1
    while not is_put_through(ring(carrier, From="+393470000001"), company):
        assert time.monotonic() < ends, "the entry does not expire"
        time.sleep(0.5)
        tries += 1
    with services.db.tenant(company.id) as session:
        unblock(session, services.vault, company.id, entries[0], services.clock(), by="test")
    assert desk.guard.source.refresh(10)
    assert is_put_through(ring(carrier), company)
    # The call that was refused got its answer for good: a repetition of the hook is byte-identical.
    assert ring(carrier, CallSid=sid) == document
    assert len(calls_of(services, company.id)) == 5 + tries


def test_a_block_list_is_the_companys_own(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    stranger = make_company(services)
    with services.db.tenant(stranger.id) as session:
        block(session, services.vault, stranger.id, NewEntry(CALLER), services.clock(), by="test")
    assert desk.guard.source.refresh(10)
    assert is_put_through(ring(carrier), company)


def test_withheld_numbers_are_refused_only_where_a_company_wants_it(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    assert is_put_through(ring(carrier, From="anonymous"), company)
    protect(services, company, desk, block_withheld=True)
    assert REJECT in ring(carrier, From="+266696687")
    assert is_put_through(ring(carrier), company)


def test_a_cap_cuts_the_next_leg_at_once_and_refused_callers_use_nothing_up(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    with services.db.tenant(company.id) as session:
        block(session, services.vault, company.id, NewEntry("+393470000009"), services.clock(), by="test")
    protect(services, company, desk, calls_per_number=3)
    for _ in range(20):
        assert REJECT in ring(carrier, From="+393470000009")
    sids = [new_call_sid() for _ in range(3)]
    for sid in sids:
        assert is_put_through(ring(carrier, CallSid=sid), company)
    cut = ring(carrier)
    assert SORRY in cut
    assert "<Dial" not in cut
    # The carrier's repetition of a call that was put through is put through again.
    assert is_put_through(ring(carrier, CallSid=sids[0]), company)
    other = Carrier(carrier.client, carrier.base_url, company)
    fields = other.call_fields(To=company.numbers[1])
    answer = other.post("", fields, number_id=company.number_ids[1])
    assert is_put_through(answer.get_data(as_text=True), company)


@pytest.mark.parametrize(
    "caps", [{"calls_per_number": 2}, {"minutes_per_number": 6}, {"calls_per_company": 2},
             {"minutes_per_company": 6}],
    ids=lambda one: next(iter(one)),
)  # fmt: skip
def test_a_process_that_just_started_knows_the_day_within_ten_seconds(
    carrier: Carrier, company: Company, services: Services, desk: Desk, caps: dict[str, int]
) -> None:
    """What other processes put through counts here as well, by way of the database."""
    for _ in range(2):
        talked(carrier, new_call_sid(), 150)
    with services.db.tenant(company.id) as session:
        change_protection(session, company.id, caps)
    began = time.monotonic()
    other = open_desk(services)
    try:
        fresh = Carrier(create_voice(services, other).test_client(), carrier.base_url, company)
        # One that has not read its numbers yet refuses, and the carrier turns to the fallback address.
        while SORRY not in fresh.post("", fresh.call_fields()).get_data(as_text=True):
            assert time.monotonic() - began < MOST_SECONDS
            time.sleep(0.1)
    finally:
        other.stop()
    print(f"\n{next(iter(caps))}: cut {time.monotonic() - began:.2f} s after the process began")


def test_the_cap_holds_while_the_database_is_away(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    protect(services, company, desk, calls_per_number=2)
    desk.guard.source.stop()
    desk.intake.breaker.open()
    documents = [ring(carrier) for _ in range(4)]
    assert [is_put_through(one, company) for one in documents] == [True, True, False, False]


@pytest.mark.parametrize("target", ["+881612345678", "+39899123456", "+18765551234"])
def test_a_line_that_is_not_allowed_is_never_rung(
    carrier: Carrier, company: Company, services: Services, desk: Desk, target: str
) -> None:
    """However the number came into the table: the last check is made when the caller waits."""
    with services.db.tenant(company.id) as session:
        session.execute(update(Location).values(forward_to=target))
    assert desk.guard.source.refresh(10), "a process that knows nothing of a company puts its calls through"
    desk.routes.refresh(5, gap=0)
    document = ring(carrier)
    assert SORRY in document
    assert target not in document


RINGS: dict[str, Any] = {
    "start": "ring",
    "steps": {
        "ring": {
            "kind": "ring", "how": "together", "targets": [{"number": "+493012345678"}, {"own_line": True}],
            "no_answer": "again",
        },
        "again": {"kind": "ring", "targets": [{"number": "+493012345679"}]},
    },
}  # fmt: skip


def test_a_flow_cannot_name_a_dear_number_and_never_rings_a_country_that_was_taken_back(
    carrier: Carrier, company: Company, services: Services, desk: Desk, played: "Play"
) -> None:
    now = services.clock()
    dear = {"start": "ring", "steps": {"ring": {"kind": "ring", "targets": [{"number": "+39899123456"}]}}}
    with services.db.tenant(company.id) as session, pytest.raises(BadFields, match="premium-rate"):
        flows.check(session, company.id, dear)
    with services.db.tenant(company.id) as session:
        flow_id = flows.create(session, company.id, "Two", RINGS, "anna", now)
        flows.assign(session, company.id, flow_id, "company", company.id, "anna", now)
    desk.routes.refresh(5, gap=0)
    every = played(outcome="no-answer")
    assert sorted(every.rang) == sorted([company.target, "+493012345678", "+493012345679"])
    protect(services, company, desk, countries=["IT"])
    fewer = played(outcome="no-answer")
    assert fewer.rang == [company.target]
    protect(services, company, desk, countries=["IT"], calls_per_number=1)
    assert played().rang == []


def test_a_challenged_caller_of_a_flow_comes_to_the_flow(
    company: Company, services: Services, desk: Desk, played: "Play"
) -> None:
    robot = fresh_e164()
    for other in (make_company(services), make_company(services)):
        with services.db.tenant(other.id) as session:
            report(session, services.vault, other.id, robot, services.clock())
    with services.db.tenant(company.id) as session:
        now = services.clock()
        flow_id = flows.create(session, company.id, "Two", RINGS, "anna", now)
        flows.assign(session, company.id, flow_id, "company", company.id, "anna", now)
    desk.routes.refresh(5, gap=0)
    protect(services, company, desk, spam_action="challenge")
    assert played(from_=robot).rang == []
    assert "+493012345678" in played(from_=robot, digits=("1",)).rang


def test_known_nuisance_must_press_a_key_and_whoever_does_is_put_through(
    carrier: Carrier, company: Company, services: Services, desk: Desk, played: "Play"
) -> None:
    robot, second = fresh_e164(), fresh_e164()
    for other in (make_company(services), make_company(services)):
        with services.db.tenant(other.id) as session:
            report(session, services.vault, other.id, robot, services.clock())
            report(session, services.vault, other.id, second, services.clock())
    assert desk.guard.source.refresh(10)
    assert is_put_through(ring(carrier, From=robot), company)
    protect(services, company, desk, spam_action="challenge")
    sid = new_call_sid()
    document = ring(carrier, From=robot, CallSid=sid)
    assert PRESS in document
    assert "<Dial" not in document
    assert f"/{company.number_ids[0].hex}/challenge#" in document
    wrong = carrier.post("/challenge", carrier.call_fields(sid, From=robot, Digits="9"))
    assert SORRY in wrong.get_data(as_text=True)
    pressed = carrier.post("/challenge", carrier.call_fields(sid, From=robot, Digits="1"))
    assert is_put_through(pressed.get_data(as_text=True), company)
    assert is_put_through(ring(carrier), company)
    silent = played(from_=robot)
    assert silent.rang == []
    assert silent.final_status == "completed"
    human = played(from_=robot, digits=("1",))
    assert human.rang == [company.target]
    # They talked for three minutes: whatever others say, this company knows the caller now.
    assert is_put_through(ring(carrier, From=robot), company)
    protect(services, company, desk, spam_action="reject")
    assert played(from_=second).result == "rejected"
    protect(services, company, desk, spam_action="reject", share=False)
    assert is_put_through(ring(carrier, From=second), company)


def test_a_robot_that_goes_through_the_numbers_is_found_by_the_process_itself(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    protect(services, company, desk, spam_action="reject")
    documents = []
    for turn in range(10):
        place = turn % 5
        fields = carrier.call_fields(To=company.numbers[place])
        answer = carrier.post("", fields, number_id=company.number_ids[place])
        documents.append(answer.get_data(as_text=True))
    assert is_put_through(documents[0], company)
    assert REJECT in documents[-1]
    assert is_put_through(ring(carrier, From="+393479999999"), company)


def test_every_call_is_marked_and_stays_in_the_list(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    with services.db.tenant(company.id) as session:
        block(session, services.vault, company.id, NewEntry("+393470000009"), services.clock(), by="test")
    assert desk.guard.source.refresh(10)
    make_call(services, company, caller="+393478888888", at=services.clock() - timedelta(days=5))
    callers = {
        "+393470000009": ("spam", "reject"), "+393478888888": ("clean", ""), "anonymous": ("clean", ""),
        "+393471112223": ("suspect", ""),
    }  # fmt: skip
    sids = {}
    for caller in callers:
        sids[caller] = new_call_sid()
        more = {"StirVerstat": "TN-Validation-Failed"} if caller == "+393471112223" else {}
        ring(carrier, From=caller, CallSid=sids[caller], **more)
    rows = {row.call_sid: row.id for row in calls_of(services, company.id)}
    assert len(rows) == 5
    for caller, (mark, action) in callers.items():
        call_id = rows[sids[caller]]
        for _ in range(2):
            mark_nuisance(services, company.id, call_id)
        with services.db.tenant(company.id) as session:
            stored = session.get_one(CallSpam, (company.id, call_id))
        assert (stored.mark, stored.action, stored.told_by) == (mark, action, "")


def end(carrier: Carrier, sid: str, status: str) -> None:
    ended = carrier.call_fields(sid, CallStatus=status, CallDuration="4")
    assert carrier.post("/status", ended).status_code == 204


def fate(services: Services, company: Company, sid: str) -> tuple[str | None, bool]:
    """Return how a call ended, and whether it counts as missed, as often as it is looked at."""
    (call,) = [one for one in calls_of(services, company.id) if one.call_sid == sid]
    for _ in range(2):
        follow_call(services, company.id, call.id)
    with services.db.tenant(company.id) as session:
        missed = session.get(MissedCall, (company.id, call.id))
        steps = session.scalars(select(Automation).where(Automation.call_id == call.id)).all()
    assert bool(steps) == (missed is not None)
    return call.outcome, missed is not None


def test_who_is_turned_away_is_told_apart_and_nobody_missed_them(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    """A cap and the block list are no missed calls: no alert, no text-back. A wrong line is one."""
    wish = {"alert_to": "owners", "text_back": True, "text_back_consent": True, "quiet_sundays": False}
    with services.db.tenant(company.id) as session:
        change_follow_up(session, company.id, wish | {"quiet_from": "00:00", "quiet_until": "00:00"})
        block(session, services.vault, company.id, NewEntry("+393470000009"), services.clock(), by="test")
    protect(services, company, desk, calls_per_number=1)
    blocked, usual, cut, barred = (new_call_sid() for _ in range(4))
    ring(carrier, From="+393470000009", CallSid=blocked)
    end(carrier, blocked, "busy")
    ring(carrier, CallSid=usual)
    end(carrier, usual, "no-answer")
    assert SORRY in ring(carrier, CallSid=cut)
    end(carrier, cut, "completed")
    assert fate(services, company, blocked) == ("blocked", False)
    assert fate(services, company, usual) == ("abandoned", True)
    assert fate(services, company, cut) == ("over_limit", False)
    with services.db.tenant(company.id) as session:
        session.execute(update(Location).values(forward_to="+881612345678"))
    desk.routes.refresh(5, gap=0)
    assert SORRY in ring(carrier, CallSid=barred)
    end(carrier, barred, "completed")
    assert fate(services, company, barred) == ("missed", True)
    with services.db.tenant(company.id) as session:
        span = Span(services.clock() - timedelta(hours=1), services.clock() + timedelta(hours=1))
        counted = totals(session, company.id, span, "EUR")
        log = find_calls(session, services.vault, company.id, CallFilter(outcome="over_limit"))
        lost = find_calls(session, services.vault, company.id, CallFilter(outcome="lost"))
    assert (counted.calls, counted.ended) == (4, 2)
    assert [row.outcome for row in log.rows] == ["over_limit"]
    assert {row.outcome for row in lost.rows} == {"abandoned", "missed"}


def test_who_presses_no_key_is_blocked_and_who_does_may_still_meet_a_cap(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    robot = fresh_e164()
    for other in (make_company(services), make_company(services)):
        with services.db.tenant(other.id) as session:
            report(session, services.vault, other.id, robot, services.clock())
    protect(services, company, desk, spam_action="challenge", calls_per_number=1)
    silent, wrong, human, late = (new_call_sid() for _ in range(4))
    for sid in (silent, wrong, human, late):
        assert PRESS in ring(carrier, From=robot, CallSid=sid)
    for sid, digits in ((wrong, "9"), (human, "1"), (late, "1")):
        carrier.post("/challenge", carrier.call_fields(sid, From=robot, Digits=digits))
    for sid in (silent, wrong, human, late):
        end(carrier, sid, "completed" if sid != human else "no-answer")
    stored = {one.call_sid: one.outcome for one in calls_of(services, company.id)}
    assert [stored[sid] for sid in (silent, wrong, human, late)] == [
        "blocked", "blocked", "abandoned", "over_limit",
    ]  # fmt: skip


Play = Callable[..., CallJournal]


@pytest.fixture
def played(voice: FlaskClient, services: Services, company: Company) -> Play:
    base = f"{services.settings.base_url}/voice/{company.number_ids[0].hex}"
    number = SimulatedNumber(
        e164=company.numbers[0], voice_url=base, voice_fallback_url=f"{base}/fallback",
        status_callback=f"{base}/status", account_sid=company.account_sid,
    )  # fmt: skip

    def play_one(**script: object) -> CallJournal:
        told = {"from_": CALLER, "to": number.e164} | script
        with httpx.Client(transport=httpx.WSGITransport(voice.application)) as http:
            return play(CallScript(**told), number, company.auth_token, http)  # type: ignore[arg-type]

    return play_one
