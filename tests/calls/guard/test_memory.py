"""What one process counts itself."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from calltrack.calls.guard import memory as room
from calltrack.calls.guard.cap_rules import Used, billed_minutes
from calltrack.calls.guard.memory import Memory, Seen

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)
COMPANY, ONE, TWO = uuid4(), uuid4(), uuid4()


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_call_counts_once_on_its_number_and_in_all() -> None:
    memory = Memory()
    for sid, number in (("a", ONE), ("b", TWO), ("a", ONE), ("a", ONE)):
        memory.put_through(COMPANY, number, sid, None, DAY, NOON)
    assert memory.used(COMPANY, ONE, DAY, after(1)) == Used(1, 1)
    assert memory.used(COMPANY, None, DAY, after(1)) == Used(2, 2)
    assert memory.used(COMPANY, ONE, NEXT, after(1)) == Used()


def test_minutes_run_while_a_call_lasts_and_stay_when_it_is_over() -> None:
    memory = Memory()
    memory.put_through(COMPANY, ONE, "a", None, DAY, NOON)
    assert memory.used(COMPANY, ONE, DAY, after(150)).minutes == 3
    memory.ended("a", 61, after(200))
    memory.ended("a", 61, after(200))
    assert memory.used(COMPANY, ONE, DAY, after(9000)) == Used(1, 2)
    memory.put_through(COMPANY, ONE, "b", None, DAY, NOON)
    memory.ended("b", None, after(119))
    assert memory.used(COMPANY, ONE, DAY, after(9000)) == Used(2, 4)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 400), st.booleans()), max_size=30))
def test_minutes_are_added_up_as_one_call_after_the_other_would_be(acts: list[tuple[int, int, bool]]) -> None:
    """Calls begin and end in any order, and it is asked at any moment in between."""
    memory, now = Memory(), 0
    began, ended = dict[str, int](), dict[str, int]()
    for name, seconds, asks in acts:
        sid = str(name)
        if sid not in began:
            memory.put_through(COMPANY, ONE, sid, None, DAY, after(now))
            began[sid] = now
        elif sid not in ended:
            memory.ended(sid, None, after(now))
            ended[sid] = now
        now += seconds
        if asks:
            minutes = sum(billed_minutes(ended.get(one, now) - at) for one, at in began.items())
            assert memory.used(COMPANY, ONE, DAY, after(now)) == Used(len(began), minutes)


def test_a_call_that_lasts_past_midnight_burdens_no_other_day() -> None:
    memory = Memory()
    memory.put_through(COMPANY, ONE, "a", None, DAY, NOON)
    memory.put_through(COMPANY, ONE, "b", None, NEXT, after(86_400))
    memory.ended("a", 7200, after(86_500))
    assert memory.used(COMPANY, ONE, NEXT, after(86_430)) == Used(1, 1)


def test_a_caller_is_known_by_its_last_ten_minutes_and_its_talks_of_a_day() -> None:
    memory, caller = Memory(), b"hash"
    assert memory.call(COMPANY, ONE, caller, NOON) == Seen(1, 1, 0, 0)
    assert memory.call(COMPANY, TWO, caller, after(60)) == Seen(2, 2, 0, 0)
    memory.put_through(COMPANY, TWO, "a", caller, DAY, after(60))
    memory.talked("a", 3, after(70))
    memory.talked("unknown", 3, after(70))
    assert memory.call(COMPANY, ONE, caller, after(601)) == Seen(2, 2, 1, 1)
    assert memory.call(COMPANY, ONE, caller, after(2 * 86_400)) == Seen(1, 1, 0, 0)
    assert memory.call(uuid4(), ONE, caller, after(61)) == Seen(1, 1, 0, 0)
    assert memory.call(COMPANY, ONE, None, after(62)) == Seen(1, 1, 0, 0)


def test_a_talk_of_a_minute_makes_a_caller_known() -> None:
    memory = Memory()
    memory.put_through(COMPANY, ONE, "a", b"hash", DAY, NOON)
    memory.talked("a", 60, after(70))
    assert memory.call(COMPANY, ONE, b"hash", after(5 * 86_400)).is_trusted


def test_it_is_bounded() -> None:
    memory = Memory()
    for number in range(room.MOST_CALLERS + 50):
        memory.call(COMPANY, ONE, number.to_bytes(4, "big"), NOON)
    assert len(memory._callers) == room.MOST_CALLERS
    for number in range(room.MOST_OPEN + 50):
        memory.put_through(COMPANY, ONE, str(number), None, DAY, NOON)
    assert len(memory._open) == room.MOST_OPEN
    assert memory.used(COMPANY, ONE, DAY, after(1)).calls == room.MOST_OPEN + 50
