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
from tests.examples import examples

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
    legs=(
        LegState(
            LEG,
            BUSINESS,
            "completed",
            181,
            started_at=START + timedelta(seconds=1),
            answered_at=START + timedelta(seconds=9),
            ended_at=START + timedelta(seconds=190),
            ring_seconds=8,
            is_joined=True,
        ),
    ),
    recordings=(RecordingState(RECORDING, "call", "completed", "https://carrier.test/RE3", 180),),
    answered_by=BUSINESS,
    hung_up_by="business",
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


@settings(max_examples=examples(300), deadline=None)
@given(retold(TALKED))
def test_any_order_and_any_repetition_lead_to_the_same_state(told: list[CallEvent]) -> None:
    assert fold(told) == WHOLE


PARTS = st.lists(st.sampled_from(TALKED), min_size=1, unique=True)


@settings(max_examples=examples(100), deadline=None)
@given(PARTS, st.randoms(use_true_random=False))
def test_what_is_missing_does_not_make_the_order_matter(told: list[CallEvent], chance: Any) -> None:
    shuffled = told * 2
    chance.shuffle(shuffled)
    assert fold(shuffled) == fold(told)


@settings(max_examples=examples(100), deadline=None)
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
    assert fold([DIALED]).legs == (LegState(LEG, "", "completed", None, is_joined=True),)


def through_a_flow(*extra: CallEvent) -> tuple[CallEvent, ...]:
    version = "0" * 31 + "7"
    first = event("incoming", "incoming", 0, path=("welcome", "menu"), goes_on=True, flow=version)
    key = event("key", "key:1", 9, status="in_progress", digits="1", step="menu", path=("menu=1", "sales"),
                goes_on=True, flow=version)  # fmt: skip
    talk = event("dialed", "dialed:1", 100, status="completed", leg_sid=LEG, talk_seconds=60, bridged=True,
                 step="sales", path=("survey",), goes_on=True, flow=version)  # fmt: skip
    survey = event("key", "key:2", 105, status="in_progress", digits="3", step="survey", path=("survey=3",),
                   goes_on=False, flow=version)  # fmt: skip
    return (first, key, talk, survey, *extra)


def test_the_way_through_a_flow_is_told_in_any_order() -> None:
    end = event("ended", "ended", 110, status="completed", sequence=0, duration_seconds=110)
    events = through_a_flow(end)
    expected = fold(events)
    assert expected.keys == ("1", "3")
    assert expected.flow_path == ("welcome", "menu", "menu=1", "sales", "survey", "survey=3")
    assert expected.flow_version == "0" * 31 + "7"
    assert (expected.outcome, expected.ended_at) == ("answered", end.at)
    for order in itertools.permutations(events):
        assert fold((*order, *order[:2])) == expected


def test_a_way_told_again_at_the_fallback_is_told_once() -> None:
    """Our first answer never arrived: the carrier asked the fallback, which began the same flow anew."""
    again = event(
        "incoming",
        "incoming:11205",
        2,
        error_code=11205,
        path=("welcome", "menu"),
        goes_on=True,
        flow="f" * 32,
    )
    whole = fold(through_a_flow())
    for told in itertools.permutations(through_a_flow(again)):
        assert fold(told).flow_path == whole.flow_path
        assert fold(told).flow_version == "f" * 32


def test_a_talk_with_a_survey_after_it_is_not_the_end_of_the_call() -> None:
    assert fold(through_a_flow()).ended_at is None
    gone = event("key", "key:3", 107, status="completed", caller_gone=True, step="survey", path=())
    assert fold(through_a_flow(gone)).ended_at == gone.at


@pytest.mark.parametrize(("goes_on", "outcome"), [(False, "missed"), (True, "abandoned")])
def test_a_flow_that_ends_a_call_missed_it_a_caller_who_leaves_gave_up(goes_on: bool, outcome: str) -> None:
    first = event("incoming", "incoming", 0, path=("hours",), goes_on=goes_on)
    end = event("ended", "ended", 20, status="completed", sequence=0, duration_seconds=20)
    assert fold((first, end)).outcome == outcome
