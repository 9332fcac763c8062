"""What happened on the line, as people read it."""

from datetime import timedelta

from calltrack.calls.queries import CallRow, HeardEvent, LegRow, Line
from calltrack.dashboard.timelines import line_moments
from calltrack.kernel.ids import new_id
from calltrack.telephony.events import CallEvent
from tests.builders import NOON

CALL = CallRow(
    id=new_id(), call_sid="CA1", caller="+393471234567", caller_hash=b"", caller_city="", caller_country="IT",
    number_id=new_id(), number="+390284500101", number_kind="pool", location_id=new_id(), location="Milano",
    forward_to="+390280880001", status="completed", outcome="answered", started_at=NOON,
    answered_at=NOON + timedelta(seconds=9), ended_at=NOON + timedelta(seconds=99), ring_seconds=9,
    duration_seconds=99, talk_seconds=90, is_bridged=True, was_spooled=False, changed_at=NOON, note="",
    is_demo=False, answered_by="+390280880001", hung_up_by="caller", stir="", sip_code=None, error_code=None,
    message_seconds=None, price_micros=None, price_currency="", line_type="",
    erased_at=None, flow_path=[], flow_version=None,
)  # fmt: skip


def leg(seconds: int, status: str, sid: str = "CA2") -> HeardEvent:
    at = NOON + timedelta(seconds=seconds)
    event = CallEvent(
        kind="leg", key=f"{sid}{status}{seconds}", call_sid="CA1", account_sid="AC1", at=at, leg_sid=sid,
        status=status, to="+390280880001",  # type: ignore[arg-type]  # the carrier's own words
    )  # fmt: skip
    return HeardEvent(at, event)


def test_a_state_of_a_leg_is_told_once_when_it_began() -> None:
    told = (
        leg(5, "ringing"), leg(2, "ringing"), leg(9, "in_progress"), leg(99, "completed"),
        leg(3, "ringing", "CA3"),
    )  # fmt: skip
    moments = line_moments(CALL, Line((), (), told))
    rang = [moment.at for moment in moments if moment.title.endswith(" rang")]
    assert rang == [NOON + timedelta(seconds=2), NOON + timedelta(seconds=3)]
    assert moments[-1].title == "Call ended"


def test_phones_are_told_in_order_with_the_reason_and_who_hung_up() -> None:
    busy = LegRow(
        "CA2", "+390280880001", "busy", 0, NOON, None, NOON + timedelta(seconds=2), 2, False, 486, None
    )
    joined = LegRow(
        "CA3", "+390280880001", "completed", 90, NOON + timedelta(seconds=3), NOON + timedelta(seconds=9),
        NOON + timedelta(seconds=99), 6, True, None, None,
    )  # fmt: skip
    moments = line_moments(CALL, Line((busy, joined), (), (leg(2, "ringing"),)))
    titles = [moment.title.removeprefix("+39 02 8088 0001 ") for moment in moments]
    assert titles[1:] == ["began to ring", "was busy", "began to ring", "A person answered", "Call ended"]
    assert moments[2].details[-1] == "Because the line was busy (SIP 486)."
    assert moments[-1].details == ("They talked 1:30.", "The caller hung up.")
