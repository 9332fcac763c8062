"""Opening hours: weekly, with holidays by date, in a place's own time zone.

Everything is compared by the clock on the wall there, so a change to summer time moves nothing.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WINDOW = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00))")
YEARLY = re.compile(r"(?:[0-9]{4}-)?(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
DAY_MINUTES = 24 * 60
FORESEEN_DAYS = 400


def _window(text: object) -> object:
    if not isinstance(text, str) or not WINDOW.fullmatch(text):
        raise ValueError("write opening times like 09:00-13:00, at most until 24:00")
    since, until = minutes_of(text)
    if since == until % DAY_MINUTES and text[:5] == text[6:]:
        raise ValueError("a time of no length is never open; a whole day is 00:00-24:00")
    return text


Window = Annotated[str, BeforeValidator(_window)]
Windows = Annotated[tuple[Window, ...], Field(max_length=6)]


class Holiday(BaseModel):
    """A day (`2026-12-24`, or every year: `12-25`) with other hours than its weekday; none: closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: str
    until: str | None = None
    name: Annotated[str, BeforeValidator(lambda name: one_line(str(name))), Field(max_length=60)] = ""
    open: Windows = ()

    @field_validator("day", "until")
    @classmethod
    def _is_a_day(cls, day: str | None) -> str | None:
        if day is not None:
            if not YEARLY.fullmatch(day):
                raise ValueError("write a day like 2026-12-24, or 12-25 for every year")
            date.fromisoformat(day if len(day) == 10 else f"2028-{day}")  # 2028 has a 29 February.
        return day

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "Holiday":
        if self.until is not None and (len(self.until) != len(self.day) or self.until < self.day):
            raise ValueError("a holiday ends on its first day or later, written in the same way")
        return self

    def covers(self, day: date) -> bool:
        """Tell whether it falls on this day."""
        written = day.isoformat() if len(self.day) == 10 else day.isoformat()[5:]
        return self.day <= written <= (self.until or self.day)


class OpeningHours(BaseModel):
    """When a place is open. A time that ends before it begins runs past midnight and counts to its day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekly: dict[Day, Windows]
    holidays: Annotated[tuple[Holiday, ...], Field(max_length=100)] = ()
    timezone: str | None = None

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        if name is not None and name not in _time_zones():
            raise ValueError("use the name of a time zone such as Europe/Rome")
        return name

    @field_validator("weekly")
    @classmethod
    def _is_open_sometime(cls, weekly: dict[Day, Windows]) -> dict[Day, Windows]:
        if not any(weekly.values()):
            raise ValueError("give at least one weekday with a time such as 09:00-13:00")
        return weekly


def one_line(text: str) -> str:
    """Return a text without what can be neither stored nor shown nor said, such as control characters."""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())


def is_open(hours: OpeningHours, at: datetime, zone: str) -> bool:
    """Tell whether it is open at a moment; `zone` counts where the hours name none of their own."""
    local = at.astimezone(ZoneInfo(hours.timezone or zone))
    minute, today = local.hour * 60 + local.minute, local.date()
    return _within(hours, today, minute) or _within(hours, today - timedelta(days=1), minute + DAY_MINUTES)


def holiday_at(hours: OpeningHours, at: datetime, zone: str) -> Holiday | None:
    """Return the holiday of the moment's day; the first of the list when several fall on it."""
    return _holiday_on(hours, at.astimezone(ZoneInfo(hours.timezone or zone)).date())


def next_change(hours: OpeningHours, at: datetime, zone: str) -> datetime | None:
    """Return when it opens or closes next (UTC); None: not within 400 days."""
    now = is_open(hours, at, zone)
    for moment in _moments(hours, at, zone):
        if moment > at and is_open(hours, moment, zone) != now:
            return moment
    return None


def minutes_of(window: str) -> tuple[int, int]:
    """Return the minutes of a day when a window begins and ends; past midnight is above 1440."""
    since = int(window[:2]) * 60 + int(window[3:5])
    until = int(window[6:8]) * 60 + int(window[9:11])
    return since, until if until > since else until + DAY_MINUTES


@cache
def _time_zones() -> set[str]:
    return available_timezones()


def _within(hours: OpeningHours, day: date, minute: int) -> bool:
    return any(since <= minute < until for since, until in map(minutes_of, _windows_on(hours, day)))


def _windows_on(hours: OpeningHours, day: date) -> Windows:
    holiday = _holiday_on(hours, day)
    return holiday.open if holiday is not None else hours.weekly.get(DAYS[day.weekday()], ())  # type: ignore[call-overload]  # a plain word of Day


def _holiday_on(hours: OpeningHours, day: date) -> Holiday | None:
    return next((holiday for holiday in hours.holidays if holiday.covers(day)), None)


def _moments(hours: OpeningHours, at: datetime, name: str) -> Iterator[datetime]:
    """Yield the moments at which something may change, in order, from the day before on."""
    zone = ZoneInfo(hours.timezone or name)
    first = at.astimezone(zone).date() - timedelta(days=1)
    for days in range(FORESEEN_DAYS):
        day = first + timedelta(days=days)
        midnight = datetime.combine(day, time(), zone).astimezone(UTC)
        following = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
        quarters = int((following - midnight) / timedelta(minutes=15))
        # On a day on which the clocks change, hours are skipped or come twice: any quarter may matter.
        moments = {midnight + timedelta(minutes=15 * n) for n in range(quarters if quarters != 96 else 1)}
        night_before = {minute - DAY_MINUTES for minute in _edges(hours, day - timedelta(days=1))}
        for edge in night_before | _edges(hours, day):
            if 0 <= edge < DAY_MINUTES:
                at_wall = datetime.combine(day, time(edge // 60, edge % 60), zone)
                moments |= {at_wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
        yield from sorted(moments)


def _edges(hours: OpeningHours, day: date) -> set[int]:
    """Return the minutes at which a window of the day begins or ends."""
    return {minute for window in _windows_on(hours, day) for minute in minutes_of(window)}
