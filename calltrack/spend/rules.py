"""Pure rules of spend: which days are read, how amounts are spread and rounded, when to look again."""

import calendar
import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from zoneinfo import ZoneInfo

from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import EXPONENTS
from calltrack.spend.told import Days

MICROS: Final = 1_000_000
TRAILING_DAYS: Final = 14
NIGHT_DAYS: Final = 30
NIGHT_FROM: Final = 3  # o'clock in the account's time zone: the day before has settled by then
# Ad groups and keywords of so many days are read with every look; the others at night.
FRESH_DAYS: Final = 2
CLICK_DAYS: Final = 90
"""How far back Google tells clicks: so far at night, and so far with every look:"""
FRESH_CLICK_DAYS: Final = 3
EVERY: Final = timedelta(hours=1)
# How long to leave a platform alone that was unwell n times in a row; the last one repeats.
HOLDS: Final = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3))
LONGEST_ENTRY: Final = 3_660
# So that the sum of many costs still fits the database's numbers, in millionths.
MOST_MINOR: Final = 10**11


def today_in(timezone: str, now: datetime) -> date:
    """Return the day it is in a time zone."""
    return now.astimezone(ZoneInfo(timezone)).date()


def is_night_due(timezone: str, night_on: date | None, now: datetime) -> bool:
    """Tell whether the last 30 days are to be read anew: once a day, when the day before has settled."""
    local = now.astimezone(ZoneInfo(timezone))
    return local.hour >= NIGHT_FROM and (night_on is None or night_on < local.date())


def days_to_read(today: date, first_day: date | None, *, is_first: bool, is_night: bool) -> Days:
    """Return the days of the next look: all that are wanted at first, then the trailing window."""
    back = NIGHT_DAYS if is_night else TRAILING_DAYS
    first = today - timedelta(days=back - 1)
    if first_day is not None and is_first:
        first = min(first, first_day)
    return Days(first, today)


def next_look(now: datetime, company_and_account: int) -> datetime:
    """Return when to look next: in an hour, spread by the account so that not all come at once."""
    return now + EVERY + timedelta(seconds=company_and_account % 300)


def hold_for(unwell: int, after: timedelta | None) -> timedelta:
    """Return how long to wait after the n-th failure in a row (0: the first), or as long as asked for."""
    return after if after is not None else HOLDS[min(unwell, len(HOLDS) - 1)]


def spread(total: int, days: int) -> list[int]:
    """Spread an amount over days: whole units, no two days differ by more than one, the sum is exact."""
    return [total * (day + 1) // days - total * day // days for day in range(days)]


def micros_of(minor: int, currency: str) -> int:
    """Return minor units as millionths of the currency's whole unit; exact."""
    return minor * int(Decimal(10) ** (6 - EXPONENTS.get(currency, 2)))


def micros_of_text(amount: str) -> int:
    """Return a platform's decimal amount ("12.34") as millionths; raises ValueError for what is none."""
    if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,12})?", amount.strip()):
        raise ValueError(f"{amount[:32]!r} is not an amount")
    return int((Decimal(amount.strip()) * MICROS).to_integral_value(ROUND_HALF_UP))


def minor_of(cost_micros: int, rate: Decimal, currency: str) -> int:
    """Return a cost in minor units of `currency`, of which one account unit is worth `rate`; half is up."""
    value = Decimal(cost_micros) * rate * Decimal(10) ** EXPONENTS.get(currency, 2) / MICROS
    return int(value.to_integral_value(ROUND_HALF_UP))


def read_days(first: str, last: str = "") -> Days:
    """Read a day, a month (`2026-11`), or a first and a last day.

    Raises:
        BadInput: no such day, the last before the first, or more than ten years.
    """
    month = re.fullmatch(r"([0-9]{4})-([0-9]{2})", first.strip())
    if month and not last.strip():
        year, number = int(month[1]), int(month[2])
        if not 1 <= number <= 12 or not 2000 <= year <= 2100:
            raise BadInput(f"{first.strip()} is not a month; write it like 2026-11.")
        return Days(date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1]))
    begin = _day(first)
    end = _day(last) if last.strip() else begin
    if end < begin:
        raise BadInput(f"The last day ({end}) lies before the first ({begin}).")
    if (end - begin).days >= LONGEST_ENTRY:
        raise BadInput("That is more than ten years; split it.")
    return Days(begin, end)


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(f"{text.strip()[:20]!r} is not a day; write it like 2026-11-30.") from None
    if not 2000 <= found.year <= 2100:
        raise BadInput(f"{found} lies too far away; check the year.")
    return found
