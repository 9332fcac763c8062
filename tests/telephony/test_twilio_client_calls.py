"""Calls through Twilio's own client: what the simulator plays is listed, and what we begin is played."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from calltrack.sandbox.carrier import CallScript
from calltrack.sandbox.carrier.script import LegScript
from calltrack.telephony.carrier import CallOrder, NotFound, NumberOrder, NumberSearch, Refused
from tests.sandbox.carrier.hooks import OFFICE, TOKEN, TRACKING, Hooks, dial, eventually, running
from tests.sandbox.carrier_rest.serving import World, carrier_world

CALLER, AGENT = "+393331234567", "+393470000009"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with running() as hooks:
        yield hooks
    assert hooks.unsigned == [], "every request of the carrier is signed"


@pytest.fixture
def world(hooks: Hooks) -> Iterator[World]:
    with carrier_world(directory=[hooks.number()]) as world:
        yield world


def ring(world: World, **script: object) -> str:
    """Let somebody call our number; return the call's SID once it is over."""
    [number] = world.twin.ringing()
    given: dict[str, object] = {"from_": CALLER, "to": TRACKING, "talk_seconds": 65}
    journal = world.twin.board.start(CallScript(**(given | script)), number, TOKEN)  # type: ignore[arg-type]  # a test's own
    eventually(lambda: journal.state == "ended")
    return journal.call_sid


def order(hooks: Hooks, **more: object) -> CallOrder:
    given: dict[str, object] = {
        "to": AGENT,
        "from_": TRACKING,
        "url": f"{hooks.base}/v/click",
        "status_callback": f"{hooks.base}/v/leg",
    }
    return CallOrder(**(given | more))  # type: ignore[arg-type]  # a test's own


def test_a_played_call_can_be_read_with_its_leg_and_cost(world: World) -> None:
    sid = ring(world, stir="TN-Validation-Passed-A")
    call = world.carrier.fetch_call(sid)
    assert (call.from_, call.to, call.status, call.direction) == (CALLER, TRACKING, "completed", "inbound")
    assert call.stir == "TN-Validation-Passed-A"
    assert call.price == Decimal("0.01700"), "two minutes begun"
    assert call.currency == "USD"
    [leg] = world.carrier.legs_of(sid)
    assert (leg.parent_sid, leg.to, leg.direction, leg.status) == (sid, OFFICE, "outbound_dial", "completed")
    assert leg.seconds == 66, "whisper and talk"
    assert call.started_at is not None
    assert call.ended_at is not None
    assert call.started_at < call.ended_at
    assert {one.sid for one in world.carrier.list_calls(LONG_AGO)} == {sid, leg.sid}


def test_calls_are_listed_since_a_moment_over_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calltrack.telephony.twilio_calls.PAGE", 2)
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    sids = [ring(world, at=noon + timedelta(minutes=minute), outcome="busy") for minute in range(5)]
    parents = [one.sid for one in world.carrier.list_calls(noon) if one.parent_sid is None]
    assert parents == sids[::-1], "newest first"
    late = [
        one.sid for one in world.carrier.list_calls(noon + timedelta(minutes=3)) if one.parent_sid is None
    ]
    assert late == [sids[4], sids[3]]
    assert {one.to for one in world.carrier.list_calls(noon, to=OFFICE)} == {OFFICE}
    assert list(world.carrier.list_calls(noon, from_="+390000000")) == []
    some = world.carrier.list_calls(noon, until=noon + timedelta(minutes=2))
    assert [one.sid for one in some if one.parent_sid is None] == [sids[1], sids[0]]


@pytest.mark.parametrize(
    ("outcome", "leg_status"), [("busy", "busy"), ("no-answer", "no_answer"), ("caller-hangs-up", "canceled")]
)
def test_legs_tell_how_they_ended(world: World, outcome: str, leg_status: str) -> None:
    [leg] = world.carrier.legs_of(ring(world, outcome=outcome))
    assert (leg.status, leg.seconds, leg.price) == (leg_status, 0, None)


def test_another_accounts_calls_are_not_there(world: World) -> None:
    from tests.sandbox.carrier_rest.serving import OTHER_ACCOUNT, OTHER_TOKEN

    sid = ring(world)
    other = world.open(OTHER_ACCOUNT, OTHER_TOKEN)
    assert list(other.list_calls(LONG_AGO)) == []
    with pytest.raises(NotFound):
        other.fetch_call(sid)


def test_a_call_we_begin_rings_the_agent_then_the_customer(world: World, hooks: Hooks) -> None:
    hooks.says("click", dial("", CALLER, base=hooks.base))
    begun = world.carrier.start_call(order(hooks))
    assert (begun.to, begun.from_, begun.direction) == (AGENT, TRACKING, "outbound_api")
    eventually(lambda: world.carrier.fetch_call(begun.sid).ended_at is not None)
    ended = world.carrier.fetch_call(begun.sid)
    assert ended.status == "completed"
    [leg] = world.carrier.legs_of(begun.sid)
    assert (leg.to, leg.from_, leg.status) == (CALLER, TRACKING, "completed")
    asked = hooks.of("click")[0]
    assert (asked["CallSid"], asked["CallStatus"], asked["Direction"]) == (
        begun.sid,
        "in-progress",
        "outbound-api",
    )
    told = [one for one in hooks.of("leg") if one["CallSid"] == begun.sid]
    assert [(one["CallStatus"], one["SequenceNumber"]) for one in told] == [
        ("initiated", "0"),
        ("ringing", "1"),
        ("in-progress", "2"),
        ("completed", "3"),
    ]
    assert hooks.of("dialed")[0]["DialBridged"] == "true"


@pytest.mark.parametrize(
    ("result", "status"), [("busy", "busy"), ("no-answer", "no_answer"), ("failed", "failed")]
)
def test_nobody_answers_a_call_we_begin(world: World, hooks: Hooks, result: str, status: str) -> None:
    world.twin.desk.behaviour.phones[AGENT] = LegScript(result=result)  # type: ignore[arg-type]  # from the table
    begun = world.carrier.start_call(order(hooks))
    eventually(lambda: world.carrier.fetch_call(begun.sid).ended_at is not None)
    assert world.carrier.fetch_call(begun.sid).status == status
    assert hooks.of("click") == [], "nobody is there to hear it"
    eventually(lambda: len(hooks.of("leg")) == 3)
    assert hooks.of("leg")[-1]["CallStatus"] == status.replace("_", "-")


def test_the_agent_keys_in_how_the_call_went(world: World, hooks: Hooks) -> None:
    gather = '<Response><Gather numDigits="1" action="/v/scored"><Say>Sold?</Say></Gather></Response>'
    hooks.says("click", gather)
    world.twin.desk.behaviour.digits[AGENT] = ("2",)
    world.carrier.start_call(order(hooks))
    eventually(lambda: len(hooks.of("scored")) == 1)
    assert hooks.of("scored")[0]["Digits"] == "2"


def test_calls_from_foreign_numbers_and_to_no_number_are_refused(world: World, hooks: Hooks) -> None:
    with pytest.raises(Refused, match="one of your numbers") as foreign:
        world.carrier.start_call(order(hooks, from_="+390600000000"))
    assert foreign.value.code == 21210
    with pytest.raises(Refused, match="country code") as nobody:
        world.carrier.start_call(order(hooks, to="12"))
    assert nobody.value.code == 21211


@pytest.fixture
def slow_world(hooks: Hooks) -> Iterator[World]:
    """Calls take their time here: a second lasts a tenth."""
    with carrier_world(directory=[hooks.number()], speed=10) as world:
        yield world


def test_a_call_that_goes_on_can_be_ended(slow_world: World, hooks: Hooks) -> None:
    world = slow_world
    hooks.says("click", dial("", CALLER, base=hooks.base))
    begun = world.carrier.start_call(order(hooks))
    eventually(lambda: any(leg.status == "in_progress" for leg in world.carrier.legs_of(begun.sid)))
    world.carrier.hang_up(begun.sid)
    eventually(lambda: world.carrier.fetch_call(begun.sid).ended_at is not None, seconds=30)
    [leg] = world.carrier.legs_of(begun.sid)
    assert (world.carrier.fetch_call(begun.sid).status, leg.status) == ("completed", "completed")
    assert leg.seconds is not None
    assert leg.seconds < 60, "it did not last as long as they wanted to talk"
    with pytest.raises(Refused, match="nothing left to change") as over:
        world.carrier.hang_up(begun.sid)
    assert over.value.code == 21220


def test_a_ringing_call_we_began_can_be_called_off(slow_world: World, hooks: Hooks) -> None:
    world = slow_world
    world.twin.desk.behaviour.phones[AGENT] = LegScript(result="no-answer")
    begun = world.carrier.start_call(order(hooks))
    eventually(lambda: world.carrier.fetch_call(begun.sid).status == "ringing")
    world.carrier.hang_up(begun.sid)
    eventually(lambda: world.carrier.fetch_call(begun.sid).ended_at is not None, seconds=30)
    assert world.carrier.fetch_call(begun.sid).status == "canceled"


def test_a_call_can_be_led_to_another_document(slow_world: World, hooks: Hooks) -> None:
    world = slow_world
    hooks.says("click", dial("", CALLER, base=hooks.base))
    hooks.says("goodbye", "<Response><Say>Goodbye</Say><Hangup/></Response>")
    begun = world.carrier.start_call(order(hooks))
    eventually(lambda: any(leg.status == "in_progress" for leg in world.carrier.legs_of(begun.sid)))
    world.carrier.redirect_call(begun.sid, f"{hooks.base}/v/goodbye")
    eventually(lambda: world.carrier.fetch_call(begun.sid).ended_at is not None, seconds=30)
    assert len(hooks.of("goodbye")) == 1
    assert hooks.of("dialed") == [], "the ringing was left behind, nobody asks what comes after it"
    with pytest.raises(Refused):
        world.carrier.redirect_call(begun.sid, f"{hooks.base}/v/goodbye")


def test_one_leg_is_cut_and_the_caller_hears_what_comes_next(slow_world: World, hooks: Hooks) -> None:
    world = slow_world
    hooks.says("click", dial("", CALLER, base=hooks.base))
    begun = world.carrier.start_call(order(hooks))
    eventually(lambda: len(hooks.of("whisper")) == 1)
    [leg] = world.carrier.legs_of(begun.sid)
    world.carrier.hang_up(leg.sid)
    eventually(lambda: len(hooks.of("dialed")) == 1, seconds=30)
    eventually(lambda: world.carrier.fetch_call(begun.sid).ended_at is not None, seconds=30)
    [leg] = world.carrier.legs_of(begun.sid)
    assert leg.seconds is not None
    assert leg.seconds < 60


def test_a_number_bought_here_rings_with_its_applications_hooks(hooks: Hooks) -> None:
    from calltrack.telephony.carrier import ApplicationHooks

    with carrier_world() as world:
        made = world.carrier.ensure_application(
            "ours",
            ApplicationHooks(voice_url=f"{hooks.base}/v/voice", status_callback=f"{hooks.base}/v/status"),
        )
        e164 = world.carrier.search_numbers(NumberSearch(country="US"))[0].e164
        bought = world.carrier.buy_number(NumberOrder(e164=e164, name="ours", application_sid=made.sid))
        [number] = world.twin.ringing()
        assert number.e164 == e164
        journal = world.twin.board.start(CallScript(from_=CALLER, to=e164), number, TOKEN)
        eventually(lambda: journal.state == "ended")
        assert journal.bridged
        assert hooks.of("voice")[0]["To"] == e164
        world.carrier.release_number(bought.sid)
        assert world.twin.ringing() == []
