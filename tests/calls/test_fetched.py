"""The carrier's own records beside its reports: any mixture of the two in any order makes the same rows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.calls.rules import CallState, fold
from calltrack.telephony.carrier_calls import CarrierCall, CarrierRecording
from calltrack.telephony.events import CallEvent
from calltrack.telephony.fetched import fetched_call, fetched_recording, looked_up, unknown_call
from tests.calls.stories import (
    BUSINESS,
    CALLER,
    DIALED,
    ENDED,
    INCOMING,
    LEG,
    NUMBER,
    RECORDING,
    SID,
    START,
    TALKED,
    event,
)
from tests.examples import examples


def seconds(count: float) -> Any:
    return START + timedelta(seconds=count)


def record(**more: Any) -> CallEvent:
    """The carrier's record of the caller's leg of the told story."""
    given: dict[str, Any] = {
        "sid": SID, "from_": CALLER, "to": NUMBER, "status": "completed", "direction": "inbound",
        "started_at": START, "ended_at": seconds(191), "seconds": 191, "stir": "TN-Validation-Passed-A",
    }  # fmt: skip
    return fetched_call(CarrierCall(**(given | more)), "AC1", seconds(300))


def leg_record(**more: Any) -> CallEvent:
    """The carrier's record of the leg to the business of the told story."""
    given: dict[str, Any] = {
        "sid": LEG, "parent_sid": SID, "from_": CALLER, "to": BUSINESS, "status": "completed",
        "direction": "outbound_dial", "started_at": seconds(1), "ended_at": seconds(190), "seconds": 181,
    }  # fmt: skip
    return fetched_call(CarrierCall(**(given | more)), "AC1", seconds(300))


SOUND = fetched_recording(
    CarrierRecording(
        sid=RECORDING, call_sid=SID, status="completed", seconds=180, channels=2, source="DialVerb",
        started_at=seconds(10),
    ),
    "AC1", NUMBER, seconds(300),
)  # fmt: skip
PRICED = record(price=Decimal("0.0255"), currency="USD")
PRICED_LEG = leg_record(price=Decimal("0.0560"), currency="USD")
MOBILE = looked_up(SID, "AC1", NUMBER, "mobile", seconds(2))
FETCHED = (record(), leg_record(), PRICED, PRICED_LEG, SOUND, MOBILE)
EVERYTHING = (*TALKED, *FETCHED)
WHOLE = fold(EVERYTHING)


def test_the_records_add_price_verdict_and_line_to_the_reports() -> None:
    told = fold(TALKED)
    assert replace(
        WHOLE, stir="", price_micros=None, price_currency="", line_type="", recordings=(),
        legs=(replace(WHOLE.legs[0], price_micros=None, price_currency=""),),
    ) == replace(told, recordings=())  # fmt: skip
    assert (WHOLE.stir, WHOLE.line_type) == ("TN-Validation-Passed-A", "mobile")
    assert (WHOLE.price_micros, WHOLE.price_currency) == (25_500, "USD")
    assert (WHOLE.legs[0].price_micros, WHOLE.legs[0].price_currency) == (56_000, "USD")
    assert (WHOLE.recordings[0].channels, WHOLE.recordings[0].seconds) == (2, 180)


@settings(max_examples=examples(300), deadline=None)
@given(st.permutations(EVERYTHING), st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_hooks_and_polls_is_one_state(told: list[CallEvent], chance: Any) -> None:
    again = [*told, *chance.sample(told, chance.randrange(len(told)))]
    chance.shuffle(again)
    assert fold(again) == WHOLE


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.sampled_from(EVERYTHING), min_size=1, unique=True), st.randoms(use_true_random=False))
def test_whatever_is_missing_the_order_does_not_matter(told: list[CallEvent], chance: Any) -> None:
    shuffled = told * 2
    chance.shuffle(shuffled)
    assert fold(shuffled) == fold(told)


def story(state: CallState) -> tuple[Any, ...]:
    return (
        state.caller, state.status, state.outcome, state.started_at, state.answered_at, state.ended_at,
        state.talk_seconds, state.is_bridged, state.answered_by, state.ring_seconds, state.price_micros,
    )  # fmt: skip


@settings(max_examples=examples(100), deadline=None)
@given(st.sets(st.sampled_from([one for one in TALKED if one is not DIALED])))
def test_what_was_lost_on_the_way_is_in_the_records(lost: set[CallEvent]) -> None:
    """Every report but that of the ringing may be lost: what people see of the call is the same."""
    kept = [one for one in TALKED if one not in lost]
    assert story(fold([*kept, *FETCHED])) == story(WHOLE)


def test_without_any_report_the_records_tell_who_talked() -> None:
    state = fold([PRICED, PRICED_LEG])
    assert (state.outcome, state.is_bridged, state.talk_seconds) == ("answered", True, 181)
    assert (state.answered_by, state.hung_up_by) == (BUSINESS, "unknown")
    assert (state.started_at, state.ended_at) == (START, seconds(191))


@pytest.mark.parametrize(
    ("leg", "outcome"),
    [
        (leg_record(ended_at=seconds(160), seconds=9), "mailbox"),
        (leg_record(status="busy", ended_at=seconds(3), seconds=None), "busy"),
        (leg_record(status="no_answer", ended_at=seconds(24), seconds=None), "missed"),
        (leg_record(status="failed", ended_at=seconds(3), seconds=None), "failed"),
        (leg_record(status="canceled", ended_at=seconds(191), seconds=None), "abandoned"),
    ],
)
def test_a_phone_that_was_put_down_before_the_caller_joined_nobody(leg: CallEvent, outcome: str) -> None:
    state = fold([record(), leg])
    assert (state.outcome, state.is_bridged, state.talk_seconds) == (outcome, False, 0)
    assert state.legs[0].seconds == (9 if outcome == "mailbox" else 0)


def test_a_report_of_the_ringing_is_believed_before_the_records() -> None:
    mailbox = replace(DIALED, bridged=False, talk_seconds=0)
    assert fold([INCOMING, mailbox, ENDED, *FETCHED]).outcome == "mailbox"


def test_a_record_of_a_call_that_goes_on_ends_nothing() -> None:
    state = fold([INCOMING, record(status="in_progress", ended_at=None, seconds=None)])
    assert (state.status, state.ended_at, state.outcome) == ("in_progress", None, None)


def test_a_call_the_carrier_does_not_know_has_failed() -> None:
    state = fold([INCOMING, unknown_call(SID, "AC1", NUMBER, seconds(14_400))])
    assert (state.status, state.outcome, state.ended_at) == ("failed", "failed", seconds(14_400))
    assert fold([INCOMING, ENDED, unknown_call(SID, "AC1", NUMBER, seconds(14_400))]).status == "completed"


@pytest.mark.parametrize("word", ["anonymous", "+266696687", "Restricted", ""])
def test_a_withheld_caller_of_a_record_is_nobody(word: str) -> None:
    state = fold([record(from_=word), leg_record()])
    assert state.caller is None


def test_the_dearer_of_two_prices_stands_in_any_order() -> None:
    cheap = record(price=Decimal("0.0085"), currency="USD")
    for told in ([cheap, PRICED], [PRICED, cheap]):
        assert fold(told).price_micros == 25_500


def hang_ups() -> Sequence[tuple[list[CallEvent], str]]:
    unjoined = event("dialed", "dialed", 20, status="no_answer", bridged=False, talk_seconds=0)
    message = event("voicemail", "voicemail", 30, recording_sid=RECORDING, recording_seconds=9)
    return [
        ([INCOMING, DIALED, ENDED], "business"),
        ([INCOMING, replace(DIALED, caller_gone=True), ENDED], "caller"),
        ([INCOMING, replace(unjoined, caller_gone=True), ENDED], "caller"),
        ([INCOMING, unjoined, replace(message, digits="hangup"), ENDED], "caller"),
        ([INCOMING, unjoined, replace(message, digits="#"), ENDED], "unknown"),
        ([INCOMING, unjoined, ENDED], "unknown"),
        ([INCOMING, replace(ENDED, status="canceled")], "caller"),
        ([INCOMING, DIALED], "business"),
        ([INCOMING], ""),
    ]


@pytest.mark.parametrize(("events", "side"), hang_ups())
def test_who_hung_up_is_said_only_where_the_carrier_tells(events: list[CallEvent], side: str) -> None:
    assert fold(events).hung_up_by == side


@pytest.mark.parametrize(("length", "kept"), [(1, None), (2, 2), (40, 40)])
def test_a_message_of_a_second_is_none(length: int, kept: int | None) -> None:
    message = event("voicemail", "v", 30, recording_sid=RECORDING, recording_seconds=length)
    assert fold([INCOMING, message]).message_seconds == kept


def test_legs_stand_in_the_order_they_rang() -> None:
    second = leg_record(sid="CA" + "0" * 32, started_at=seconds(30), status="busy", seconds=None)
    state = fold([INCOMING, second, leg_record()])
    assert [(leg.leg_sid, leg.position, leg.ring_seconds) for leg in state.legs] == [
        (LEG, 1, 8), ("CA" + "0" * 32, 2, 160),
    ]  # fmt: skip


def test_a_call_that_a_plain_file_put_through_is_told_by_the_moment_it_was_picked_up() -> None:
    """After the talk the file still says that nobody came: the two ends lie apart, the beginnings do not."""
    own, leg_ = record(ended_at=seconds(197), seconds=188), leg_record(ended_at=seconds(190), seconds=181)
    state = fold([own, leg_])
    assert (state.outcome, state.talk_seconds, state.answered_by) == ("answered", 181, BUSINESS)
    short = fold([record(ended_at=seconds(20), seconds=11), leg_record(ended_at=seconds(14), seconds=5)])
    assert (short.outcome, short.talk_seconds) == ("answered", 5)


@pytest.mark.parametrize("length", [4, 5, 6, 7])
def test_a_mailbox_that_a_plain_file_reached_is_none_of_it(length: int) -> None:
    """The caller's own call is picked up by the sentence after the mailbox, never before its end."""
    state = fold([record(ended_at=seconds(20), seconds=length), leg_record(ended_at=seconds(15), seconds=6)])
    assert (state.outcome, state.talk_seconds) == ("mailbox", 0)
