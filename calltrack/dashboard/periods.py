"""The period a page shows: whole days of the company's own time zone, and the same length before it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from calltrack.conversions.figures import Span, Step
from calltrack.reports.asking import stretch_before, stretch_of

NAMES = {"7d": "7 days", "30d": "30 days", "90d": "90 days", "12m": "12 months"}
USUAL = "30d"
STEPS: Final[dict[str, Step]] = {"90d": "week", "12m": "month"}


@dataclass(frozen=True)
class Period:
    """A named period up to now, the one before it, and the buckets its chart is drawn in."""

    name: str
    span: Span
    before: Span
    step: Step

    @property
    def dates(self) -> tuple[date, date]:
        """Its first and its last day in the company's zone, to be told beside its name."""
        zone = self.span.since.tzinfo
        return self.span.since.date(), self.span.until.astimezone(zone).date()

    @property
    def words(self) -> str:
        """The period as people call it."""
        return NAMES[self.name]


def period(name: str, now: datetime, zone: str) -> Period:
    """Return a period by name (`7d`, `30d`, `90d`, `12m`; anything else: 30 days): the days reports count.

    It begins at midnight in the company's zone and ends now. The one before is as long by the calendar:
    it ends at the same time of day, so that a young day is never compared with a whole one.
    """
    where = ZoneInfo(zone)
    local = now.astimezone(where)
    name = name if name in NAMES else USUAL
    days = stretch_of(name, local.date())
    before = stretch_before(name, days)
    return Period(
        name,
        Span(_midnight(days.since, where), now),
        Span(_midnight(before.since, where), _at(before.until, local.time(), where)),
        STEPS.get(name, "day"),
    )


def day_span(since: str, until: str, zone: str) -> tuple[datetime | None, datetime | None]:
    """Read two days from a form (`2026-11-20`, both included); what is no day is left out."""
    where = ZoneInfo(zone)
    first, last = _day(since), _day(until)
    return (
        _midnight(first, where) if first else None,
        _midnight(last + timedelta(days=1), where) if last else None,
    )


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
