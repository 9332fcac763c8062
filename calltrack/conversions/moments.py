"""Dates and times as files and CRMs write them, read in the company's time zone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from calltrack.kernel.errors import BadInput

NOON = time(12)
_MONTHS = {
    name: number
    for number, names in enumerate((
        "jan january januar gennaio gen januari janvier", "feb february februar febbraio february fevrier",
        "mar march marz märz maerz marzo mars mrz", "apr april aprile avril", "may mai maggio mag",
        "jun june juni giugno giu juin", "jul july juli luglio lug juillet", "aug august agosto ago aout",
        "sep sept september settembre set septembre", "oct okt october oktober ottobre ott octobre",
        "nov november novembre", "dec dez december dezember dicembre dic decembre",
    ), 1)
    for name in names.split()
}  # fmt: skip
_CLOCK = (
    r"(?:[T\s,]+(?:um\s|at\s|alle\s)?(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})"
    r"(?:[.,]\d{1,6})?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
)
_NUMBERS = re.compile(
    rf"^(?P<one>\d{{1,2}})(?P<mark>[./-])(?P<two>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d{{2}}){_CLOCK}$"
)
_YEAR_FIRST = re.compile(rf"^(?P<year>\d{{4}})[./](?P<month>\d{{1,2}})[./](?P<day>\d{{1,2}}){_CLOCK}$")
_DAY_NAMED = re.compile(rf"^(?P<day>\d{{1,2}})\.?\s+(?P<name>[^\W\d]+)\.?,?\s+(?P<year>\d{{4}}){_CLOCK}$")
_NAME_FIRST = re.compile(rf"^(?P<name>[^\W\d]+)\.?\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}}){_CLOCK}$")
_EPOCH = re.compile(r"^\d{10}(\d{3})?$")
_ISO_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True)
class Moment:
    """A moment in UTC; `day_only` where no time was told (then it is noon of that day in the zone)."""

    at: datetime
    day_only: bool = False


def read_moment(text: str, zone: str, *, day_first: bool = True) -> Moment:
    """Read a date, with or without a time.

    `2026-11-20T12:00:00Z`, `2026-11-20 13:00`, `20.11.2026 13:00`, `20/11/2026`, `11/20/2026 1:00 PM` (with
    `day_first=False`), `20 Nov 2026`, `Nov 20, 2026`, RFC 2822, seconds or milliseconds since 1970. A time
    without a zone is in `zone`; in the hour that a clock change repeats, the first one is meant.

    Raises:
        BadInput: it is none of these, or no such day exists.
    """
    cell = " ".join(text.split())
    try:
        found = _read(cell, ZoneInfo(zone), day_first)
    except (ValueError, OverflowError):
        found = None
    if found is None or not 1990 <= found.at.year < 2200:
        raise BadInput(f"{cell[:40]!r} is not a date we can read; write it like 2026-11-20 13:00.")
    return found


def guess_day_first(cells: Iterable[str], country: str) -> bool:
    """Tell whether `05/06/2026` in this column is the fifth of June; without proof the country decides."""
    for cell in cells:
        found = _NUMBERS.match(" ".join(cell.split()))
        if found and int(found["one"]) > 12:
            return True
        if found and int(found["two"]) > 12:
            return False
    return country not in ("US", "PH", "PR", "GU")


def _read(cell: str, zone: ZoneInfo, day_first: bool) -> Moment | None:
    if found := _EPOCH.match(cell):
        return Moment(datetime.fromtimestamp(int(cell) / (1000 if found[1] else 1), UTC))
    if _ISO_DAY.match(cell):
        return _noon(date.fromisoformat(cell), zone)
    if found := _NUMBERS.match(cell):
        one, two = int(found["one"]), int(found["two"])
        first = day_first or found["mark"] == "."
        day, month = (one, two) if first else (two, one)
        return _build(found, _full_year(found["year"]), month, day, zone)
    if found := _YEAR_FIRST.match(cell):
        return _build(found, int(found["year"]), int(found["month"]), int(found["day"]), zone)
    if found := _DAY_NAMED.match(cell) or _NAME_FIRST.match(cell):
        month_of_name = _MONTHS.get(found["name"].lower())
        if month_of_name is None:
            return None
        return _build(found, int(found["year"]), month_of_name, int(found["day"]), zone)
    if re.match(r"^[A-Za-z]{3}, \d", cell):
        return _in_utc(parsedate_to_datetime(cell), zone)
    return _in_utc(datetime.fromisoformat(cell), zone) if re.match(r"^\d{4}-\d{2}-\d{2}[T ]", cell) else None


def _build(found: re.Match[str], year: int, month: int, day: int, zone: ZoneInfo) -> Moment:
    that = date(year, month, day)
    if found["hour"] is None:
        return _noon(that, zone)
    hour, half = int(found["hour"]), (found["half"] or "")[:1].lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half == "p" else 0)
    clock = time(hour, int(found["minute"]), int(found["second"] or 0))
    return _in_utc(datetime.combine(that, clock), zone)


def _noon(day: date, zone: ZoneInfo) -> Moment:
    return Moment(datetime.combine(day, NOON, zone).astimezone(UTC), day_only=True)


def _in_utc(moment: datetime, zone: ZoneInfo) -> Moment:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return Moment(aware.astimezone(UTC))


def _full_year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)
