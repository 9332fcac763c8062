"""The fold: one state from all events, whatever their order and however often they came (I8)."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.calls.rules import CallState, LegState, RecordingState, fold
from calltrack.telephony.base import CallEvent
from tests.calls import stories
from tests.calls.stories import (
    ANSWERED,
    BUSINESS,
    CALLER,
    DIALED,
    ENDED,
    INCOMING,
    LEG,
    LEG_OVER,
    RECORDED,
    RECORDING,
    RINGING,
    START,
    TALKED,
    event,
    leg,
)

WHOLE = CallState(
    caller=CALLER,
    caller_city="Roma",
    caller_country="IT",
    status="completed",
    outcome="answered",
    started_at=START,
    answered_at=START + timedelta(seconds=9),
    ended_at=START + timedelta(seconds=191),
    ring_seconds=9,
    duration_seconds=191,
    talk_seconds=180,
    is_bridged=True,
    legs=(LegState(LEG, BUSINESS, "completed", 181),),
    recordings=(RecordingState(RECORDING, "call", "completed", "https://carrier.test/RE3", 180),),
)


def test_a_conversation_is_told_whole() -> None:
    assert fold(TALKED) == WHOLE


SIX = (INCOMING, RINGING, ANSWERED, DIALED, ENDED, RECORDED)


def test_every_order_of_six_events_leads_to_the_same_state() -> None:
    expected = fold(SIX)
    for order in itertools.permutations(SIX):
        assert fold(order) == expected


def retold(events: tuple[CallEvent, ...]) -> st.SearchStrategy[list[CallEvent]]:
    """Any order of the events, each told one to three times."""
    counts = st.lists(st.integers(1, 3), min_size=len(events), max_size=len(events))
    return counts.flatmap(
        lambda times: st.permutations([one for one, n in zip(events, times, strict=True) for _ in range(n)])
    )


@settings(max_examples=1500, deadline=None)
@given(retold(TALKED))
def test_any_order_and_any_repetition_lead_to_the_same_state(told: list[CallEvent]) -> None:
    assert fold(told) == WHOLE


PARTS = st.lists(st.sampled_from(TALKED), min_size=1, unique=True)


@settings(max_examples=500, deadline=None)
@given(PARTS, st.randoms(use_true_random=False))
def test_what_is_missing_does_not_make_the_order_matter(told: list[CallEvent], chance: Any) -> None:
    shuffled = told * 2
    chance.shuffle(shuffled)
    assert fold(shuffled) == fold(told)


@settings(max_examples=300, deadline=None)
@given(st.permutations(TALKED))
def test_a_call_that_is_over_never_lives_again(told: list[CallEvent]) -> None:
    over = False
    for count in range(1, len(told) + 1):
        state = fold(told[:count])
        assert not (over and state.ended_at is None)
        over = state.ended_at is not None


def dialed(status: str, **more: Any) -> CallEvent:
    return event("dialed", "dialed", 20, **({"status": status, "bridged": False, "talk_seconds": 0} | more))


def ended(status: str = "completed", **more: Any) -> CallEvent:
    given = {"key": "ended", "status": status, "sequence": 0, "duration_seconds": 30} | more
    return event("ended", str(given.pop("key")), 30, **given)


@pytest.mark.parametrize(
    ("events", "outcome", "status", "talk"),
    [
        ([dialed("completed", bridged=True, talk_seconds=180), ended()], "answered", "completed", 180),
        ([ANSWERED, dialed("completed"), ended()], "mailbox", "completed", 0),
        ([dialed("busy"), ended()], "busy", "completed", 0),
        ([dialed("no_answer"), ended()], "missed", "completed", 0),
        ([dialed("failed"), ended()], "failed", "completed", 0),
        ([dialed("no_answer", caller_gone=True), ended()], "abandoned", "completed", 0),
        ([dialed("canceled"), ended("canceled")], "abandoned", "canceled", 0),
        ([ended("no_answer")], "abandoned", "no_answer", 0),
        ([ended("failed")], "failed", "failed", 0),
        ([leg("3", 20, "busy", 2), ended("busy")], "busy", "busy", 0),
        ([leg("3", 20, "canceled", 2), ended()], "abandoned", "completed", 0),
        ([dialed("busy"), event("voicemail", "voicemail", 28)], "busy", "completed", 0),
        ([dialed("completed", bridged=True, talk_seconds=70)], "answered", "completed", 70),
    ],
)  # fmt: skip
def test_what_became_of_a_call(events: list[CallEvent], outcome: str, status: str, talk: int) -> None:
    state = fold([INCOMING, RINGING, *events] if len(events) > 1 else [INCOMING, *events])
    assert (state.outcome, state.status, state.talk_seconds) == (outcome, status, talk)


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([INCOMING], "ringing"),
        ([INCOMING, RINGING], "ringing"),
        ([RINGING], "ringing"),
        ([INCOMING, ANSWERED, RINGING], "in_progress"),
        ([INCOMING, dialed("busy")], "in_progress"),
        ([RECORDED], "in_progress"),
    ],
)
def test_a_call_that_lasts_has_no_outcome(events: list[CallEvent], status: str) -> None:
    state = fold(events)
    assert (state.status, state.outcome, state.ended_at) == (status, None, None)


def test_the_highest_sequence_wins_among_final_reports() -> None:
    first = ended(key="ended:1", sequence=1, status="busy", duration_seconds=1)
    last = ended(key="ended:2", sequence=2, duration_seconds=40)
    for told in ([first, last], [last, first]):
        state = fold([INCOMING, *told])
        assert (state.status, state.duration_seconds) == ("completed", 40)


def test_without_the_first_event_the_others_tell_when_it_began() -> None:
    assert fold([ENDED]).started_at == START
    assert fold([ANSWERED, ENDED]).started_at == START
    assert fold([LEG_OVER]).started_at == START + timedelta(seconds=9)


def test_talk_that_was_not_told_is_the_legs() -> None:
    untold = event("dialed", "dialed", 190, status="completed", leg_sid=LEG, bridged=True)
    assert fold([INCOMING, untold, LEG_OVER]).talk_seconds == 181
    assert fold([INCOMING, untold]).talk_seconds == 0


def test_a_withheld_caller_stays_nobody() -> None:
    hidden = event("incoming", "incoming", 0, from_=None, from_withheld=True)
    assert fold([hidden, ended(from_=None, from_withheld=True)]).caller is None


def test_the_number_shown_to_the_business_is_not_the_caller() -> None:
    assert fold([leg("1", 1, "ringing", 1, from_=stories.NUMBER)]).caller is None


def test_times_never_run_backwards() -> None:
    state = fold([INCOMING, event("ended", "ended", -5, status="completed", sequence=0)])
    assert state.ended_at == state.started_at


def test_no_event_is_no_call() -> None:
    with pytest.raises(ValueError, match="no state"):
        fold([])


def test_a_dial_report_makes_a_leg_nobody_reported() -> None:
    assert fold([DIALED]).legs == (LegState(LEG, "", "completed", None),)
