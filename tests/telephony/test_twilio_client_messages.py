"""Messages through Twilio's own client: sent, reported, received, stopped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from calltrack.telephony.carrier import (
    CarrierMessage,
    MessageOrder,
    NumberChange,
    NumberOrder,
    NumberSearch,
    Refused,
    Retry,
)
from tests.sandbox.carrier.hooks import Hooks, eventually, running
from tests.sandbox.carrier_rest.serving import World, carrier_world

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CALLER = "+14155550123"


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with running() as hooks:
        yield hooks
    assert hooks.unsigned == [], "every request of the carrier is signed"


@pytest.fixture
def world() -> Iterator[World]:
    with carrier_world(timeout=(1.0, 0.6)) as world:
        yield world


@pytest.fixture
def ours(world: World, hooks: Hooks) -> str:
    e164 = world.carrier.search_numbers(NumberSearch(country="US"))[0].e164
    bought = world.carrier.buy_number(NumberOrder(e164=e164, name="ours"))
    world.carrier.update_number(bought.sid, NumberChange(sms_url=f"{hooks.base}/v/sms"))
    return e164


def send(world: World, hooks: Hooks, ours: str, to: str = CALLER, text: str = "Hello") -> CarrierMessage:
    return world.carrier.send_message(
        MessageOrder(to=to, from_=ours, text=text, status_callback=f"{hooks.base}/v/sent")
    )


def test_a_message_is_sent_and_its_delivery_reported(world: World, hooks: Hooks, ours: str) -> None:
    sent = send(world, hooks, ours, text="Call us? ☎")
    assert (sent.to, sent.from_, sent.text, sent.inbound) == (CALLER, ours, "Call us? ☎", False)
    eventually(lambda: len(hooks.of("sent")) == 2)
    told = hooks.of("sent")
    assert [one["MessageStatus"] for one in told] == ["sent", "delivered"]
    assert {one["MessageSid"] for one in told} == {sent.sid}
    assert world.carrier.fetch_message(sent.sid).status == "delivered"


def test_a_message_that_does_not_arrive_says_why(world: World, hooks: Hooks, ours: str) -> None:
    world.twin.desk.behaviour.message_ends[CALLER] = ("undelivered", 30034)
    sent = send(world, hooks, ours)
    eventually(lambda: len(hooks.of("sent")) == 2)
    assert hooks.of("sent")[-1]["ErrorCode"] == "30034"
    assert world.carrier.fetch_message(sent.sid).error_code == 30034


def test_a_message_is_received_and_listed(world: World, hooks: Hooks, ours: str) -> None:
    received = world.twin.receive(CALLER, ours, "Quanto costa?")
    [asked] = hooks.of("sms")
    assert (asked["From"], asked["To"], asked["Body"], asked["SmsStatus"]) == (
        CALLER,
        ours,
        "Quanto costa?",
        "received",
    )
    sent = send(world, hooks, ours)
    eventually(lambda: len(hooks.of("sent")) == 2)
    listed = list(world.carrier.list_messages(LONG_AGO))
    assert [one.sid for one in listed] == [sent.sid, received["sid"]]
    [mine] = list(world.carrier.list_messages(LONG_AGO, from_=CALLER))
    assert (mine.inbound, mine.status, mine.text) == (True, "received", "Quanto costa?")
    assert next(iter(world.carrier.list_messages(LONG_AGO, to=CALLER))).sid == sent.sid


def test_who_says_stop_is_written_to_no_more(world: World, hooks: Hooks, ours: str) -> None:
    world.twin.receive(CALLER, ours, "STOP")
    assert hooks.of("sms")[0]["OptOutType"] == "STOP"
    with pytest.raises(Refused, match="answered STOP") as refused:
        send(world, hooks, ours)
    assert refused.value.code == 21610
    world.twin.receive(CALLER, ours, "start")
    assert send(world, hooks, ours).sid


@pytest.mark.parametrize(
    ("to", "text", "code"),
    [
        ("12", "Hello", 21211),
        ("+390687650001", "Hello", 21614),
        (CALLER, "x" * 1601, 21617),
    ],
)
def test_what_cannot_be_sent_says_so(
    world: World, hooks: Hooks, ours: str, to: str, text: str, code: int
) -> None:
    world.twin.desk.behaviour.landlines.add("+390687650001")
    with pytest.raises(Refused) as refused:
        send(world, hooks, ours, to, text)
    assert refused.value.code == code
    assert list(world.carrier.list_messages(LONG_AGO)) == []


def test_messages_from_a_foreign_number_are_refused(world: World, hooks: Hooks) -> None:
    with pytest.raises(Refused) as refused:
        send(world, hooks, "+14155559999")
    assert refused.value.code == 21606


def test_a_lost_answer_is_found_in_the_list(world: World, hooks: Hooks, ours: str) -> None:
    world.twin.desk.behaviour.message_ends[CALLER] = ("queued", None)
    world.fault("messages", "timeout-after-processing:2")
    with pytest.raises(Retry) as lost:
        send(world, hooks, ours)
    assert lost.value.maybe_done
    assert len(list(world.carrier.list_messages(LONG_AGO, to=CALLER, from_=ours))) == 1
