"""Days off of a country: by their date, and by Easter."""

from datetime import date

import pytest

from calltrack.callflows.checks import read_flow
from calltrack.callflows.editing import fresh
from calltrack.callflows.public_holidays import (
    COUNTRIES,
    add_public_holidays,
    easter,
    public_holidays,
)
from calltrack.kernel.errors import BadInput

# What the package `holidays` 0.109 knows.
KNOWN = {
    ("IT", 2026): "01-01 01-06 04-05 04-06 04-25 05-01 06-02 08-15 10-04 11-01 12-08 12-25 12-26",
    ("IT", 2027): "01-01 01-06 03-28 03-29 04-25 05-01 06-02 08-15 10-04 11-01 12-08 12-25 12-26",
    ("DE", 2026): "01-01 04-03 04-06 05-01 05-14 05-25 10-03 12-25 12-26",
    ("DE", 2027): "01-01 03-26 03-29 05-01 05-06 05-17 10-03 12-25 12-26",
    ("AT", 2026): "01-01 01-06 04-06 05-01 05-14 05-25 06-04 08-15 10-26 11-01 12-08 12-25 12-26",
    ("AT", 2027): "01-01 01-06 03-29 05-01 05-06 05-17 05-27 08-15 10-26 11-01 12-08 12-25 12-26",
    ("FR", 2026): "01-01 04-06 05-01 05-08 05-14 05-25 07-14 08-15 11-01 11-11 12-25",
    ("FR", 2027): "01-01 03-29 05-01 05-06 05-08 05-17 07-14 08-15 11-01 11-11 12-25",
}


@pytest.mark.parametrize(("where", "days"), KNOWN.items())
def test_days_off(where: tuple[str, int], days: str) -> None:
    found = sorted(one["day"][-5:] for one in public_holidays(*where))
    assert found == days.split()


@pytest.mark.parametrize(
    "day", ["1961-04-02", "2000-04-23", "2019-04-21", "2024-03-31", "2025-04-20", "2038-04-25", "2049-04-18"]
)
def test_easter(day: str) -> None:
    assert easter(int(day[:4])) == date.fromisoformat(day)


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_adding_them_twice_adds_them_once_and_keeps_what_is_there(country: str) -> None:
    step = fresh("hours")
    step["hours"]["holidays"] = [{"day": "2026-12-25", "open": ["09:00-12:00"]}]
    once = add_public_holidays(step, country, "2026")
    assert add_public_holidays(once, country, "2026") == once
    days = once["hours"]["holidays"]
    assert [one for one in days if one["day"].endswith("12-25")] == step["hours"]["holidays"]
    flow = {"start": "hours", "steps": {"hours": once | {"open": "end"}, "end": {"kind": "hang_up"}}}
    assert read_flow(flow)


@pytest.mark.parametrize(("country", "year"), [("XX", "2026"), ("IT", ""), ("IT", "20x6"), ("IT", "0001")])
def test_other_countries_and_years_are_refused(country: str, year: str) -> None:
    with pytest.raises(BadInput):
        add_public_holidays(fresh("hours"), country, year)
