"""Conferences, and callers who are passed on: by the business's telephone system, or by an order of ours."""

from __future__ import annotations

from typing import Any

import pytest

from calltrack.sandbox.carrier import CallJournal, CallScript, LegScript, RoomScript, Switches, play
from tests.sandbox.carrier.hooks import MOBILE, OFFICE, TOKEN, TRACKING, Hooks, dial

EVENTS = ("conference-start", "conference-end", "participant-join", "participant-leave")


def call(hooks: Hooks, **script: Any) -> CallJournal:
    return play(CallScript(from_="+393331234567", to=TRACKING, **script), hooks.number(), TOKEN)


def into_room(hooks: Hooks, attributes: str = "", of_room: str = "") -> None:
    hooks.says(
        "voice",
        f'<Response><Dial action="/v/after" {attributes}><Conference {of_room} statusCallback="/v/room" '
        'statusCallbackEvent="start end join leave" recordingStatusCallback="/v/recording">sales</Conference>'
        "</Dial></Response>",
    )
    hooks.says("after", "<Response><Say>Goodbye</Say><Hangup/></Response>")


def told(hooks: Hooks) -> list[str]:
    return [fields["StatusCallbackEvent"] for fields in hooks.of("room")]


def test_a_caller_waits_in_a_conference_talks_and_goes_on_when_the_other_leaves(hooks: Hooks) -> None:
    into_room(hooks)
    journal = call(hooks, talk_seconds=90, room=RoomScript(joined_after=20))
    assert (journal.result, journal.talk_seconds, journal.heard) == ("talked", 90, ["Goodbye"])
    assert told(hooks) == [
        "participant-join", "participant-join", "conference-start", "participant-leave", "participant-leave",
        "conference-end",
    ]  # fmt: skip
    rooms = hooks.of("room")
    assert {fields["ConferenceSid"] for fields in rooms} == {rooms[0]["ConferenceSid"]}
    assert rooms[0]["ConferenceSid"].startswith("CF")
    assert rooms[0]["CallSid"] == journal.call_sid
    assert rooms[-1]["ReasonConferenceEnded"] == "participant-with-end-conference-on-exit-left"
    assert [fields["SequenceNumber"] for fields in rooms] == [str(number) for number in range(6)]
    (after,) = hooks.of("after")
    assert after["DialCallStatus"] == "answered"
    assert not {"DialCallSid", "DialCallDuration", "DialBridged"} & set(after)
    assert journal.final_status == "completed"


def test_a_caller_who_waits_in_vain_or_leaves_first(hooks: Hooks) -> None:
    into_room(hooks)
    alone = call(hooks, room=RoomScript(joined_after=None, patience=30))
    assert (alone.bridged, alone.talk_seconds, alone.heard) == (False, 0, [])
    assert told(hooks) == ["participant-join", "participant-leave", "conference-end"]
    gone = call(hooks, outcome="caller-hangs-up", ring_seconds=4, room=RoomScript(joined_after=10))
    assert (gone.bridged, gone.result) == (False, "gone")
    first = call(hooks, hangs_up="caller", talk_seconds=15)
    assert (first.talk_seconds, first.heard) == (15, [])
    stays = call(hooks, talk_seconds=15, room=RoomScript(ends_with_other=False, patience=40))
    assert (stays.talk_seconds, stays.heard) == (15, [])


def test_star_and_the_time_limit_end_it_for_the_caller_who_goes_on(hooks: Hooks) -> None:
    into_room(hooks, 'hangupOnStar="true" timeLimit="60"', 'endConferenceOnExit="true"')
    limited = call(hooks, talk_seconds=300)
    assert (limited.talk_seconds, limited.heard) == (60, ["Goodbye"])
    starred = call(hooks, talk_seconds=300, star_after=12)
    assert (starred.talk_seconds, starred.heard) == (12, ["Goodbye"])


def test_its_recording_belongs_to_the_conference(hooks: Hooks) -> None:
    into_room(hooks, of_room='record="record-from-start"')
    call(hooks, talk_seconds=30, room=RoomScript(joined_after=10))
    (recorded,) = hooks.of("recording")
    assert recorded["RecordingSource"] == "Conference"
    assert (recorded["RecordingChannels"], recorded["RecordingDuration"]) == ("1", "40")
    assert recorded["ConferenceSid"] == hooks.of("room")[0]["ConferenceSid"]
    assert "CallSid" not in recorded


@pytest.mark.parametrize("order", ["shuffled", "reversed"])
def test_its_events_come_in_any_order_and_twice(hooks: Hooks, order: str) -> None:
    into_room(hooks)
    call(hooks, order=order, duplicates=1.0, seed=3)
    assert len(told(hooks)) == 12
    assert set(told(hooks)) == set(EVENTS)


def passes_on(hooks: Hooks, attributes: str = 'referUrl="/v/refer"') -> None:
    hooks.says("voice", dial(attributes, base=hooks.base))
    hooks.says("refer", f'<Response><Dial action="/v/after">{MOBILE}</Dial></Response>')
    hooks.says("after", "<Response><Say>Goodbye</Say></Response>")


@pytest.mark.parametrize("action", [False, True])
def test_the_business_passes_the_caller_on(hooks: Hooks, action: bool) -> None:
    passes_on(hooks)
    office = LegScript(refers_to="sip:colleague@pbx.example", refers_after=40)
    journal = call(
        hooks, legs={OFFICE: office, MOBILE: LegScript(talk_seconds=100)},
        switches=Switches(action_after_refer=action),
    )  # fmt: skip
    assert journal.rang == [OFFICE, MOBILE]
    assert journal.talk_seconds == 140
    (asked,) = hooks.of("refer")
    assert asked["ReferTransferTarget"] == "sip:colleague@pbx.example"
    assert asked["CallSid"] == journal.call_sid
    assert len(hooks.of("dialed")) == int(action)
    assert [fields["CallStatus"] for fields in hooks.of("leg")][-1] == "completed"


def test_nobody_is_passed_on_where_the_document_does_not_allow_it(hooks: Hooks) -> None:
    passes_on(hooks, "")
    journal = call(hooks, legs={OFFICE: LegScript(refers_to="sip:x@pbx.example", talk_seconds=90)})
    assert (journal.rang, journal.talk_seconds, hooks.of("refer")) == ([OFFICE], 90, [])
    assert any("13802" in entry.text for entry in journal.entries)


def test_a_later_document_that_cannot_be_had_turns_to_the_fallback_or_ends(hooks: Hooks) -> None:
    hooks.says("dialed", "", 500)
    hooks.says("fallback", "<Response><Say>Sorry</Say></Response>")
    asked = call(hooks, outcome="no-answer")
    assert (asked.via_fallback, asked.heard) == (True, ["Sorry"])
    ended = call(hooks, outcome="no-answer", switches=Switches(action_failure="ends"))
    assert (ended.via_fallback, ended.result) == (False, "error")


def test_an_unjoined_leg_need_not_be_named_and_progress_may_be_told(hooks: Hooks) -> None:
    switches = Switches(unjoined_leg_is_named=False, progress_is_reported=True)
    call(hooks, outcome="busy", switches=switches)
    assert "DialCallSid" not in hooks.of("dialed")[0]
    assert [fields["CallStatus"] for fields in hooks.of("status")] == ["ringing", "in-progress", "completed"]
    hooks.asked.clear()
    call(hooks, switches=switches)
    assert "DialCallSid" in hooks.of("dialed")[0]
    assert [fields["SequenceNumber"] for fields in hooks.of("status")] == ["0", "1", "2"]
