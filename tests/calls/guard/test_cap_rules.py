"""When a day's caps are reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.calls.guard.cap_rules import Caps, Used, billed_minutes, is_near, reached

CAPS = Caps(calls_per_number=10, minutes_per_number=30, calls_per_company=100, minutes_per_company=300)


@pytest.mark.parametrize(
    ("number", "company", "cap"),
    [
        (Used(9, 29), Used(99, 299), None),
        (Used(10, 0), Used(10, 0), "10 calls on this number"),
        (Used(0, 30), Used(0, 30), "30 minutes on this number"),
        (Used(1, 1), Used(100, 1), "100 calls of the company"),
        (Used(1, 1), Used(1, 300), "300 minutes of the company"),
        (Used(), Used(), None),
    ],
)
def test_the_first_cap_reached_is_named(number: Used, company: Used, cap: str | None) -> None:
    assert reached(CAPS, number, company) == cap


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0, 1), (1, 1), (60, 1), (61, 2), (3600, 60), (10**9, 240), (-5, 1)]
)
def test_minutes_are_whole_and_a_call_without_end_is_bounded(seconds: float, minutes: int) -> None:
    assert billed_minutes(seconds) == minutes


used = st.builds(Used, st.integers(0, 400), st.integers(0, 400))


@given(used, used, used)
def test_more_use_never_opens_a_cap_again(number: Used, company: Used, more: Used) -> None:
    later = Used(number.calls + more.calls, number.minutes + more.minutes)
    if reached(CAPS, number, company):
        assert reached(CAPS, later, company)
        assert is_near(CAPS, number, company)
    assert number.most(more) == more.most(number)
