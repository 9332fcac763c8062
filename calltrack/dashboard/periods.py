"""The period a page shows: whole days of the company's own time zone, and the same length before it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from calltrack.conversions.figures import Span, Step

NAMES = {"7d": "7 days", "30d": "30 days", "90d": "90 days", "12m": "12 months"}
USUAL = "30d"
_DAYS = {"7d": 7, "30d": 30, "90d": 90}


@dataclass(frozen=True)
class Period:
    """A named period up to now, the one before it, and the buckets its chart is drawn in."""

    name: str
    span: Span
    before: Span
    step: Step

    @property
    def words(self) -> str:
        """The period as people call it."""
        return NAMES[self.name]


def period(name: str, now: datetime, zone: str) -> Period:
    """Return a period by name (`7d`, `30d`, `90d`, `12m`; anything else: 30 days).

    It begins at midnight in the company's zone and ends now. The one before is as long by the calendar:
    it ends at the same time of day, so that a young day is never compared with a whole one.
    """
    where = ZoneInfo(zone)
    local = now.astimezone(where)
    today = local.date()
    if name == "12m":
        first, step = _months_back(today.replace(day=1), 11), "month"
        earlier, earlier_end = _months_back(first, 12), _a_year_before(today)
        return Period("12m", Span(_midnight(first, where), now), Span(
            _midnight(earlier, where), _at(earlier_end, local.time(), where)), _step(step))  # fmt: skip
    name = name if name in _DAYS else USUAL
    days = _DAYS[name]
    first = today - timedelta(days=days - 1)
    return Period(
        name,
        Span(_midnight(first, where), now),
        Span(
            _midnight(first - timedelta(days=days), where),
            _at(today - timedelta(days=days), local.time(), where),
        ),
        "week" if name == "90d" else "day",
    )


def day_span(since: str, until: str, zone: str) -> tuple[datetime | None, datetime | None]:
    """Read two days from a form (`2026-11-20`, both included); what is no day is left out."""
    where = ZoneInfo(zone)
    first, last = _day(since), _day(until)
    return (
        _midnight(first, where) if first else None,
        _midnight(last + timedelta(days=1), where) if last else None,
    )


def _step(name: str) -> Step:
    return "month" if name == "month" else "day"


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def _midnight(day: date, where: ZoneInfo) -> datetime:
    return _at(day, time(), where)


def _at(day: date, moment: time, where: ZoneInfo) -> datetime:
    return datetime.combine(day, moment, tzinfo=where)


def _months_back(first: date, months: int) -> date:
    count = first.year * 12 + first.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def _a_year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
