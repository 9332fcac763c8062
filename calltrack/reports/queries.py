"""Reads report rows: one statement a period, over whole months where they are added up, else over days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Date

from calltrack.reports.ad_groups import ALSO_WRITTEN
from calltrack.reports.asking import Asked, Step, Stretch, stored_words
from calltrack.reports.day_sql import MEASURES, SUMS
from calltrack.reports.days import edges, whole_months
from calltrack.reports.figures import Figures, figures_of

# Rows of one report; what the smaller ones brought stands in one row.
MOST_ROWS: Final = 5_000
Key = tuple[str, ...]

# In the order of the fields of `Figures`, as whole numbers: PostgreSQL's sums of them have decimals.
_ADDED: Final = ", ".join(
    [
        *(
            f"coalesce(sum({name}), 0)::{'float8' if name == 'value_squared' else 'bigint'} AS {name}"
            for name in SUMS
        ),
        "coalesce(max(largest_minor), 0) AS largest_minor",
    ]
)
_SELECTED: Final = f"source, medium, campaign, detail, day, {', '.join(SUMS)}, largest_minor"
# Over rows named `one`.
CONDITIONS: Final = {
    "source": "one.source = :source",
    "medium": "one.medium = :medium",
    "campaign": "one.campaign = :campaign",
    "detail": "one.detail = ANY(:details)",
}


@dataclass(frozen=True)
class Found:
    """The rows of one period by their words, the largest first, and what all rows together brought."""

    rows: dict[Key, Figures]
    total: Figures


def read_rows(
    session: Session, company_id: UUID, asked: Asked, over: Stretch, most: int = MOST_ROWS
) -> Found:
    """Return the rows of a period and their sum; rows beyond `most` are only in the sum."""
    keys = ", ".join(asked.dimension.keys)
    nothing = ", ".join("NULL" for _ in asked.dimension.keys)
    statement = f"""
        WITH {_rows(asked)}, by_word AS (
            SELECT {keys}, {_ADDED} FROM found GROUP BY {keys}
        ), {_as_named(asked)}, grouped AS MATERIALIZED (SELECT {keys}, {", ".join(MEASURES)} FROM named)
        SELECT {nothing}, 1 AS is_total, {_ADDED} FROM grouped
        UNION ALL (
            SELECT {keys}, 0, {", ".join(MEASURES)} FROM grouped
            ORDER BY leads + purchases DESC, calls DESC, visits DESC, {keys} LIMIT :most
        )
    """  # noqa: S608 - words of this file and of `dimensions.py`
    rows, total = {}, Figures()
    values = _values(company_id, asked.stored, asked, over) | {"most": most}
    width = len(asked.dimension.keys)
    for row in session.execute(_bound(statement), values).all():
        figures = Figures(*row[width + 1 :])
        if row[width]:
            total = figures
        else:
            rows[tuple(row[:width])] = figures
    return Found(rows, total)


def read_steps(session: Session, company_id: UUID, asked: Asked, step: Step) -> dict[date, Figures]:
    """Return what each day, week (its Monday) or month of the period brought, filters applied."""
    # Without a detail to ask for, the few rows of campaigns hold the same sums.
    stored = asked.stored if asked.within else "campaign"
    statement = f"""
        WITH {_rows(asked)}
        SELECT date_trunc(:step, day::timestamp)::date AS start, {_ADDED} FROM found GROUP BY 1 ORDER BY 1
    """  # noqa: S608 - words of this file
    values = _values(company_id, stored, asked, asked.now, by_days=step != "month") | {"step": step}
    return {row["start"]: figures_of(row) for row in session.execute(_bound(statement), values).mappings()}


def is_being_counted(session: Session, company_id: UUID, over: Stretch) -> int:
    """Return how many days of the period are still to be counted anew."""
    asked = {"company_id": company_id, "since": over.since, "until": over.until}
    return int(session.scalar(_STILL_DUE, asked) or 0)


_STILL_DUE: Final = text(
    """
    SELECT count(*) FROM report_due
    WHERE company_id = :company_id AND span = 'day' AND day BETWEEN :since AND :until
    """
)


def _rows(asked: Asked) -> str:
    """Return the WITH list that ends in `found`: a month is read from its days while a mark is on it."""
    more = "".join(f" AND {CONDITIONS[name]}" for name in filters_of(asked))
    return f"""
        open_month AS (
            SELECT day FROM report_due
            WHERE company_id = :company_id AND span = 'month' AND day = ANY(:months)
        ), stretch AS (
            -- OFFSET keeps each stretch a range of the index, however many rows a planner expects.
            SELECT * FROM unnest(:since, :until) AS edge (since, until)
            UNION ALL SELECT day, (day + interval '1 month' - interval '1 day')::date FROM open_month
        ), found AS (
            SELECT {_SELECTED} FROM stretch CROSS JOIN LATERAL (
                SELECT * FROM report_day one
                WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.dimension = :stored
                    AND one.day BETWEEN stretch.since AND stretch.until{more} OFFSET 0
            ) of_day
            UNION ALL
            SELECT {_SELECTED} FROM report_month one
            WHERE one.company_id = :company_id AND one.dimension = :stored
                AND one.day = ANY(ARRAY(SELECT unnest(:months) EXCEPT SELECT day FROM open_month)){more}
        )
    """  # noqa: S608 - words of this file


def filters_of(asked: Asked) -> Mapping[str, str]:
    """Return the words asked for by the column they stand in."""
    source, medium, campaign = stored_words(asked.source, asked.medium, asked.campaign)
    told = {
        "source": source, "medium": medium, "campaign": campaign,
        "detail": asked.within[1] if asked.within else None,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def _as_named(asked: Asked) -> str:
    """Return the CTE that puts ad groups together that are one under two words; else rows as they are."""
    if asked.dimension.id != "ad_group":
        return "named AS (SELECT * FROM by_word)"
    return f"""
        also AS MATERIALIZED ({ALSO_WRITTEN}), named AS (
            SELECT coalesce(also.named, by_word.detail) AS detail, {_ADDED}
            FROM by_word LEFT JOIN also ON also.written = by_word.detail GROUP BY 1
        )
    """  # noqa: S608 - constants


def _values(
    company_id: UUID, stored: str, asked: Asked, over: Stretch, *, by_days: bool = False
) -> dict[str, Any]:
    months = [] if by_days else whole_months(over.since, over.until)
    ends = [(over.since, over.until)] if by_days else edges(over.since, over.until)
    return {
        "company_id": company_id, "stored": stored, "months": months,
        "since": [first for first, _ in ends], "until": [last for _, last in ends], "details": asked.details,
    } | dict(filters_of(asked))  # fmt: skip


def _bound(statement: str) -> Any:
    days = ARRAY(Date())
    return text(statement).bindparams(
        bindparam("months", type_=days), bindparam("since", type_=days), bindparam("until", type_=days)
    )
