"""Open or closed: by the clock on the wall of the place, also when clocks change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from calltrack.callflows.opening import OpeningHours, holiday_at, is_open, next_change

ROME = "Europe/Rome"
SHOP = OpeningHours.model_validate(
    {
        "weekly": {
            "mon": ["09:00-13:00", "15:00-19:00"],
            "fri": ["09:00-13:00"],
            "sat": ["22:00-03:00"],
            "sun": ["00:00-24:00"],
        },
        "holidays": [
            {"day": "12-25", "name": "Natale"},
            {"day": "2026-11-30", "open": ["10:00-11:00"]},
            {"day": "2026-08-10", "until": "2026-08-20"},
        ],
    }
)


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-11-23T08:00+00:00", True),  # Monday 9:00 in Rome.
        ("2026-11-23T07:59+00:00", False),
        ("2026-11-23T11:59+00:00", True),
        ("2026-11-23T12:00+00:00", False),
        ("2026-07-06T07:00+00:00", True),  # Summer: 9:00 is an hour earlier.
        ("2026-11-24T09:00+00:00", False),  # Tuesday.
        ("2026-11-28T21:30+00:00", True),  # Saturday night ...
        ("2026-11-29T01:59+00:00", True),  # ... runs into Sunday, which is open itself.
        ("2026-11-30T08:30+00:00", False),  # A Monday with other hours.
        ("2026-11-30T09:30+00:00", True),
        ("2026-12-25T09:00+00:00", False),  # A Friday, and Christmas.
        ("2026-08-17T08:00+00:00", False),
        ("2026-08-24T08:00+00:00", True),
    ],
)
def test_open_or_closed(moment: str, open_: bool) -> None:
    assert is_open(SHOP, datetime.fromisoformat(moment), ROME) is open_


NIGHT = OpeningHours.model_validate(
    {"weekly": {"sat": ["22:00-02:30"], "sun": ["01:15-02:45", "03:10-04:00"]}, "timezone": ROME}
)
AROUND = st.sampled_from(
    [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 6, 7, tzinfo=UTC)]
)


@settings(deadline=None, max_examples=60)
@given(AROUND, st.integers(-300, 300))
def test_the_next_change_is_the_first_minute_that_differs(day: datetime, minutes: int) -> None:
    """Compared with a look at every single minute, also in the nights in which the clocks change."""
    at = day + timedelta(minutes=minutes)
    now = is_open(NIGHT, at, "UTC")
    minute = at + timedelta(minutes=1)
    while is_open(NIGHT, minute, "UTC") == now:
        minute += timedelta(minutes=1)
    assert next_change(NIGHT, at, "UTC") == minute


def test_what_never_changes_has_no_next_change() -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    always = OpeningHours.model_validate({"weekly": {day: ["00:00-24:00"] for day in days}})
    assert next_change(always, datetime(2026, 11, 23, tzinfo=UTC), ROME) is None


def test_the_holiday_is_named() -> None:
    found = holiday_at(SHOP, datetime(2026, 12, 24, 23, 30, tzinfo=UTC), ROME)
    assert found is not None
    assert found.name == "Natale"


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ({"weekly": {}}, "at least one weekday"),
        ({"weekly": {"mon": []}}, "at least one weekday"),
        ({"weekly": {"mon": ["9-13"]}}, "09:00-13:00"),
        ({"weekly": {"mon": ["09:00-09:00"]}}, "00:00-24:00"),
        ({"weekly": {"mon": ["09:00-24:30"]}}, "24:00"),
        ({"weekly": {"monday": ["09:00-13:00"]}}, "mon"),
        ({"weekly": {"mon": ["09:00-13:00"]}, "timezone": "Rome"}, "Europe/Rome"),
        ({"weekly": {"mon": ["09:00-13:00"]}, "holidays": [{"day": "25.12."}]}, "12-25"),
        ({"weekly": {"mon": ["09:00-13:00"]}, "holidays": [{"day": "02-30"}]}, "day"),
        ({"weekly": {"mon": ["09:00-13:00"]}, "holidays": [{"day": "12-25", "until": "12-24"}]}, "first day"),
    ],
)
def test_mistakes_are_named(hours: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        OpeningHours.model_validate(hours)
