"""The carrier's hooks: what is answered, what is stored, what is refused."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from calltrack.accounts.model import Company as CompanyRow
from calltrack.accounts.model import Location
from calltrack.calls.desk import Desk
from calltrack.calls.model import UnknownCall
from calltrack.calls.route_source import AT_MOST_EVERY
from calltrack.numbers.model import TrackingNumber
from calltrack.sandbox.carrier.signing import sign
from calltrack.wiring import Services
from tests.builders import Company, fresh_e164, make_company, make_lease, make_visit
from tests.calls.conftest import CALLER, Carrier, new_call_sid
from tests.calls.rows import calls_of, count_events, facts_of, stored_call

NOW = datetime.now(UTC)


def test_a_caller_is_put_through_and_the_call_is_stored(
    carrier: Carrier, company: Company, services: Services
) -> None:
    answer = carrier.post("", carrier.call_fields())
    assert answer.status_code == 200
    assert answer.mimetype == "text/xml"
    document = answer.get_data(as_text=True)
    hooks = f"{carrier.base_url}/voice/{company.number_ids[0].hex}"
    assert f">{company.target}</Number>" in document
    assert 'answerOnBridge="true"' in document
    assert f'action="{hooks}/dialed' in document
    assert f'url="{hooks}/whisper' in document
    assert f'statusCallback="{hooks}/leg' in document
    assert 'statusCallbackEvent="initiated ringing answered completed"' in document
    (call,) = calls_of(services, company.id)
    assert call.number_id == company.number_ids[0]
    assert call.location_id == company.location_id
    assert call.status == "ringing"
    assert call.outcome is None
    assert not call.was_spooled
    assert call.caller is not None
    assert services.vault.open(company.id, "call.caller", call.caller) == CALLER
    assert call.caller_hash == services.vault.look_up(company.id, CALLER)
    assert facts_of(services, company.id) == ["call.started"]


def test_the_same_request_again_gets_the_same_answer_and_changes_nothing(
    carrier: Carrier, company: Company, services: Services
) -> None:
    fields = carrier.call_fields()
    first, second = carrier.post("", fields), carrier.post("", fields)
    assert first.data == second.data
    assert len(calls_of(services, company.id)) == 1
    assert count_events(services, company.id) == 1
    assert facts_of(services, company.id) == ["call.started"]


def test_a_whole_answered_call_becomes_one_finished_row(
    carrier: Carrier, company: Company, services: Services
) -> None:
    sid, leg = new_call_sid(), new_call_sid()
    carrier.post("", carrier.call_fields(sid))
    for sequence, status in enumerate(("initiated", "ringing", "in-progress")):
        report = carrier.post("/leg", carrier.leg_fields(sid, leg, status, sequence))
        assert report.status_code == 204
    carrier.post("/leg", carrier.leg_fields(sid, leg, "completed", 3, CallDuration="185"))
    dialed = carrier.post(
        "/dialed",
        carrier.call_fields(
            sid, CallStatus="in-progress", DialCallStatus="completed", DialCallSid=leg,
            DialCallDuration="180", DialBridged="true",
        ),
    )  # fmt: skip
    assert "<Hangup" in dialed.get_data(as_text=True)
    carrier.post("/status", carrier.call_fields(sid, CallStatus="completed", CallDuration="190"))
    stored = stored_call(services, company.id, sid)
    assert stored.call["status"] == "completed"
    assert stored.call["outcome"] == "answered"
    assert stored.call["is_bridged"] is True
    assert stored.call["talk_seconds"] == 180
    assert stored.call["duration_seconds"] == 190
    (rung,) = stored.legs
    assert (rung["leg_sid"], rung["to_number"]) == (leg, company.target)
    assert (rung["status"], rung["seconds"], rung["is_joined"]) == ("completed", 185, True)
    assert (stored.call["answered_by"], stored.call["hung_up_by"]) == (company.target, "business")
    facts = facts_of(services, company.id)
    assert facts[0] == "call.started"
    assert set(facts[1:]) == {"call.ended"}


@pytest.mark.parametrize(
    ("voicemail", "expected", "unexpected"), [(True, "<Record", None), (False, "<Say", "<Record")]
)
def test_ringing_in_vain_leads_to_the_voicemail_or_a_sentence(
    carrier: Carrier,
    company: Company,
    services: Services,
    desk: Desk,
    voicemail: bool,
    expected: str,
    unexpected: str | None,
) -> None:
    with services.db.tenant(company.id) as session:
        session.execute(update(Location).values(voicemail=voicemail))
    refresh(desk)
    sid = new_call_sid()
    carrier.post("", carrier.call_fields(sid))
    told = carrier.call_fields(sid, DialCallStatus="no-answer", DialBridged="false")
    answer = carrier.post("/dialed", told)
    document = answer.get_data(as_text=True)
    assert expected in document
    assert "non possiamo rispondere" in document
    assert unexpected is None or unexpected not in document
    carrier.post("/status", carrier.call_fields(sid, CallStatus="completed", CallDuration="30"))
    assert stored_call(services, company.id, sid).call["outcome"] == "missed"


def test_a_message_is_kept_as_a_voicemail(carrier: Carrier, company: Company, services: Services) -> None:
    sid = new_call_sid()
    message = {"RecordingSid": "RE" + sid[2:], "RecordingUrl": "https://api.twilio.com/r/RE1"}
    carrier.post("", carrier.call_fields(sid))
    carrier.post("/dialed", carrier.call_fields(sid, DialCallStatus="busy", DialBridged="false"))
    carrier.post(
        "/recording",
        {"CallSid": sid, "AccountSid": company.account_sid, "RecordingStatus": "completed",
         "RecordingDuration": "7", "RecordingSource": "RecordVerb"} | message,
    )  # fmt: skip
    assert "<Hangup" in carrier.post(
        "/voicemail", carrier.call_fields(sid, RecordingDuration="7", **message)
    ).get_data(as_text=True)
    stored = stored_call(services, company.id, sid)
    assert stored.call["outcome"] == "busy"
    assert [(r["kind"], r["status"], r["seconds"]) for r in stored.recordings] == [
        ("voicemail", "completed", 7)
    ]


def test_a_report_without_its_call_makes_the_row(
    carrier: Carrier, company: Company, services: Services
) -> None:
    sid, end = new_call_sid(), datetime(2026, 11, 20, 12, 0, 50, tzinfo=UTC)
    carrier.post(
        "/status",
        carrier.call_fields(
            sid, CallStatus="completed", CallDuration="50", Timestamp="Fri, 20 Nov 2026 12:00:50 +0000"
        ),
    )
    call = stored_call(services, company.id, sid).call
    assert call["started_at"] == end - timedelta(seconds=50)
    assert call["ended_at"] == end
    assert facts_of(services, company.id) == ["call.started", "call.ended"]


def test_a_withheld_caller_is_nobody(carrier: Carrier, company: Company, services: Services) -> None:
    carrier.post("", carrier.call_fields(From="+266696687"))
    (call,) = calls_of(services, company.id)
    assert call.caller is None
    assert call.caller_hash is None


def test_a_changed_field_breaks_the_signature(carrier: Carrier, services: Services, company: Company) -> None:
    fields = carrier.call_fields()
    path = f"/voice/{company.number_ids[0].hex}"
    signature = sign(carrier.base_url + path, fields, company.auth_token)
    assert carrier.post("", fields | {"From": "+393470000000"}, signature=signature).status_code == 403
    assert calls_of(services, company.id) == []


def test_another_tenants_valid_signature_opens_nothing(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    stranger = make_company(services)
    refresh(desk)
    own = carrier.call_fields()
    theirs = own | {"AccountSid": stranger.account_sid}
    for fields in (own, theirs, theirs | {"To": stranger.numbers[0]}):
        assert carrier.post("", fields, token=stranger.auth_token).status_code == 403
    for company_id in (company.id, stranger.id):
        assert calls_of(services, company_id) == []


@pytest.mark.parametrize("hook", ["", "/fallback", "/dialed", "/status", "/leg", "/whisper"])
def test_another_account_with_the_same_token_is_not_the_numbers_account(
    hook: str, carrier: Carrier, company: Company, services: Services
) -> None:
    fields = carrier.call_fields(AccountSid="AC" + "0" * 32)
    assert carrier.post(hook, fields).status_code == 403
    assert calls_of(services, company.id) == []


@pytest.mark.parametrize("hook", ["", "/fallback", "/dialed", "/status", "/voicemail"])
def test_number_and_dialled_number_must_agree(
    hook: str, carrier: Carrier, company: Company, services: Services
) -> None:
    fields = carrier.call_fields(To=company.numbers[1], DialCallStatus="busy")
    assert carrier.post(hook, fields).status_code == 403
    assert carrier.post(hook, fields | {"AccountSid": "AC" + "0" * 32}).status_code == 403
    assert calls_of(services, company.id) == []


def test_the_dialled_number_finds_its_route(carrier: Carrier, company: Company, services: Services) -> None:
    answer = carrier.post_to("/voice/incoming", carrier.call_fields(To=company.numbers[2]))
    assert company.number_ids[2].hex in answer.get_data(as_text=True)
    (call,) = calls_of(services, company.id)
    assert call.number_id == company.number_ids[2]


@pytest.mark.parametrize("failed", ["dialed", f"step/{'a' * 32}.sales.r99.0.it-IT..1"])
def test_nobody_is_rung_again_at_the_fallback_after_a_talk(
    failed: str, carrier: Carrier, company: Company, services: Services
) -> None:
    """The address after the ring failed: the carrier asks the fallback, and tells how the ring ended."""
    sid, leg_sid = new_call_sid(), new_call_sid()
    carrier.post("", carrier.call_fields(sid))
    error = {
        "ErrorCode": "11205",
        "ErrorUrl": f"{carrier.base_url}/voice/{company.number_ids[0].hex}/{failed}",
    }
    talked = {
        "CallStatus": "in-progress", "DialCallStatus": "completed", "DialBridged": "true",
        "DialCallSid": leg_sid, "DialCallDuration": "95",
    }  # fmt: skip
    answer = carrier.post("/fallback", carrier.call_fields(sid, **error, **talked)).get_data(as_text=True)
    assert "<Hangup" in answer
    assert "<Dial" not in answer
    (call,) = calls_of(services, company.id)
    assert (call.is_bridged, call.talk_seconds, call.error_code) == (True, 95, 11205)


def test_nobody_who_heard_no_answer_is_left_alone_at_the_fallback(carrier: Carrier, company: Company) -> None:
    error = {"ErrorCode": "11200", "ErrorUrl": f"{carrier.base_url}/voice/{company.number_ids[0].hex}/dialed"}
    missed = {"CallStatus": "ringing", "DialCallStatus": "no-answer", "DialBridged": "false"}
    answer = carrier.post("/fallback", carrier.call_fields(**error, **missed)).get_data(as_text=True)
    assert "<Record" in answer, "what comes after the ring is due: the voicemail"
    gone = carrier.post("/fallback", carrier.call_fields(**error, **(missed | {"CallStatus": "no-answer"})))
    assert "<Hangup" in gone.get_data(as_text=True)


def test_an_applications_fallback_and_end_find_the_number_too(
    carrier: Carrier, company: Company, services: Services
) -> None:
    fields = carrier.call_fields(To=company.numbers[1])
    answer = carrier.post_to("/voice/incoming/fallback", fields | {"ErrorCode": "11200", "ErrorUrl": "x"})
    assert answer.status_code == 200
    assert company.target in answer.get_data(as_text=True)
    end = fields | {"CallStatus": "completed", "CallDuration": "42", "SequenceNumber": "0"}
    assert carrier.post_to("/voice/incoming/status", end).status_code == 204
    (call,) = calls_of(services, company.id)
    assert (call.number_id, call.duration_seconds) == (company.number_ids[1], 42)
    foreign = fields | {"To": fresh_e164()}
    assert carrier.post_to("/voice/incoming/status", foreign).status_code == 403


@pytest.mark.parametrize("safe", ["", "+390645550000"])
def test_an_unknown_number_is_answered_safely_and_written_down(
    safe: str, carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    with services.db.shared() as session:
        session.execute(
            update(CompanyRow).where(CompanyRow.id == company.id).values(settings={"safe_forward_to": safe})
        )
    refresh(desk)
    fields = carrier.call_fields(To=fresh_e164())
    answer = carrier.post_to("/voice/incoming", fields)
    assert answer.status_code == 200
    document = answer.get_data(as_text=True)
    assert "non è attivo" in document
    assert (f">{safe}</Number>" in document) == bool(safe)
    with services.db.shared() as session:
        row = session.scalars(select(UnknownCall).where(UnknownCall.call_sid == fields["CallSid"])).one()
    assert row.to_number == fields["To"]
    assert CALLER not in str(row.detail)
    assert calls_of(services, company.id) == []


def test_a_released_number_is_unknown_to_callers_but_still_reports(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    sid = new_call_sid()
    carrier.post("", carrier.call_fields(sid))
    with services.db.tenant(company.id) as session:
        session.execute(
            update(TrackingNumber).where(TrackingNumber.id == company.number_ids[0]).values(released_at=NOW)
        )
    refresh(desk)
    assert "non è attivo" in carrier.post("", carrier.call_fields()).get_data(as_text=True)
    carrier.post("/status", carrier.call_fields(sid, CallStatus="completed", CallDuration="3"))
    assert [call.status for call in calls_of(services, company.id)] == ["completed"]


def test_a_number_bought_this_moment_is_found(carrier: Carrier, services: Services) -> None:
    newcomer = make_company(services)
    fresh = Carrier(carrier.client, carrier.base_url, newcomer)
    time.sleep(AT_MOST_EVERY)  # Strangers must not make us ask the database all the time.
    assert newcomer.target in fresh.post("", fresh.call_fields()).get_data(as_text=True)


def test_too_large_and_garbled_bodies_are_refused(
    voice: FlaskClient, carrier: Carrier, company: Company
) -> None:
    path = f"/voice/{company.number_ids[0].hex}"
    form = "application/x-www-form-urlencoded"
    assert voice.post(path, data=b"a=" + b"x" * 70_000, content_type=form).status_code == 413
    assert voice.post(path, data=b"a=%FF%FE&\xff=1", content_type=form).status_code == 400
    assert (
        voice.post(path, data=b"&".join(b"a%d=1" % n for n in range(400)), content_type=form).status_code
        == 400
    )
    assert voice.post(path, json={"CallSid": "CA1"}).status_code == 403
    assert voice.post(path + "/nothing", data={}).status_code == 404


@pytest.mark.parametrize(
    "garbage",
    [{"CallSid": "no sid !"}, {"CallSid": ""}, {"SequenceNumber": "many"}, {"CallStatus": "odd"}],
)
def test_signed_garbage_still_connects_the_caller_but_a_report_is_refused(
    garbage: dict[str, str], carrier: Carrier, company: Company, services: Services
) -> None:
    answer = carrier.post("", carrier.call_fields() | garbage)
    assert answer.status_code == 200
    assert company.target in answer.get_data(as_text=True)
    assert carrier.post("/status", carrier.call_fields() | garbage).status_code == 400
    assert len(calls_of(services, company.id)) <= 1


def test_an_announcement_and_a_recording_notice_come_before_the_ringing(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    with services.db.tenant(company.id) as session:
        session.execute(update(Location).values(record=True, announcement=""))
    refresh(desk)
    document = carrier.post("", carrier.call_fields()).get_data(as_text=True)
    assert "può essere registrata" in document
    assert document.index("<Say") < document.index("<Dial")
    assert 'record="record-from-answer-dual"' in document


def test_the_whisper_names_the_visit_most_likely_behind_the_call(
    carrier: Carrier, company: Company, services: Services
) -> None:
    visit = make_visit(services, company, at=datetime.now(UTC) - timedelta(minutes=2))
    make_lease(services, company, visit, company.number_ids[0])
    fields = carrier.leg_fields(new_call_sid(), new_call_sid(), "in-progress", 0)
    document = carrier.post("/whisper", fields).get_data(as_text=True)
    assert "Chiamata da Google Ads, campagna traslochi roma." in document


def test_without_a_visit_the_whisper_stays_general(carrier: Carrier) -> None:
    fields = carrier.leg_fields(new_call_sid(), new_call_sid(), "in-progress", 0)
    assert "Chiamata dal sito." in carrier.post("/whisper", fields).get_data(as_text=True)


def test_a_static_number_whispers_its_own_source(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    with services.db.tenant(company.id) as session:
        session.execute(
            update(TrackingNumber)
            .where(TrackingNumber.id == company.number_ids[0])
            .values(kind="static", source="Manifesto Tiburtina", medium="billboard")
        )
        session.execute(update(Location).values(language="en-GB"))
    refresh(desk)
    fields = carrier.leg_fields(new_call_sid(), new_call_sid(), "in-progress", 0)
    assert "Call from Manifesto Tiburtina." in carrier.post("/whisper", fields).get_data(as_text=True)


def refresh(desk: Desk) -> None:
    """Bring the desk's routes up to the database."""
    desk.routes.refresh(5, gap=0)
