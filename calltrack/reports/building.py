"""Counts a day, or a month, of a company anew: the same rows follow however often it is done."""

import json
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.kernel.ids import first_id_of
from calltrack.reports.day_sql import (
    FIND_VISITS,
    INSERT_CREDIT,
    INSERT_DAY,
    INSERT_MONTH,
    KEEP_VISITS,
    MOST_A_DAY,
    MOST_A_MONTH,
    NOT_KNOWN,
    OLD_VISITS,
    OTHER,
    STORED,
)
from calltrack.reports.days import bounds_of, last_of

NO_VISIT = UUID(int=0)
_EMPTY_DAY = text(
    "DELETE FROM report_day WHERE company_id = :company_id AND dimension = ANY(:all) AND day = :day"
)
_EMPTY_CREDIT = text("DELETE FROM campaign_credit_day WHERE company_id = :company_id AND day = :day")
_EMPTY_MONTH = text(
    "DELETE FROM report_month WHERE company_id = :company_id AND dimension = ANY(:all) AND day = :day"
)


def build_day(
    session: Session,
    company_id: UUID,
    day: date,
    zone: str,
    currency: str,
    most: int = MOST_A_DAY,
    *,
    may_be_forgotten: bool = False,
) -> None:
    """Count one day from its raw rows, and what each campaign earned on it.

    Args:
        session: a transaction of the company; rows before and after are those of one commit.
        company_id: whose day it is.
        day: a day of `zone`.
        zone: the company's time zone.
        currency: the company's currency; values in others are counted, not added.
        most: rows a dimension may have; what the smaller ones brought stands in one row.
        may_be_forgotten: the day is old enough for its visits to be dropped; where none is left, those that
            were counted before stay.
    """
    since, until = bounds_of(day, zone)
    asked: dict[str, Any] = {
        "company_id": company_id, "day": day, "since": since, "until": until, "first": first_id_of(since),
        "last": first_id_of(until), "zone": zone, "currency": currency, "most": most, "other": OTHER,
        "not_known": NOT_KNOWN, "all": list(STORED),
    }  # fmt: skip
    visits = list(session.scalars(FIND_VISITS, asked))
    asked |= {"oldest": min(visits, default=NO_VISIT), "newest": max(visits, default=NO_VISIT)}
    old = session.scalar(OLD_VISITS, asked) if may_be_forgotten else None
    for statement in (_EMPTY_DAY, INSERT_DAY, _EMPTY_CREDIT, INSERT_CREDIT):
        session.execute(statement, asked)
    if old:
        session.execute(KEEP_VISITS, asked | {"old": json.dumps(old)})


def build_month(session: Session, company_id: UUID, month: date, most: int = MOST_A_MONTH) -> None:
    """Add the days of a month up; `month` is its first day."""
    asked: dict[str, Any] = {
        "company_id": company_id, "day": month, "last_day": last_of(month), "most": most, "other": OTHER,
        "all": list(STORED),
    }  # fmt: skip
    session.execute(_EMPTY_MONTH, asked)
    for dimension in STORED:
        session.execute(INSERT_MONTH, asked | {"dimension": dimension})
