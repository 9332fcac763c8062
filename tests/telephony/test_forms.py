"""Twilio's forms become events: what each field means, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltrack.telephony.base import BadInput, CallEvent
from calltrack.telephony.events import KINDS
from calltrack.telephony.twilio import parse

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CALL, LEG, ACCOUNT = "CA" + "1" * 32, "CA" + "2" * 32, "AC" + "3" * 32
RECORDING = "RE" + "4" * 32
RINGING = {
    "CallSid": CALL,
    "AccountSid": ACCOUNT,
    "From": "+393331234567",
    "To": "+390687650001",
    "CallStatus": "ringing",
    "Direction": "inbound",
    "FromCity": "",
    "FromCountry": "IT",
    "ApiVersion": "2010-04-01",
}

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def form(**changes: str) -> dict[str, str]:
    return {**RINGING, **changes}


def test_an_incoming_call() -> None:
    event = parse("incoming", form(StirVerstat="TN-Validation-Passed-A", FromCity="ROMA"), NOON)
    assert event == CallEvent(
        kind="incoming",
        key=f"incoming:{CALL}",
        call_sid=CALL,
        account_sid=ACCOUNT,
        status="ringing",
        at=NOON,
        from_="+393331234567",
        to="+390687650001",
        caller_city="ROMA",
        caller_country="IT",
        stir="TN-Validation-Passed-A",
    )


@pytest.mark.parametrize(
    ("raw", "number", "withheld"),
    [
        ("+393331234567", "+393331234567", False),
        ("sip:+393331234567@pbx.example;transport=tls", "+393331234567", False),
        ("tel:+39-333-1234567", "+393331234567", False),
        ("anonymous", None, True),
        ("Restricted", None, True),
        ("", None, True),
        ("sip:anonymous@anonymous.invalid", None, True),
        ("+266696687", None, True),
        ("+86282452253", None, True),
        ("+8656696", None, True),
        ("+2562533", None, True),
        ("+7378742833", None, True),
        ("client:agent", None, False),
        ("3331234567", None, False),
        ("+0123456", None, False),
    ],
)
def test_who_calls(raw: str, number: str | None, withheld: bool) -> None:
    event = parse("incoming", form(From=raw), NOON)
    assert (event.from_, event.from_withheld) == (number, withheld)


@pytest.mark.parametrize(
    ("said", "status", "bridged", "talk"),
    [
        (
            {"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "181"},
            "completed",
            True,
            181,
        ),
        (
            {"DialCallStatus": "completed", "DialBridged": "false", "DialCallDuration": "22"},
            "completed",
            False,
            0,
        ),
        ({"DialCallStatus": "completed", "DialCallDuration": "22"}, "completed", None, None),
        ({"DialCallStatus": "no-answer", "DialBridged": "false"}, "no_answer", False, 0),
        ({"DialCallStatus": "busy", "DialBridged": "false"}, "busy", False, 0),
        ({"DialCallStatus": "answered", "DialBridged": "true"}, "completed", True, None),
    ],
)
def test_talk_counts_only_when_joined(
    said: dict[str, str], status: str, bridged: bool | None, talk: int | None
) -> None:
    event = parse("dialed", form(CallStatus="in-progress", DialCallSid=LEG, **said), NOON)
    assert (event.status, event.bridged, event.talk_seconds) == (status, bridged, talk)
    assert (event.call_sid, event.leg_sid, event.caller_gone) == (CALL, LEG, False)


def test_the_end_counts_seconds_and_the_carriers_own_time() -> None:
    ended = form(
        CallStatus="completed",
        CallDuration="49",
        Duration="1",
        SequenceNumber="0",
        Timestamp="Sun, 22 Nov 2026 11:58:00 +0000",
    )
    event = parse("ended", ended, NOON)
    assert (event.duration_seconds, event.sequence, event.at) == (49, 0, NOON - timedelta(minutes=2))
    assert event.is_final
    assert event.caller_gone
    assert event.key == f"ended:{CALL}:0"


@pytest.mark.parametrize("written", ["", "yesterday", "Sun, 99 Nov 2026 11:58:00 +0000"])
def test_an_unreadable_time_is_the_time_of_receipt(written: str) -> None:
    assert parse("ended", form(CallStatus="completed", Timestamp=written), NOON).at == NOON


def test_a_leg_belongs_to_its_call() -> None:
    leg = form(
        CallSid=LEG,
        ParentCallSid=CALL,
        CallStatus="busy",
        To="+390669940001",
        SipResponseCode="486",
        SequenceNumber="2",
    )
    event = parse("leg", leg, NOON)
    assert (event.call_sid, event.leg_sid, event.forwarded_to) == (CALL, LEG, "+390669940001")
    assert (event.status, event.sip_code, event.key) == ("busy", 486, f"leg:{LEG}:2")
    del leg["SequenceNumber"]
    assert parse("leg", leg, NOON).key == f"leg:{LEG}:busy"


def test_a_recording_and_a_voicemail() -> None:
    told = {
        "CallSid": CALL,
        "AccountSid": ACCOUNT,
        "RecordingSid": RECORDING,
        "RecordingUrl": "https://api.example/RE4",
        "RecordingStatus": "completed",
        "RecordingDuration": "17",
        "RecordingChannels": "2",
        "RecordingSource": "StartCallRecordingTwiML",
        "RecordingStartTime": "Sun, 22 Nov 2026 11:58:00 +0000",
    }
    event = parse("recording", told, NOON)
    assert (event.recording_seconds, event.recording_channels) == (17, 2)
    assert event.recording_started_at == NOON - timedelta(minutes=2)
    assert event.key == f"recording:{CALL}:{RECORDING}:completed"
    left = parse("voicemail", form(CallStatus="completed", Digits="hangup", **told), NOON)
    assert (left.digits, left.caller_gone, left.recording_status) == ("hangup", True, "completed")


def test_the_fallback_request_is_another_message() -> None:
    event = parse("incoming", form(ErrorCode="11200", ErrorUrl="https://a.example"), NOON)
    assert (event.error_code, event.key) == (11200, f"incoming:{CALL}:11200")


def test_a_word_we_do_not_know_does_not_cost_an_incoming_call() -> None:
    assert parse("incoming", form(CallStatus="pondering"), NOON).status == "ringing"


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("incoming", {"CallSid": ""}),
        ("incoming", {"AccountSid": ""}),
        ("incoming", {"CallSid": "CA1\x00"}),
        ("incoming", {"CallSid": "C" * 65}),
        ("ended", {"CallStatus": "pondering"}),
        ("ended", {"CallDuration": "-1"}),
        ("ended", {"CallDuration": "1.5"}),
        ("ended", {"CallDuration": "\u0661"}),
        ("ended", {"CallDuration": "9" * 10}),
        ("leg", {"SequenceNumber": "first"}),
        ("dialed", {}),
        ("other", {}),
    ],
)
def test_nonsense_is_refused_with_words(kind: str, wrong: dict[str, str]) -> None:
    with pytest.raises(BadInput) as refused:
        parse(kind, form(**wrong), NOON)  # type: ignore[arg-type]  # an unknown kind is one of the cases
    assert len(str(refused.value)) > 10


NAMES = [
    *RINGING,
    "ParentCallSid",
    "DialCallSid",
    "DialCallStatus",
    "DialBridged",
    "DialCallDuration",
    "Digits",
]
NAMES += ["CallDuration", "SequenceNumber", "Timestamp", "RecordingSid", "RecordingUrl", "RecordingStatus"]
NAMES += ["RecordingDuration", "RecordingStartTime", "ErrorCode", "SipResponseCode", "ForwardedFrom"]
VALUES = st.text() | st.sampled_from(
    [
        *RINGING.values(),
        "completed",
        "in-progress",
        "true",
        "5",
        LEG,
        "sip:@",
        "Sun, 22 Nov 2026 11:58:00 -0000",
    ]
)
DRAFTS = st.fixed_dictionaries(
    {"CallSid": st.just(CALL), "AccountSid": st.just(ACCOUNT)}, optional=dict.fromkeys(NAMES[3:], VALUES)
)


@UNHURRIED
@given(st.sampled_from(sorted(KINDS)), st.dictionaries(st.sampled_from(NAMES), VALUES) | DRAFTS)
def test_a_form_is_read_or_refused_and_survives_storing(kind: str, draft: dict[str, str]) -> None:
    try:
        event = parse(kind, draft, NOON)  # type: ignore[arg-type]  # one of the known kinds
    except BadInput:
        return
    stored = json.dumps(event.to_json())
    assert "\\u0000" not in stored
    assert CallEvent.from_json(json.loads(stored)) == event
    assert event.at.utcoffset() == timedelta(0)
    assert parse(kind, draft, NOON).key == event.key  # type: ignore[arg-type]  # as above


def test_a_stored_event_must_be_complete() -> None:
    plain = parse("incoming", RINGING, NOON).to_json()
    assert CallEvent.from_json({**plain, "added_later": 1}).call_sid == CALL
    for broken in ({}, {**plain, "status": "?"}, {k: v for k, v in plain.items() if k != "call_sid"}):
        with pytest.raises(BadInput):
            CallEvent.from_json(broken)


def test_times_need_a_zone() -> None:
    with pytest.raises(BadInput, match="time zone"):
        parse("incoming", RINGING, datetime(2026, 11, 22, 12, 0))
    east = datetime(2026, 11, 22, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    assert parse("incoming", RINGING, east).at == NOON
