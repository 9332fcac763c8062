"""The simulator sends at least the fields that real requests were seen to carry, of the same shape.

Sources: Twilio's documentation, and real requests published in public code (facts about them, not copies).
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from calltrack.sandbox.carrier import CallScript, play
from tests.sandbox.carrier.hooks import TOKEN, TRACKING, Hooks, dial

PLACES = [
    f"{party}{place}"
    for party in ("From", "To", "Caller", "Called")
    for place in ("City", "State", "Zip", "Country")
]
SHAPES = {
    "CallSid": r"CA[0-9a-f]{32}",
    "ParentCallSid": r"CA[0-9a-f]{32}",
    "DialCallSid": r"CA[0-9a-f]{32}",
    "AccountSid": r"AC[0-9a-f]{32}",
    "RecordingSid": r"RE[0-9a-f]{32}",
    "ApiVersion": r"2010-04-01",
    "Direction": r"inbound|outbound-dial",
    "CallStatus": r"initiated|ringing|in-progress|completed|busy|no-answer|failed|canceled",
    "DialCallStatus": r"completed|busy|no-answer|failed",
    "DialBridged": r"true|false",
    "Timestamp": r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} \+0000",
    "RecordingStartTime": r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} \+0000",
    "CallbackSource": r"call-progress-events",
    "RecordingUrl": r"https://\S+/Recordings/RE[0-9a-f]{32}",
    "RecordingStatus": r"completed",
    "Digits": r"[0-9*#]*|hangup",
    **dict.fromkeys(
        (
            "CallDuration",
            "Duration",
            "DialCallDuration",
            "SequenceNumber",
            "SipResponseCode",
            "RecordingDuration",
            "RecordingChannels",
        ),
        r"[0-9]+",
    ),
}
CALL = [
    "CallSid",
    "AccountSid",
    "ApiVersion",
    "CallStatus",
    "Direction",
    "From",
    "To",
    "Caller",
    "Called",
    *PLACES,
]
PROGRESS = [*CALL, "Timestamp", "CallbackSource", "SequenceNumber"]
DONE = [*PROGRESS, "CallDuration", "Duration"]
DIALED = [*CALL, "DialCallSid", "DialCallStatus", "DialBridged"]
RECORDED = ["RecordingUrl", "RecordingSid", "RecordingDuration"]
GOLDEN: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "a voice request": ("voice", {}, CALL),
    "an action after an answer": ("dialed", {}, [*DIALED, "DialCallDuration", *RECORDED]),
    "an action after no answer": ("dialed", {"outcome": "no-answer"}, DIALED),
    "a whisper": ("whisper", {}, [*CALL, "ParentCallSid"]),
    "a leg that ended": ("leg", {"order": "reversed"}, [*DONE, "ParentCallSid"]),
    "a busy leg": ("leg", {"order": "reversed", "outcome": "busy"}, [*DONE, "SipResponseCode"]),
    "a leg that begins": ("leg", {}, [*PROGRESS, "ParentCallSid"]),
    "the end of a call": ("status", {}, DONE),
    "a recording": (
        "recording",
        {},
        [
            *("AccountSid", "CallSid", "RecordingStatus", "RecordingChannels", "RecordingSource"),
            "ErrorCode",
            *RECORDED,
        ],
    ),
    "a voicemail": ("voicemail", {"outcome": "busy", "voicemail_seconds": 9}, [*CALL, "Digits", *RECORDED]),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_requests_carry_what_real_ones_do(hooks: Hooks, name: str) -> None:
    hook, script, keys = GOLDEN[name]
    record = 'record="record-from-answer" recordingStatusCallback="/v/recording"'
    hooks.says("voice", dial(record, base=hooks.base))
    play(CallScript(from_="+393331234567", to=TRACKING, **script), hooks.number(), TOKEN)
    fields = hooks.of(hook)[0]
    assert set(keys) <= set(fields), f"missing: {sorted(set(keys) - set(fields))}"
    for field, value in fields.items():
        assert re.fullmatch(SHAPES.get(field, ".*"), value), f"{field}={value!r}"


def test_an_unanswered_dial_tells_no_duration(hooks: Hooks) -> None:
    play(CallScript(from_="+393331234567", to=TRACKING, outcome="no-answer"), hooks.number(), TOKEN)
    assert "DialCallDuration" not in hooks.of("dialed")[0]


def test_empty_fields_are_sent(hooks: Hooks) -> None:
    play(CallScript(from_="+393331234567", to=TRACKING), hooks.number(), TOKEN)
    [fields] = hooks.of("voice")
    assert (fields["FromCity"], fields["FromCountry"]) == ("", "IT")
