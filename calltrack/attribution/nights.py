"""When a company's night work is due: in the night of its own time zone, companies spread over two hours."""

from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

NIGHT: Final = time(2, 30)
SPREAD_MINUTES: Final = 120
MONDAY: Final = 0


def next_night(now: datetime, zone: str, company_id: UUID) -> datetime:
    """Return the first moment after now at which the company's lesson is due."""
    return _next(now, zone, company_id, range(7))


def next_week(now: datetime, zone: str, company_id: UUID) -> datetime:
    """Return the same for its calibration: in the night to a Monday."""
    return _next(now, zone, company_id, (MONDAY,))


def week_before(now: datetime, zone: str) -> tuple[date, datetime, datetime]:
    """Return the last whole week: its Monday, and when it began and ended in the company's time zone."""
    where = ZoneInfo(zone)
    today = now.astimezone(where).date()
    ended = today - timedelta(days=today.weekday())
    began = ended - timedelta(days=7)
    return began, _midnight(began, where), _midnight(ended, where)


def night_of(now: datetime, zone: str) -> date:
    """Return the day by which a night's lesson is named."""
    return now.astimezone(ZoneInfo(zone)).date()


def _next(now: datetime, zone: str, company_id: UUID, days: range | tuple[int, ...]) -> datetime:
    where = ZoneInfo(zone)
    spread = timedelta(minutes=company_id.int % SPREAD_MINUTES)
    day = now.astimezone(where).date()
    while True:
        # By the clock on the wall, then in absolute time: an hour may be missing that night, or come twice.
        due = datetime.combine(day, NIGHT, tzinfo=where).astimezone(now.tzinfo) + spread
        if due > now and day.weekday() in days:
            return due
        day += timedelta(days=1)


def _midnight(day: date, where: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=where)
