"""Currencies: the company's dated table of rates, and costs converted by it.

A cost of a day takes that day's rate, or the last earlier one; without any it stays unconverted, and says so.
Rates are stored as they are told (one unit of `base` is `rate` of `quote`) and serve both ways, and over a
common third currency where no direct one is known, as with the tables of a central bank.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.money import EXPONENTS, currency_code
from calltrack.spend.match_model import SpendWatch
from calltrack.spend.model import SpendAccount
from calltrack.spend.shares import share_out, write_costs
from calltrack.spend.typed_model import CurrencyRate

ONE: Final = Decimal(1)
MOST_RATE: Final = Decimal(10) ** 9
LEAST_RATE: Final = Decimal(1) / MOST_RATE


@dataclass(frozen=True, slots=True)
class RateRow:
    """On this day one unit of `base` was worth `rate` of `quote`."""

    base: str
    quote: str
    day: date
    rate: Decimal


class RateBook:
    """The rates of one company. Pure: made of rows, asked for a day."""

    def __init__(self, rows: Iterable[RateRow]) -> None:
        """Sort the rows by pair and day."""
        found: dict[tuple[str, str], list[tuple[date, Decimal]]] = {}
        for row in rows:
            found.setdefault((row.base, row.quote), []).append((row.day, row.rate))
        self._pairs = {pair: sorted(dated) for pair, dated in found.items()}

    def rate(self, from_: str, to: str, day: date) -> Decimal | None:
        """Return what one unit of `from_` is worth in `to` on that day; None: no rate is known by then."""
        if from_ == to:
            return ONE
        direct = self._either_way(from_, to, day)
        if direct is not None:
            return direct
        third = sorted({code for pair in self._pairs for code in pair} - {from_, to})
        for over in third:
            first, second = self._either_way(from_, over, day), self._either_way(over, to, day)
            if first is not None and second is not None:
                return first * second
        return None

    def _either_way(self, from_: str, to: str, day: date) -> Decimal | None:
        there, back = self._last(from_, to, day), self._last(to, from_, day)
        if there is not None and (back is None or there[0] >= back[0]):
            return there[1]
        return ONE / back[1] if back is not None else None

    def _last(self, base: str, quote: str, day: date) -> tuple[date, Decimal] | None:
        dated = self._pairs.get((base, quote), [])
        place = bisect_right(dated, (day, MOST_RATE * 10))
        return dated[place - 1] if place else None


def read_rate(base: str, quote: str, day: date, rate: str) -> RateRow:
    """Read a rate a person or file tells.

    Raises:
        BadInput: no such currency, twice the same, or no number a rate can be.
    """
    from_, to = read_pair(base, quote)
    try:
        number = Decimal(rate.strip().replace(",", ".") if rate.count(",") == 1 else rate.strip())
    except InvalidOperation:
        raise BadInput(f"{rate.strip()[:20]!r} is not a rate; write it like 1.0842.") from None
    if not number.is_finite() or not LEAST_RATE <= number <= MOST_RATE:
        raise BadInput("A rate is above zero and below a thousand million.")
    return RateRow(from_, to, day, number)


def read_pair(base: str, quote: str) -> tuple[str, str]:
    """Read the two currencies of a rate.

    Raises:
        BadInput: no such currency, or twice the same.
    """
    from_, to = currency_code(base), currency_code(quote)
    if from_ == to:
        raise BadInput(f"A rate needs two currencies; {from_} is always worth one {from_}.")
    return from_, to


def book_of(session: Session, company_id: UUID) -> RateBook:
    """Return the company's rates."""
    rows = session.execute(
        select(CurrencyRate.base, CurrencyRate.quote, CurrencyRate.day, CurrencyRate.rate).where(
            CurrencyRate.company_id == company_id
        )
    )
    return RateBook(RateRow(*row) for row in rows)


def set_rates(session: Session, company_id: UUID, rows: Sequence[RateRow]) -> int:
    """Store rates, in place of others of the same day, and convert what they touch; returns days changed."""
    write_costs(session, company_id)
    unique = {(row.base, row.quote, row.day): row for row in rows}
    for start in range(0, len(unique), 5_000):
        part = list(unique.values())[start : start + 5_000]
        values = [
            {"company_id": company_id, "base": one.base, "quote": one.quote, "day": one.day, "rate": one.rate}
            for one in part
        ]
        statement = insert(CurrencyRate).values(values)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["company_id", "base", "quote", "day"],
                set_={"rate": statement.excluded.rate},
            )
        )
    _convert_once_more(session, company_id)
    return convert_all(session, company_id)


def forget_rate(session: Session, company_id: UUID, base: str, quote: str, day: date) -> None:
    """Take a rate out of the table and convert what it touched.

    Raises:
        NotFound: there is none.
    """
    write_costs(session, company_id)
    gone = session.scalars(
        delete(CurrencyRate)
        .where(
            CurrencyRate.company_id == company_id, CurrencyRate.base == base, CurrencyRate.quote == quote,
            CurrencyRate.day == day,
        )
        .returning(CurrencyRate.day)
    ).all()  # fmt: skip
    if not gone:
        raise NotFound(f"There is no rate of {base} in {quote} for {day}; name the day it was stored for.")
    _convert_once_more(session, company_id)
    convert_all(session, company_id)


def _convert_once_more(session: Session, company_id: UUID) -> None:
    """Have costs converted again at the next matching: a worker may just store some at the old rates."""
    session.execute(update(SpendWatch).where(SpendWatch.company_id == company_id).values(converted_to=""))


def convert_all(session: Session, company_id: UUID) -> int:
    """Convert every account's costs by the present table and currency; returns how many days changed."""
    accounts = session.scalars(select(SpendAccount.id).where(SpendAccount.company_id == company_id)).all()
    book = book_of(session, company_id)
    return sum(convert(session, company_id, account_id, book) for account_id in accounts)


def convert(session: Session, company_id: UUID, account_id: UUID, book: RateBook) -> int:
    """Convert an account's costs; what is right already stays untouched. Returns how many days changed."""
    rates, here = rates_of(session, company_id, account_id, book), {"company_id": company_id}
    campaigns = list(session.scalars(_CAMPAIGNS, {**here, "account_id": account_id}))
    if not campaigns:
        return 0
    given: dict[str, Any] = {**here, "campaigns": campaigns, "power": rates.power}
    days = sorted({*session.scalars(_DAYS, given), *session.scalars(_PART_DAYS, given)})
    changed = 0
    for start in range(0, len(days), DAYS_AT_ONCE):
        some = days[start : start + DAYS_AT_ONCE]
        dated = {**given, "days": some, "rates": [rates.on(day) for day in some]}
        converted = list(session.scalars(_CONVERT_DAYS, dated))
        changed += len(converted)
        session.execute(_CONVERT_PARTS, dated)
        share_out(session, company_id, campaigns, set(converted))
    return changed


class Rates:
    """What one unit of an account's currency is worth in the company's, day by day."""

    def __init__(self, book: RateBook, from_: str, to: str) -> None:
        self._book, self._from, self._to = book, from_, to
        self._known: dict[date, Decimal | None] = {}
        # A rate times this makes millionths of the account's currency minor units of the company's.
        self.power = Decimal(10) ** EXPONENTS.get(to, 2) / 1_000_000

    def on(self, day: date) -> Decimal | None:
        """Return the rate of a day; None: none is known by then."""
        if day not in self._known:
            self._known[day] = self._book.rate(self._from, self._to, day)
        return self._known[day]


def rates_of(session: Session, company_id: UUID, account_id: UUID, book: RateBook | None = None) -> Rates:
    """Return the rates of an account; the company's table is read where it is needed only."""
    to = session.scalar(select(Company.currency).where(Company.id == company_id)) or "EUR"
    here = (SpendAccount.company_id == company_id, SpendAccount.id == account_id)
    from_ = session.scalar(select(SpendAccount.currency).where(*here)) or to
    known = book or (RateBook(()) if from_ == to else book_of(session, company_id))
    return Rates(known, from_, to)


# So many days of keywords are converted in one statement.
DAYS_AT_ONCE: Final = 31
_CAMPAIGNS = text("SELECT id FROM spend_campaign WHERE company_id = :company_id AND account_id = :account_id")
_DAYS = text(
    """
    SELECT DISTINCT day FROM spend_day
    WHERE company_id = :company_id AND campaign_id = ANY(CAST(:campaigns AS uuid[]))
    """
)
_PART_DAYS = text(
    """
    SELECT DISTINCT d.day FROM spend_part p
    JOIN spend_part_day d ON d.company_id = p.company_id AND d.part_id = p.id
    WHERE p.company_id = :company_id AND p.campaign_id = ANY(CAST(:campaigns AS uuid[]))
    """
)
_RATE = "unnest(CAST(:days AS date[]), CAST(:rates AS numeric[])) r(day, rate)"
_CONVERT_DAYS = text(
    f"""
    UPDATE spend_day d SET cost_minor = round(d.cost_micros * r.rate * :power)
    FROM {_RATE}
    WHERE d.company_id = :company_id AND d.campaign_id = ANY(CAST(:campaigns AS uuid[])) AND d.day = r.day
      AND d.cost_minor IS DISTINCT FROM round(d.cost_micros * r.rate * :power)
    RETURNING d.day
    """  # noqa: S608 (a constant)
)
_CONVERT_PARTS = text(
    f"""
    UPDATE spend_part_day d SET cost_minor = round(d.cost_micros * r.rate * :power)
    FROM {_RATE}, spend_part p
    WHERE p.company_id = :company_id AND p.campaign_id = ANY(CAST(:campaigns AS uuid[]))
      AND d.company_id = p.company_id AND d.part_id = p.id AND d.day = r.day
      AND d.cost_minor IS DISTINCT FROM round(d.cost_micros * r.rate * :power)
    """  # noqa: S608 (a constant)
)
