"""Pure rules: days, amounts, spreading, when to look again."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.kernel.errors import BadInput
from calltrack.spend.entries import costs_by_day
from calltrack.spend.rules import (
    days_to_read,
    hold_for,
    is_night_due,
    micros_of,
    micros_of_text,
    minor_of,
    read_days,
    spread,
    today_in,
)
from calltrack.spend.told import Days

NOW = datetime(2026, 11, 30, 1, 30, tzinfo=UTC)


@settings(max_examples=200)
@given(st.integers(0, 10**12), st.integers(1, 400))
def test_an_amount_is_spread_to_the_last_unit(total: int, days: int) -> None:
    parts = spread(total, days)
    assert (len(parts), sum(parts)) == (days, total)
    assert max(parts) - min(parts) <= 1


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.dates(date(2026, 1, 1), date(2026, 3, 31)), st.integers(0, 60), st.integers(0, 10**9))
    )
)
def test_entries_that_overlap_add_up_exactly(entries: list[tuple[date, int, int]]) -> None:
    told = [(first, first + timedelta(days=length), cost) for first, length, cost in entries]
    assert sum(costs_by_day(told).values()) == sum(cost for _, _, cost in told)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-11-30", "", Days(date(2026, 11, 30), date(2026, 11, 30))),
        ("2028-02", "", Days(date(2028, 2, 1), date(2028, 2, 29))),
        ("2026-12-30", "2027-01-02", Days(date(2026, 12, 30), date(2027, 1, 2))),
    ],
)
def test_a_day_a_month_and_a_stretch_are_read(first: str, last: str, days: Days) -> None:
    assert read_days(first, last) == days


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-13", "", "not a month"),
        ("30.11.2026", "", "like 2026-11-30"),
        ("2026-11-30", "2026-11-29", "before the first"),
        ("2000-01-01", "2026-01-01", "ten years"),
        ("0026-11-30", "", "check the year"),
        ("", "", "not a day"),
    ],
)
def test_what_is_no_day_says_how_to_write_it(first: str, last: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_days(first, last)


def test_days_are_cut_newest_first_without_gap() -> None:
    cut = Days(date(2026, 1, 1), date(2026, 1, 20)).slices(7)
    assert [(one.first.day, one.last.day) for one in cut] == [(14, 20), (7, 13), (1, 6)]


@pytest.mark.parametrize(
    ("zone", "night_on", "due"),
    [
        ("Europe/Rome", None, False),  # 02:30 in Rome: yesterday has not settled
        ("Asia/Tokyo", None, True),  # 10:30
        ("Asia/Tokyo", date(2026, 11, 30), False),
        ("America/Los_Angeles", date(2026, 11, 28), True),  # 17:30 on the 29th
    ],
)
def test_the_night_is_the_accounts_own(zone: str, night_on: date | None, due: bool) -> None:
    assert is_night_due(zone, night_on, NOW) is due


def test_the_window_trails_and_the_first_look_goes_back_as_far_as_wanted() -> None:
    today = today_in("America/New_York", NOW)
    assert today == date(2026, 11, 29)
    assert days_to_read(today, None, is_first=False, is_night=False).first == date(2026, 11, 16)
    assert days_to_read(today, date(2026, 6, 1), is_first=False, is_night=True).first == date(2026, 10, 31)
    assert days_to_read(today, date(2026, 6, 1), is_first=True, is_night=True).first == date(2026, 6, 1)
    assert [hold_for(n, None).total_seconds() / 60 for n in (0, 1, 2, 9)] == [5, 15, 60, 180]
    assert hold_for(0, timedelta(minutes=90)) == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("micros", "rate", "currency", "minor"),
    [
        (1_000_000, "1", "EUR", 100),
        (5_000, "1", "EUR", 1),  # half a cent is up
        (4_999, "1", "EUR", 0),
        (1_000_000, "160.25", "JPY", 160),
        (1_000_000, "0.3", "KWD", 300),
    ],
)
def test_costs_become_minor_units(micros: int, rate: str, currency: str, minor: int) -> None:
    assert minor_of(micros, Decimal(rate), currency) == minor


def test_platforms_amounts_become_millionths() -> None:
    assert [micros_of_text(text) for text in ("12.34", "0", "0.0000005", "7")] == [
        12_340_000,
        0,
        1,
        7_000_000,
    ]
    assert (micros_of(1234, "EUR"), micros_of(1234, "JPY"), micros_of(1234, "KWD")) == (
        12_340_000, 1_234_000_000, 1_234_000,
    )  # fmt: skip
    for wrong in ("1e3", "", "1,5", "١"):
        with pytest.raises(ValueError, match="not an amount"):
            micros_of_text(wrong)
