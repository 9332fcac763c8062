"""The text-back: a table of cases, and no history of calls, STOP and delays that breaks a promise."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.automations.text_back_rules import ONCE_WITHIN, Missed, judge
from calltrack.kernel.quiet import Quiet
from tests.examples import examples

ROME = "Europe/Rome"
QUIET = Quiet(time(22), time(8), True, ROME)
# A Friday, 13:00 in Rome.
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PLAIN = Missed(
    caller="+393471234567",
    missed_at=NOON - timedelta(minutes=5),
    waits=True,
    is_stopped=False,
    line_type="mobile",
)


def rome(day: int, clock: str) -> datetime:
    return datetime.combine(datetime(2026, 11, day), time.fromisoformat(clock), ZoneInfo(ROME)).astimezone(
        UTC
    )


@pytest.mark.parametrize(
    ("change", "do", "words"),
    [
        ({}, "send", ""),
        ({"caller": None}, "skip", "withheld"),
        ({"waits": False}, "skip", "rang back"),
        ({"is_stopped": True}, "skip", "STOP"),
        ({"caller": "+390669940001"}, "skip", "no mobile"),
        ({"caller": "+491711234567"}, "skip", "another country"),
        ({"caller": "+881612345678"}, "skip", "another country"),
        ({"line_type": ""}, "ask", ""),
        ({"line_type": "landline"}, "skip", "no mobile"),
        ({"line_type": "unknown"}, "skip", "no mobile"),
        ({"line_type": "nonFixedVoip"}, "skip", "no mobile"),
        ({"last_text_at": NOON - timedelta(hours=23, minutes=59)}, "skip", "24 hours"),
        ({"last_text_at": NOON - timedelta(hours=24)}, "send", ""),
        ({"missed_at": NOON - timedelta(hours=37)}, "skip", "far back"),
    ],
)
def test_each_case(change: dict[str, object], do: str, words: str) -> None:
    verdict = judge(replace(PLAIN, **change), is_on=True, country="IT", quiet=QUIET, now=NOON)  # type: ignore[arg-type]  # fields by name
    assert verdict.do == do
    assert words in verdict.words


def test_off_is_off() -> None:
    assert judge(PLAIN, is_on=False, country="IT", quiet=QUIET, now=NOON).do == "skip"


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (rome(20, "22:00"), rome(21, "08:00")),
        (rome(21, "07:59"), rome(21, "08:00")),
        (rome(21, "22:30"), rome(23, "08:00")),  # Saturday night: Sunday is quiet, then Monday morning.
        (rome(22, "12:00"), rome(23, "08:00")),
        (rome(22, "23:59"), rome(23, "08:00")),
    ],
)
def test_quiet_hours_and_sundays_wait(now: datetime, until: datetime) -> None:
    missed = replace(PLAIN, missed_at=now - timedelta(minutes=1))
    verdict = judge(missed, is_on=True, country="IT", quiet=QUIET, now=now)
    assert (verdict.do, verdict.until) == ("wait", until)


@pytest.mark.parametrize(
    "moment", [rome(20, "08:00"), rome(20, "21:59"), rome(21, "12:00"), rome(23, "08:00")]
)
def test_other_times_are_not_quiet(moment: datetime) -> None:
    assert not QUIET.covers(moment)
    assert QUIET.over(moment) == moment


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
clocks = st.times().map(lambda one: one.replace(second=0, microsecond=0))


@settings(max_examples=examples(100), deadline=None)
@given(
    moments, clocks, clocks, st.booleans(), st.sampled_from([ROME, "America/New_York", "UTC", "Asia/Kolkata"])
)
def test_the_end_of_the_quiet_is_the_first_moment_that_is_none(
    moment: datetime, begins: time, ends: time, sundays: bool, zone: str
) -> None:
    quiet = Quiet(begins, ends, sundays, zone)
    over = quiet.over(moment)
    assert over >= moment
    assert not quiet.covers(over)
    if over > moment:
        assert quiet.covers(over - timedelta(seconds=1))
        assert over - moment <= timedelta(hours=61)


# A history: minutes pass, then somebody calls in vain, writes STOP or START, is rung back, or a worker looks.
happenings = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.sampled_from(["call", "call", "call", "stop", "start", "back", "work", "work", "late"]),
        st.integers(0, 1),
    ),
    max_size=60,
)
CALLERS = ("+393471234567", "+393479876543")


@settings(max_examples=examples(100), deadline=None)
@given(happenings, st.integers(0, 240))
def test_no_history_sends_twice_in_a_day_or_in_quiet_hours_or_after_stop(
    history: list[tuple[int, str, int]], delay: int
) -> None:
    now, due = NOON, list[tuple[datetime, datetime, str]]()
    stopped, sent, backs = set[str](), list[tuple[str, datetime]](), dict[str, datetime]()
    for minutes, what, who in history:
        now += timedelta(minutes=minutes)
        caller = CALLERS[who]
        if what == "call":
            due.append((QUIET.over(now + timedelta(minutes=delay)), now, caller))
        elif what == "stop":
            stopped.add(caller)
        elif what == "start":
            stopped.discard(caller)
        elif what == "back":
            backs[caller] = now
        else:
            for one in sorted(due):
                at, missed_at, about = one
                if at > now:
                    continue
                due.remove(one)
                missed = Missed(
                    caller=about, missed_at=missed_at, waits=backs.get(about, NOON) < missed_at,
                    is_stopped=about in stopped, line_type="mobile",
                    last_text_at=max((when for to, when in sent if to == about), default=None),
                )  # fmt: skip
                verdict = judge(missed, is_on=True, country="IT", quiet=QUIET, now=now)
                if verdict.do == "wait":
                    assert verdict.until is not None
                    due.append((verdict.until, missed_at, about))
                if verdict.do == "send":
                    assert about not in stopped
                    assert not QUIET.covers(now)
                    sent.append((about, now))
    for caller in CALLERS:
        times = [when for to, when in sent if to == caller]
        assert all(later - earlier >= ONCE_WITHIN for earlier, later in itertools.pairwise(times))
