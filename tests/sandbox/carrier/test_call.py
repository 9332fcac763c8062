"""Calls played over real sockets: who rings, who talks, what is asked and told."""

from __future__ import annotations

from typing import Any

import pytest

from calltrack.sandbox.carrier import CallJournal, CallScript, LegScript, Switches, play
from tests.sandbox.carrier.hooks import MOBILE, OFFICE, SCREEN, TOKEN, TRACKING, Hooks, dial

CALLER = "+393331234567"


def call(hooks: Hooks, number: dict[str, Any] | None = None, **script: Any) -> CallJournal:
    return play(
        CallScript(from_=script.pop("from_", CALLER), to=TRACKING, **script),
        hooks.number(**(number or {})),
        TOKEN,
    )


def legs(hooks: Hooks) -> list[str]:
    return [fields["CallStatus"] for fields in hooks.of("leg")]


def test_an_answered_call(hooks: Hooks) -> None:
    journal = call(hooks, talk_seconds=180)
    assert (journal.result, journal.connected, journal.rang) == ("talked", True, [OFFICE])
    assert journal.whispered == ["Call from Google Ads"]
    assert journal.heard == []
    [asked] = hooks.of("voice")
    assert (asked["CallStatus"], asked["From"], asked["To"]) == ("ringing", CALLER, TRACKING)
    assert legs(hooks) == ["initiated", "ringing", "in-progress", "completed"]
    [action] = hooks.of("dialed")
    assert (action["DialCallStatus"], action["DialBridged"]) == ("completed", "true")
    assert action["DialCallDuration"] == "181", "the whisper of 1 s counts"
    assert action["CallStatus"] == "in-progress"
    [ended] = hooks.of("status")
    assert (ended["CallStatus"], ended["CallDuration"], ended["Duration"]) == ("completed", "180", "3")
    assert journal.final_status == "completed"
    assert journal.answered_after is not None


def test_the_whisper_may_not_count(hooks: Hooks) -> None:
    call(hooks, talk_seconds=59, switches=Switches(dial_duration_includes_whisper=False))
    assert hooks.of("dialed")[0]["DialCallDuration"] == "59"


def test_a_declined_call_reaches_the_voicemail(hooks: Hooks) -> None:
    journal = call(hooks, outcome="declined", voicemail_seconds=12)
    assert journal.result == "voicemail"
    [action] = hooks.of("dialed")
    assert (action["DialCallStatus"], action["DialBridged"]) == ("completed", "false")
    [left] = hooks.of("voicemail")
    assert (left["RecordingDuration"], left["Digits"], left["CallStatus"]) == ("12", "hangup", "completed")
    [recording] = hooks.of("recording")
    assert recording["RecordingSource"] == "RecordVerb"
    assert recording["RecordingSid"] == left["RecordingSid"]


@pytest.mark.parametrize("screened", [True, False])
def test_a_mailbox_that_picks_up_is_not_a_person(hooks: Hooks, screened: bool) -> None:
    if screened:
        hooks.says("whisper", SCREEN)
    journal = call(hooks, outcome="mailbox")
    assert (journal.result, journal.bridged) == ("missed", False)
    assert hooks.of("accept") == []
    [action] = hooks.of("dialed")
    assert (action["DialCallStatus"], action["DialBridged"]) == ("completed", "false")
    assert int(action["DialCallDuration"]) > 0


def test_an_unscreened_mailbox_may_count_as_joined(hooks: Hooks) -> None:
    call(hooks, outcome="mailbox", switches=Switches(mailbox_is_bridged=True))
    assert hooks.of("dialed")[0]["DialBridged"] == "true"


@pytest.mark.parametrize(
    ("key", "bridged"), [("1", "true"), ("2", "false"), (None, "false"), ("hangup", "false")]
)
def test_a_screened_call_needs_the_key(hooks: Hooks, key: str | None, bridged: str) -> None:
    from flask import request

    hooks.says("whisper", SCREEN)
    hooks.answers["accept"] = lambda: (
        "<Response/>" if request.form["Digits"] == "1" else "<Response><Hangup/></Response>",
        {"Content-Type": "text/xml"},
    )
    call(hooks, legs={OFFICE: LegScript(whisper=key)})
    assert hooks.of("dialed")[0]["DialBridged"] == bridged


@pytest.mark.parametrize(
    ("outcome", "status", "sip"),
    [("busy", "busy", "486"), ("failed", "failed", "503"), ("no-answer", "no-answer", "487")],
)
def test_nobody_is_reached(hooks: Hooks, outcome: Any, status: str, sip: str) -> None:
    journal = call(hooks, outcome=outcome)
    assert (journal.result, journal.connected) == ("missed", True)
    assert journal.heard == ["Leave a message"]
    [action] = hooks.of("dialed")
    assert (action["DialCallStatus"], action["DialBridged"]) == (status, "false")
    assert "DialCallDuration" not in action
    assert hooks.of("leg")[-1]["SipResponseCode"] == sip
    assert hooks.of("whisper") == []


@pytest.mark.parametrize("posted", [True, False])
def test_the_caller_hangs_up_while_it_rings(hooks: Hooks, posted: bool) -> None:
    switches = Switches(action_after_caller_hangup=posted)
    journal = call(hooks, outcome="caller-hangs-up", switches=switches)
    assert journal.result == "gone"
    assert journal.heard == [], "the answer of the action is not heard"
    assert [fields["CallStatus"] for fields in hooks.of("dialed")] == (["no-answer"] if posted else [])
    assert legs(hooks)[-1] == "canceled"
    assert hooks.of("status")[0]["CallStatus"] == "no-answer"


def test_the_caller_ends_the_talk(hooks: Hooks) -> None:
    call(hooks, hangs_up="caller")
    [action] = hooks.of("dialed")
    assert (action["CallStatus"], action["DialBridged"]) == ("completed", "true")


def test_the_first_to_answer_wins(hooks: Hooks) -> None:
    hooks.says("voice", dial("", OFFICE, MOBILE, base=hooks.base))
    journal = call(hooks, legs={OFFICE: LegScript(ring_seconds=9), MOBILE: LegScript(ring_seconds=3)})
    assert journal.rang == [OFFICE, MOBILE]
    last = {fields["To"]: fields["CallStatus"] for fields in hooks.of("leg")}
    assert last == {OFFICE: "canceled", MOBILE: "completed"}
    winner = next(fields for fields in hooks.of("leg") if fields["To"] == MOBILE)
    assert hooks.of("dialed")[0]["DialCallSid"] == winner["CallSid"]


def test_the_others_may_go_on_ringing_during_a_whisper(hooks: Hooks) -> None:
    hooks.says("voice", dial("", OFFICE, MOBILE, base=hooks.base))
    people = {OFFICE: LegScript(result="mailbox", ring_seconds=3), MOBILE: LegScript(ring_seconds=9)}
    assert not call(hooks, legs=people).bridged
    assert call(hooks, legs=people, switches=Switches(others_ring_during_whisper=True)).bridged


def test_one_after_the_other(hooks: Hooks) -> None:
    hooks.says("voice", dial('sequential="true"', OFFICE, MOBILE, base=hooks.base))
    journal = call(hooks, legs={OFFICE: LegScript(result="busy"), MOBILE: LegScript()})
    assert (journal.rang, journal.bridged) == ([OFFICE, MOBILE], True)
    assert legs(hooks)[:2] == ["initiated", "ringing"]
    assert legs(hooks)[2:] == ["initiated", "ringing", "in-progress", "busy", "completed"]


def test_the_action_may_come_before_the_end_of_the_leg(hooks: Hooks) -> None:
    call(hooks)
    assert [name for name, _, _ in hooks.asked][-3:] == ["leg", "dialed", "status"]
    hooks.asked.clear()
    call(hooks, switches=Switches(action_before_leg_completed=True))
    assert [name for name, _, _ in hooks.asked][-3:] == ["dialed", "leg", "status"]


@pytest.mark.parametrize("order", ["shuffled", "reversed"])
def test_reports_come_in_any_order_and_twice(hooks: Hooks, order: Any) -> None:
    call(hooks, order=order, duplicates=1.0, seed=5)
    said = legs(hooks)
    assert sorted(said) == sorted(["initiated", "ringing", "in-progress", "completed"] * 2)
    assert said != [word for word in ("initiated", "ringing", "in-progress", "completed") for _ in (1, 2)]
    assert len(hooks.of("status")) == 2
    assert len(hooks.of("voice")) == len(hooks.of("dialed")) == 1
    same = {tuple(sorted(fields.items())) for fields in hooks.of("leg")}
    assert len(same) == 4, "a repetition is the same message, byte by byte"


def test_reports_get_lost(hooks: Hooks) -> None:
    journal = call(hooks, drop=1.0)
    assert hooks.of("leg") == hooks.of("status") == []
    assert sum("Lost on the way" in entry.text for entry in journal.entries) == 5
    call(hooks, lose_end=True)
    assert len(hooks.of("leg")) == 4
    assert hooks.of("status") == []


def test_a_recording_is_told_late(hooks: Hooks) -> None:
    hooks.says(
        "voice",
        dial('record="record-from-answer-dual" recordingStatusCallback="/v/recording"', base=hooks.base),
    )
    call(hooks, recording_delay=86_400)
    [recording] = hooks.of("recording")
    assert (recording["RecordingChannels"], recording["RecordingDuration"]) == ("2", "180")
    assert hooks.of("dialed")[0]["RecordingSid"] == recording["RecordingSid"]
    assert [name for name, _, _ in hooks.asked][-1] == "recording"


def test_a_withheld_number_and_a_get_hook(hooks: Hooks) -> None:
    journal = call(hooks, {"voice_method": "GET"}, from_="anonymous")
    assert journal.bridged
    assert hooks.asked[0][:2] == ("voice", "GET")
    assert hooks.asked[0][2]["From"] == "anonymous"


def test_words_keys_and_rejection(hooks: Hooks) -> None:
    hooks.says(
        "voice", '<Response><Gather numDigits="1" action="/v/menu"><Say>1 or 2</Say></Gather></Response>'
    )
    hooks.says("menu", "<Response><Redirect>/v/last</Redirect></Response>")
    hooks.says("last", "<Response><Pause/><Say>Bye</Say></Response>")
    journal = call(hooks, digits=("2#",))
    assert journal.heard == ["1 or 2", "Bye"]
    assert (hooks.of("menu")[0]["Digits"], hooks.of("menu")[0]["FinishedOnKey"]) == ("2", "#")
    assert (journal.connected, journal.result) == (False, "missed")
    assert call(hooks).heard == ["1 or 2"], "without a key the document simply ends"
    hooks.says("voice", '<Response><Reject reason="busy"/></Response>')
    assert (call(hooks).result, hooks.of("status")[-1]["CallStatus"]) == ("rejected", "busy")


def test_documents_that_lead_to_each_other_end(hooks: Hooks) -> None:
    hooks.says("voice", "<Response><Redirect>/v/voice</Redirect></Response>")
    journal = call(hooks)
    assert len(hooks.of("voice")) == 51
    assert any("lead to each other" in entry.text for entry in journal.entries)


def test_the_clock_of_the_call_is_told(hooks: Hooks) -> None:
    from datetime import UTC, datetime

    call(hooks, at=datetime(2026, 1, 5, 9, 0, tzinfo=UTC), talk_seconds=60, ring_seconds=6)
    assert hooks.of("leg")[0]["Timestamp"] == "Mon, 05 Jan 2026 09:00:00 +0000"
    assert hooks.of("status")[0]["Timestamp"] == "Mon, 05 Jan 2026 09:01:07 +0000"
    call(hooks, at=datetime(2026, 1, 5, 9, 0, tzinfo=UTC), timestamps="wall")
    assert "2026 09:0" not in hooks.of("status")[1]["Timestamp"]


def test_compressed_time_takes_its_share(hooks: Hooks) -> None:
    journal = call(hooks, speed=100, ring_seconds=6, talk_seconds=60, recording_delay=0)
    assert 0.6 < journal.seconds_total < 5
    assert sorted(legs(hooks)) == ["completed", "in-progress", "initiated", "ringing"]


@pytest.mark.parametrize(
    "wrong",
    [{"outcome": "exploded"}, {"speed": -1}, {"duplicates": 1.5}, {"talk_seconds": -1}],
)
def test_a_script_that_makes_no_sense_cannot_be_written(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        CallScript(from_=CALLER, to=TRACKING, **wrong)
