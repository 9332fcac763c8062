"""What hooks lost the carrier's own list tells, once: the rows are those of a run without losses (R8)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from calltrack.accounts.model import Location
from calltrack.calls import checking, polling
from calltrack.calls.keeping_model import CallCheck, CarrierPoll
from calltrack.calls.model import Call
from calltrack.calls.replay import Replayed, replay
from calltrack.delivery.carrier_notices import review_carrier
from calltrack.delivery.notices import open_notices
from calltrack.sandbox.carrier import CallJournal, Switches
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.calls.rows import Stored, calls_of, count_events, facts_of, stored_call
from tests.calls.twins import ELSEWHERE, CarrierTwin, Lossy, carrier_twin, number_of

# What happens in the calls of the comparison, over and over.
SCRIPTS: tuple[dict[str, Any], ...] = (
    {"outcome": "answered", "talk_seconds": 180},
    {"outcome": "answered", "talk_seconds": 45, "hangs_up": "caller"},
    {"outcome": "busy"},
    {"outcome": "answered", "talk_seconds": 600, "from_": "anonymous"},
    {"outcome": "no-answer"},
    {"outcome": "mailbox"},
    {"outcome": "caller-hangs-up"},
    {"outcome": "failed"},
    {"outcome": "answered", "talk_seconds": 90, "stir": "TN-Validation-Passed-A"},
)
PAIRS = 72
# Of the carrier's clock and ours, and of times told in whole seconds.
CLOSE = 3.0


@pytest.fixture
def twin(services: Services, company: Company) -> Iterator[CarrierTwin]:
    with carrier_twin(services, company) as running:
        yield running


def account_id(services: Services, company: Company) -> UUID:
    with services.db.system() as system:
        accounts = polling.accounts_to_poll(system, services.clock() + timedelta(days=1))
    return next(account for owner, account in accounts if owner == company.id)


def poll(twin: CarrierTwin, company: Company) -> int:
    """Read the list as if its turn had come."""
    with twin.services.db.tenant(company.id) as session:
        session.execute(update(CarrierPoll).values(due_at=datetime(2020, 1, 1).astimezone()))
    return polling.poll(twin.services, company.id, account_id(twin.services, company))


def story(stored: Stored, caller: bytes | None) -> dict[str, Any]:
    """What people see of a call, without what two runs of the same script cannot share."""
    names = ("status", "outcome", "talk_seconds", "is_bridged", "answered_by", "stir", "price_currency")
    told = {name: stored.call[name] for name in names}
    legs = [
        {name: leg[name] for name in ("to_number", "status", "seconds", "is_joined", "price_micros")}
        for leg in stored.legs
    ]
    return told | {"caller": caller, "legs": legs}


def comparable(told: dict[str, Any], torn: CallJournal) -> dict[str, Any]:
    """The static answer says nothing to a caller nobody talked with, so that call was never answered."""
    left_out = ("status", "price_currency") if torn.via_fallback and not told["is_bridged"] else ()
    return {name: value for name, value in told.items() if name not in left_out}


def of_all(services: Services, company: Company, sids: list[str]) -> list[dict[str, Any]]:
    callers = {call.call_sid: call.caller_hash for call in calls_of(services, company.id)}
    return [story(stored_call(services, company.id, sid), callers[sid]) for sid in sids]


def test_what_hooks_lost_the_list_finds_and_the_rows_are_those_of_a_run_without_losses(
    voice: FlaskClient, services: Services, company: Company, twin: CarrierTwin
) -> None:
    with services.db.tenant(company.id) as session:  # A whisper or message would make the two runs differ.
        session.execute(update(Location).values(whisper=False, voicemail=False))
    voice.application.extensions["voice.desk"].routes.refresh(5, gap=0)
    number = number_of(services, company, fallback=ELSEWHERE)
    inner = httpx.WSGITransport(voice.application)
    lossy = Lossy(inner, company.target, 0.05, seed=8)
    whole, journals = [], []
    with httpx.Client(transport=inner) as safe, httpx.Client(transport=lossy) as unsafe:
        for place in range(PAIRS):
            script = SCRIPTS[place % len(SCRIPTS)] | {"seed": place}
            whole.append(twin.play(safe, number, company.auth_token, **script).call_sid)
            journals.append(twin.play(unsafe, number, company.auth_token, drop=0.2, **script))
    torn = [journal.call_sid for journal in journals]
    known = {call.call_sid for call in calls_of(services, company.id)}
    assert len(lossy.lost) > 5, "some requests were lost"
    assert set(whole) <= known
    missing = [sid for sid in torn if stored_call_or_none(services, company, sid, known) is None]
    assert missing, "some calls nobody told us the end of, or anything"

    assert poll(twin, company) > 0
    found = of_all(services, company, torn)
    expected = of_all(services, company, whole)
    differing = [
        (place, one, other)
        for place, (one, other) in enumerate(zip(found, expected, strict=True))
        if comparable(one, journals[place]) != comparable(other, journals[place])
    ]
    assert differing == []
    for sid, other in zip(torn, whole, strict=True):
        mine, theirs = stored_call(services, company.id, sid), stored_call(services, company.id, other)
        assert abs(length_of(mine) - length_of(theirs)) <= CLOSE + 6, "words after the ringing may be missing"

    events = count_events(services, company.id)
    facts = len(facts_of(services, company.id))
    assert poll(twin, company) == 0, "the second look finds nothing"
    assert (count_events(services, company.id), len(facts_of(services, company.id))) == (events, facts)
    counts = Replayed()
    again = list(
        replay(
            services.db, services.vault, company.id, None, write=False, now=services.clock(), counts=counts
        )
    )
    assert (again, counts.calls) == ([], PAIRS * 2)


def stored_call_or_none(services: Services, company: Company, sid: str, known: set[str]) -> Stored | None:
    if sid not in known:
        return None
    stored = stored_call(services, company.id, sid)
    return stored if stored.call["ended_at"] is not None else None


def length_of(stored: Stored) -> float:
    length: timedelta = stored.call["ended_at"] - stored.call["started_at"]
    return length.total_seconds()


def test_an_idle_account_costs_one_page_of_calls_and_one_of_messages(
    services: Services, company: Company, twin: CarrierTwin
) -> None:
    assert poll(twin, company) == 0
    assert [asked.rpartition("/")[2] for asked in twin.asked] == ["Calls.json", "Messages.json"]
    before = services.clock()
    with services.db.tenant(company.id) as session:
        row = session.scalars(select(CarrierPoll)).one()
    assert row.polled_until is not None
    assert before - timedelta(minutes=1) < row.polled_until
    assert polling.poll(twin.services, company.id, row.account_id) == 0, "not due: nobody asks"
    assert len(twin.asked) == 2


@pytest.mark.parametrize(
    ("until", "window"),
    [
        (None, timedelta(hours=24)),
        (timedelta(minutes=5), timedelta(minutes=20)),
        (timedelta(hours=30), timedelta(hours=30, minutes=15)),
        (timedelta(minutes=-90), timedelta(minutes=15)),
    ],
)
def test_the_window_begins_before_the_last_success(until: timedelta | None, window: timedelta) -> None:
    now = datetime(2026, 11, 20, 12, 0).astimezone()
    assert now - polling.window_of(None if until is None else now - until, now) == window


def test_a_lost_recording_and_message_are_found(
    voice: FlaskClient, services: Services, company: Company, twin: CarrierTwin
) -> None:
    with services.db.tenant(company.id) as session:
        session.execute(update(Location).values(record=True, announcement="Registriamo.", whisper=False))
    voice.application.extensions["voice.desk"].routes.refresh(5, gap=0)
    number = number_of(services, company)
    with httpx.Client(transport=httpx.WSGITransport(voice.application)) as http:
        talked = twin.play(http, number, company.auth_token, outcome="answered", drop=1.0)
        spoke = twin.play(
            http, number, company.auth_token, outcome="no-answer", voicemail_seconds=9, drop=1.0
        )
    assert stored_call(services, company.id, talked.call_sid).recordings == []
    poll(twin, company)
    (recording,) = stored_call(services, company.id, talked.call_sid).recordings
    assert (recording["kind"], recording["status"], recording["channels"]) == ("call", "completed", 2)
    stored = stored_call(services, company.id, spoke.call_sid)
    assert [one["kind"] for one in stored.recordings] == ["voicemail"]
    assert stored.call["message_seconds"] == 9
    assert "recording.ready" in facts_of(services, company.id)


def test_a_foreign_call_of_a_shared_account_is_left_alone(
    voice: FlaskClient, services: Services, company: Company, twin: CarrierTwin
) -> None:
    stranger = number_of(services, make_company(services))
    number = number_of(services, company)
    foreign = type(number)(**{**vars(number), "e164": stranger.e164, "voice_url": ELSEWHERE})
    with httpx.Client(transport=Lossy(httpx.WSGITransport(voice.application), company.target, 0, 1)) as http:
        twin.play(http, foreign, company.auth_token)
    assert poll(twin, company) == 0
    assert calls_of(services, company.id) == []


def problem_of(services: Services, company: Company) -> tuple[int, bool, float]:
    with services.db.tenant(company.id) as session:
        row = session.scalars(select(CarrierPoll)).one()
    return row.failures, row.is_refused, (row.due_at - services.clock()).total_seconds() / 60


def test_a_busy_carrier_is_asked_more_rarely_and_told_of_after_a_while(
    services: Services, company: Company, twin: CarrierTwin
) -> None:
    account = account_id(services, company)
    for failures, minutes in ((1, 5), (2, 10), (3, 20), (4, 40), (5, 40)):
        twin.fault("calls", *["429"] * 8)
        poll(twin, company)
        twin.twin.desk.faults.reset()
        seen = problem_of(services, company)
        assert seen[:2] == (failures, False)
        assert seen[2] == pytest.approx(minutes, abs=1)
        review_carrier(services, company.id, account)
        with services.db.tenant(company.id) as session:
            kinds = [one.kind for one in open_notices(session, company.id)]
        assert kinds == (["carrier.unwell"] if failures >= 3 else [])
    poll(twin, company)
    review_carrier(services, company.id, account)
    assert problem_of(services, company)[:2] == (0, False)
    with services.db.tenant(company.id) as session:
        assert open_notices(session, company.id) == ()
    assert facts_of(services, company.id).count("carrier.polled") == 6


def test_a_refused_token_is_told_at_once_and_asked_again_in_an_hour(
    services: Services, company: Company, twin: CarrierTwin
) -> None:
    twin.fault("calls", "401")
    poll(twin, company)
    failures, refused, minutes = problem_of(services, company)
    assert (failures, refused) == (1, True)
    assert minutes == pytest.approx(60, abs=1)
    review_carrier(services, company.id, account_id(services, company))
    with services.db.tenant(company.id) as session:
        (notice,) = open_notices(session, company.id)
    assert (notice.kind, notice.level) == ("carrier.refused", "action")
    assert "token" in notice.text


def the_call(services: Services, company: Company) -> Call:
    (call,) = calls_of(services, company.id)
    return call


def due_now(services: Services, company: Company) -> None:
    with services.db.tenant(company.id) as session:
        session.execute(update(CallCheck).values(due_at=services.clock()))


def check_of(services: Services, company: Company) -> tuple[str, datetime | None]:
    with services.db.tenant(company.id) as session:
        row = session.scalars(select(CallCheck)).one()
    return row.step, row.due_at


def test_a_call_whose_end_was_lost_is_asked_for_by_name(
    voice: FlaskClient, services: Services, company: Company, twin: CarrierTwin
) -> None:
    number = number_of(services, company)
    switches = Switches(action_after_caller_hangup=False)
    with httpx.Client(transport=httpx.WSGITransport(voice.application)) as http:
        twin.play(http, number, company.auth_token, outcome="caller-hangs-up", drop=1.0, switches=switches)
    call = the_call(services, company)
    assert call.ended_at is None
    checking.expect_end(services, company.id, call.id)
    assert check_of(services, company) == ("end", call.started_at + timedelta(hours=4))
    assert checking.check_due(twin.services, company.id) == 0, "not yet"
    due_now(services, company)
    assert checking.check_due(twin.services, company.id) == 1
    call = the_call(services, company)
    assert (call.outcome, call.ended_at is not None) == ("abandoned", True)
    assert check_of(services, company)[0] in ("price", "end")
    assert facts_of(services, company.id).count("call.ended") == 1


def test_a_call_the_carrier_does_not_know_is_ended_as_failed(
    voice: FlaskClient, services: Services, company: Company, twin: CarrierTwin
) -> None:
    number = number_of(services, company)
    with httpx.Client(transport=httpx.WSGITransport(voice.application)) as http:
        journal = twin.play(
            http, number, company.auth_token, outcome="caller-hangs-up", drop=1.0,
            switches=Switches(action_after_caller_hangup=False),
        )  # fmt: skip
    twin.twin.desk.records.drop("call", journal.call_sid)
    call = the_call(services, company)
    checking.expect_end(services, company.id, call.id)
    due_now(services, company)
    checking.check_due(twin.services, company.id)
    call = the_call(services, company)
    assert (call.status, call.outcome) == ("failed", "failed")


def test_the_price_is_asked_for_until_it_is_known(
    voice: FlaskClient, services: Services, company: Company, twin: CarrierTwin
) -> None:
    with httpx.Client(transport=httpx.WSGITransport(voice.application)) as http:
        journal = twin.play(http, number_of(services, company), company.auth_token, talk_seconds=100)
    price = {}
    for record in twin.twin.desk.records.all("call"):
        price[record["sid"]] = record["price"]
        twin.twin.desk.records.change("call", record["sid"], lambda row: row.update(price=None))
    call = the_call(services, company)
    assert call.ended_at is not None
    ends = facts_of(services, company.id).count("call.ended")
    checking.expect_price(services, company.id, call.id)
    assert check_of(services, company) == ("price", call.ended_at + timedelta(minutes=15))
    due_now(services, company)
    checking.check_due(twin.services, company.id)
    assert check_of(services, company) == ("late_price", call.ended_at + timedelta(hours=24))
    for sid, told in price.items():
        twin.twin.desk.records.change("call", sid, lambda row, told=told: row.update(price=told))  # type: ignore[misc]
    due_now(services, company)
    checking.check_due(twin.services, company.id)
    assert check_of(services, company) == ("late_price", None)
    stored = stored_call(services, company.id, journal.call_sid)
    assert stored.call["price_micros"] == 17_000, "two minutes begun, at 0.0085"
    assert [leg["price_micros"] for leg in stored.legs] == [28_000]
    assert stored.call["price_currency"] == "USD"
    assert facts_of(services, company.id).count("call.ended") == ends, "a price is no new end"


def test_a_carrier_that_refuses_lets_all_checks_wait(
    voice: FlaskClient, services: Services, company: Company, twin: CarrierTwin
) -> None:
    with httpx.Client(transport=httpx.WSGITransport(voice.application)) as http:
        twin.play(http, number_of(services, company), company.auth_token)
    call = the_call(services, company)
    checking.expect_price(services, company.id, call.id)
    due_now(services, company)
    twin.fault("calls", "401")
    assert checking.check_due(twin.services, company.id) == 0
    step, due = check_of(services, company)
    assert step == "price"
    assert due is not None
    assert due > services.clock() + timedelta(minutes=55)
