"""The paths of whole months, kept as they were added up: a year is read from a dozen rows.

A kept month holds while its days are those it was added up from: as many, counted no later, of equal totals.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.journeys.credit.paths import Paths, Totals
from calltrack.reports.credit.model import CreditDay, CreditMonth, CreditPaths
from calltrack.reports.credit.packing import pack, unpack
from calltrack.reports.days import last_of

SUMS = ("conversions", "nulls", "value_minor", "uncredited", "uncredited_value")
NEAR = 1e-9


class Question(Protocol):
    """What is asked of paths beside the days."""

    @property
    def level(self) -> str:
        """Return source or campaign."""

    @property
    def kind(self) -> str:
        """Return lead or purchase."""

    @property
    def days(self) -> int:
        """Return the window."""


@dataclass(frozen=True)
class Basis:
    """What a month's days are now: how many, when the newest was counted, what they add up to."""

    counted_days: int
    counted_at: datetime
    totals: Totals


def bases_of(
    session: Session, company_id: UUID, asked: Question, months: Sequence[date]
) -> dict[date, Basis]:
    """Return what the days of each of these whole months are; a month without a counted day is left out."""
    if not months:
        return {}
    month = func.date_trunc("month", CreditPaths.day).cast(CreditPaths.day.type)
    rows = session.execute(
        select(
            month.label("month"), func.count().label("counted_days"),
            func.max(CreditDay.counted_at).label("counted_at"),
            *(func.sum(getattr(CreditPaths, name)).label(name) for name in SUMS),
        )
        .join(
            CreditDay,
            (CreditDay.company_id == CreditPaths.company_id) & (CreditDay.day == CreditPaths.day),
        )
        .where(
            *_of(CreditPaths, company_id, asked),
            CreditPaths.day.between(months[0], last_of(months[-1])),
            CreditDay.counted_at.is_not(None),
        )
        .group_by(month)
    )  # fmt: skip
    return {row.month: Basis(row.counted_days, row.counted_at, totals_of(row)) for row in rows}


def kept_months(
    session: Session, company_id: UUID, asked: Question, bases: dict[date, Basis]
) -> dict[date, Paths]:
    """Return the kept paths of those months whose days are still what they were."""
    rows = session.scalars(
        select(CreditMonth).where(*_of(CreditMonth, company_id, asked), CreditMonth.month.in_(bases))
    )
    return {
        row.month: unpack(row.packed, row.channels, totals_of(row))
        for row in rows
        if _holds(row, bases[row.month])
    }


def keep_month(
    session: Session, company_id: UUID, asked: Question, month: date, basis: Basis, paths: Paths
) -> None:
    """Keep the paths of a month instead of those that were kept before."""
    key = {
        "company_id": company_id, "level": asked.level, "kind": asked.kind, "days": asked.days,
        "month": month,
    }  # fmt: skip
    told: dict[str, Any] = {
        "counted_days": basis.counted_days, "counted_at": basis.counted_at, "channels": list(paths.channels),
        "packed": pack(paths), **{name: getattr(paths.totals, name) for name in SUMS},
    }  # fmt: skip
    session.execute(
        insert(CreditMonth).values(**key, **told).on_conflict_do_update(index_elements=list(key), set_=told)
    )


def totals_of(row: object) -> Totals:
    """Return the totals that stand in a row."""
    told = {name: getattr(row, name) for name in SUMS}
    return Totals(**told | {"value_minor": int(told["value_minor"])})


def _holds(row: CreditMonth, basis: Basis) -> bool:
    same = (row.counted_days, row.counted_at) == (basis.counted_days, basis.counted_at)
    return same and all(
        abs(getattr(row, name) - getattr(basis.totals, name)) <= NEAR * max(1.0, abs(getattr(row, name)))
        for name in SUMS
    )


def _of(table: Any, company_id: UUID, asked: Question) -> Iterable[Any]:
    return (
        table.company_id == company_id, table.level == asked.level, table.kind == asked.kind,
        table.days == asked.days,
    )  # fmt: skip
