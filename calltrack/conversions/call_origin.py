"""What a filter asks of the origin of calls: credited words, the visit behind them, the hour they rang."""

from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    and_,
    bindparam,
    exists,
    extract,
    func,
    literal_column,
    or_,
    select,
)

from calltrack.accounts.model import Company
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.kernel.origin import NONE, NOT_KNOWN, UNKNOWN
from calltrack.visits.model import Visit
from calltrack.visits.page_words import page_sql

_OF_VISIT: Final[dict[str, Any]] = {
    "keyword": Visit.term,
    "ad_group": Visit.content,
    "landing_page": literal_column(page_sql("visit.landing_url")),
}


def by_words(source: str, medium: str, campaign: str) -> list[ColumnElement[bool]]:
    """Return the conditions on what calls are credited to; `unknown` and `(none)` ask for no such word."""
    found: list[ColumnElement[bool]] = []
    if source == UNKNOWN:
        found.append(or_(Attribution.source.is_(None), Attribution.source == ""))
    elif source:
        found.append(Attribution.source == source)
    for column, word in ((Attribution.medium, medium), (Attribution.campaign, campaign)):
        if word == NONE:
            found.append(func.coalesce(column, "") == "")
        elif word:
            found.append(column == word)
    return found


def by_visit(words: dict[str, str]) -> list[ColumnElement[bool]]:
    """Return the conditions on the credited visit: `(not known)` asks for calls without one."""
    found: list[ColumnElement[bool]] = []
    for place, (name, word) in enumerate(words.items()):
        if word == NOT_KNOWN:
            found.append(Attribution.visit_id.is_(None))
        elif word:
            same: BindParameter[str] = bindparam(f"visit_word_{place}", "" if word == NONE else word)
            this = and_(Visit.company_id == Call.company_id, Visit.id == Attribution.visit_id)
            found.append(exists().where(this, _OF_VISIT[name] == same).correlate(Call, Attribution))
    return found


def by_hour(hour: int) -> ColumnElement[bool]:
    """Return the condition on the hour of the week (0: Monday from midnight) in the company's time zone."""
    zone = select(Company.timezone).where(Company.id == Call.company_id).correlate(Call).scalar_subquery()
    local = func.timezone(zone, Call.started_at)
    return and_(extract("isodow", local) == hour // 24 + 1, extract("hour", local) == hour % 24)
