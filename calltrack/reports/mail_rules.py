"""When reports are mailed, and over which days: in the company's time zone. Pure."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from calltrack.kernel.errors import BadInput

EVERY: Final = {"day": "every day", "week": "every Monday", "month": "on the first of the month"}
# What each covers: the day, the week from Monday to Sunday, the month before.
PERIODS: Final = {"day": "yesterday", "week": "week", "month": "month"}
# After the n-th failed try; then the next due time has its turn.
STEPS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
MOST: Final = 50
FILTERS: Final = ("source", "medium", "campaign", "location", "number", "segment")


def next_due(every: str, hour: int, zone: str, after: datetime) -> datetime:
    """Return the first moment after `after` at which a report is due, in UTC.

    An hour that a night of daylight saving leaves out is taken as the one it becomes; one that comes twice,
    as its first.
    """
    where = ZoneInfo(zone)
    day = after.astimezone(where).date()
    while True:
        at = datetime.combine(day, time(hour), where).astimezone(ZoneInfo("UTC"))
        if _is_day(every, day) and at > after:
            return at
        day += timedelta(days=1)


def newest_due(every: str, hour: int, zone: str, due_at: datetime, now: datetime) -> datetime:
    """Return the last due moment up to now: what was missed meanwhile is not sent in a row."""
    while (following := next_due(every, hour, zone, due_at)) <= now:
        due_at = following
    return due_at


def wait_before(tries: int) -> timedelta | None:
    """Return how long to wait after so many failed tries; None: give up until the next due time."""
    return STEPS[tries - 1] if tries <= len(STEPS) else None


def checked(every: str, hour: str) -> tuple[str, int]:
    """Read how often and when.

    Raises:
        BadInput: a word or hour that is none.
    """
    if every not in EVERY:
        raise BadInput(f"Choose how often: {', '.join(EVERY)}.")
    if not hour.isdecimal() or len(hour) > 2 or int(hour) > 23:
        raise BadInput("Choose an hour from 0 to 23.")
    return every, int(hour)


def _is_day(every: str, day: date) -> bool:
    return every == "day" or (day.weekday() == 0 if every == "week" else day.day == 1)
