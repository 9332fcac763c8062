"""Days and months of a company's time zone. Pure: no clock, no database."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def bounds_of(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return when the day begins and when the next one does: 23, 24 or 25 hours, or what the zone knows."""
    where = ZoneInfo(zone)
    return (
        datetime.combine(day, time(), tzinfo=where),
        datetime.combine(day + timedelta(days=1), time(), tzinfo=where),
    )


def day_of(moment: datetime, zone: str) -> date:
    """Return the day of the zone in which a moment lies."""
    return moment.astimezone(ZoneInfo(zone)).date()


def month_of(day: date) -> date:
    """Return the first day of the day's month."""
    return day.replace(day=1)


def last_of(month: date) -> date:
    """Return the last day of a month."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def whole_months(since: date, until: date) -> list[date]:
    """Return the first days of the months that lie wholly in the period (both days included)."""
    month = since if since.day == 1 else last_of(since) + timedelta(days=1)
    found = []
    while last_of(month) <= until:
        found.append(month)
        month = last_of(month) + timedelta(days=1)
    return found


def edges(since: date, until: date) -> list[tuple[date, date]]:
    """Return the stretches of the period that are outside its whole months."""
    months = whole_months(since, until)
    if not months:
        return [(since, until)] if since <= until else []
    found = [(since, months[0] - timedelta(days=1)), (last_of(months[-1]) + timedelta(days=1), until)]
    return [(first, last) for first, last in found if first <= last]


def stretches(days: Iterable[date]) -> list[tuple[date, date]]:
    """Return days (in order) as stretches of days that follow each other, first and last of each."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and found[-1][1] + timedelta(days=1) == day:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
