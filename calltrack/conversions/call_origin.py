"""What a filter asks of the origin of calls: credited words, the visit behind them, the hour they rang."""

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    bindparam,
    extract,
    func,
    literal_column,
    select,
)

from calltrack.accounts.model import Company
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.kernel.origin import NONE, NOT_KNOWN, UNKNOWN
from calltrack.visits.ad_words import ad_group_sql, click_sql, keyword_sql
from calltrack.visits.page_words import page_sql

# The same words as reports count by: whoever follows a row finds its calls.
_WORDS: Final = {
    "keyword": keyword_sql("v", "k"),
    "ad_group": ad_group_sql("v", "k"),
    "landing_page": page_sql("v.landing_url"),
}


def by_words(source: str, medium: str, campaign: str) -> list[ColumnElement[bool]]:
    """Return the conditions on what calls are credited to; `unknown` and `(none)` ask for no such word."""
    # A word alone would let PostgreSQL begin with all verdicts there are instead of the calls looked at.
    found: list[ColumnElement[bool]] = []
    if source:
        found.append(func.coalesce(Attribution.source, "") == ("" if source == UNKNOWN else source))
    for column, word in ((Attribution.medium, medium), (Attribution.campaign, campaign)):
        if word:
            found.append(func.coalesce(column, "") == ("" if word == NONE else word))
    return found


def by_visit(words: Mapping[str, Collection[str]]) -> list[ColumnElement[bool]]:
    """Return the conditions on the credited visit: any of these words; `(not known)` asks for no visit."""
    found: list[ColumnElement[bool]] = []
    for name, any_of in words.items():
        wanted = [word for word in any_of if word]
        if NOT_KNOWN in wanted:
            found.append(Attribution.visit_id.is_(None))
        elif wanted:
            asked = ["" if word == NONE else word for word in wanted]
            found.append(_is_one_of(name, asked))
    return found


def _is_one_of(name: str, words: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that the credited visit's word is one of these, compared as reports do."""
    visit: ColumnElement[str] = literal_column(
        f"""(SELECT {_WORDS[name]} FROM visit v LEFT JOIN LATERAL {click_sql("v")} k ON true
        WHERE v.company_id = call.company_id AND v.id = attribution.visit_id)""",  # noqa: S608 - constants
        Text(),
    )
    if name != "keyword":
        # A name of our own: SQLAlchemy would make one of the statement above.
        return visit.in_(bindparam(f"visit_{name}", list(words), expanding=True))
    return visit.in_([func.lower(func.btrim(func.regexp_replace(one, r"\s+", " ", "g"))) for one in words])


def by_hour(hour: int) -> ColumnElement[bool]:
    """Return the condition on the hour of the week (0: Monday from midnight) in the company's time zone."""
    zone = select(Company.timezone).where(Company.id == Call.company_id).correlate(Call).scalar_subquery()
    local = func.timezone(zone, Call.started_at)
    return and_(extract("isodow", local) == hour // 24 + 1, extract("hour", local) == hour % 24)
