"""What the persons of a segment brought: counted from their calls, visits and conversions of the period.

Kept rows tell of no person, so a report of a segment is counted when it is asked for.
"""

from collections import defaultdict
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.infra.rows import by_index
from calltrack.journeys.rules import SURE_ENOUGH
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import first_id_of, parse_id
from calltrack.reports.ad_groups import named_by_written
from calltrack.reports.asking import Asked, Step, Stretch
from calltrack.reports.day_sql import ALONE, DETAILS, NOT_KNOWN, SUMS, moments
from calltrack.reports.days import bounds_of
from calltrack.reports.figures import Figures
from calltrack.reports.queries import CONDITIONS, Found, Key, filters_of
from calltrack.stages.segment_calls import CALLS_OF_MEMBERS, active_members
from calltrack.stages.segments import within_segment

# So many persons are counted while somebody waits: a second and a half of a processor, at most, for a period.
MOST_PERSONS: Final = 50_000
_NO_VISITS: Final = ("location", "number")
_ADDED: Final = ", ".join(
    [
        *(f"sum({name})::{'float8' if name == 'value_squared' else 'bigint'} AS {name}" for name in SUMS),
        "max(largest_minor) AS largest_minor",
    ]
)
# Those of a call's visit; to look each up takes most of the time, and most reports do not tell them.
_OF_VISIT: Final = ("keyword", "ad_group", "landing_page")
_MOMENTS: Final = {
    words: moments(
        day=True,
        words=words,
        of_visit="AND v.visitor_id = ANY(ARRAY(SELECT visitor_id FROM browsers))",
        of_call="AND c.id = ANY(ARRAY(SELECT id FROM mine))",
        of_conversion="AND call_id = ANY(ARRAY(SELECT id FROM mine))",
    )
    for words in (True, False)
}


def read_segment_rows(
    session: Session, company_id: UUID, asked: Asked, over: Stretch, step: Step, most: int, now: datetime
) -> tuple[Found, dict[date, Figures]]:
    """Return the rows of a period, their sum, and what each step of it brought.

    Args:
        session: a transaction of the company.
        company_id: whose report it is.
        asked: the question, with a segment.
        over: the days.
        step: how wide the steps are.
        most: rows beyond are only in the sum.
        now: whom the segment holds for is asked as of then.

    Raises:
        NotFound: the company has no such segment.
        BadInput: it holds for more persons than are counted while somebody waits.
    """
    company = session.get_one(Company, company_id)
    within = within_segment(session, company_id, parse_id(asked.segment), now)
    since, _ = bounds_of(over.since, company.timezone)
    _, until = bounds_of(over.until, company.timezone)
    members = active_members(session, company_id, within, since, until, MOST_PERSONS + 1)
    if len(members) > MOST_PERSONS:
        raise BadInput(
            f"More than {MOST_PERSONS:,} persons of this segment were active in this period, more than"
            " are counted while you wait. Choose a shorter period, or a narrower segment."
        )
    values = {
        "company_id": company_id, "sure_enough": SURE_ENOUGH, "members": members, "since": since,
        "until": until, "first": first_id_of(since), "last": first_id_of(until),
        "zone": company.timezone, "step": step, "currency": company.currency,
        "not_known": NOT_KNOWN, "details": asked.details,
        "oldest": UUID(int=0), "newest": UUID(int=2**128 - 1),
    } | dict(filters_of(asked))  # fmt: skip
    rows, steps = defaultdict[Key, Figures](Figures), defaultdict[date, Figures](Figures)
    width = len(asked.dimension.keys)
    named = named_by_written(session, company_id) if asked.dimension.id == "ad_group" else {}
    with by_index(session):
        found = session.execute(_statement(asked), values).all()
    for row in found:
        figures = Figures(*row[width + 1 :])
        rows[tuple(named.get(word, word) for word in row[:width])] += figures
        steps[row[width]] += figures
    largest = sorted(rows, key=lambda key: _place(key, rows[key]))[:most]
    return Found({key: rows[key] for key in largest}, Figures.sum_of(rows.values())), dict(steps)


def _statement(asked: Asked) -> TextClause:
    """Return the rows by words and step; SQL of this room and names of columns, values are parameters."""
    stored = asked.stored.removesuffix(ALONE)
    detail = DETAILS.get(stored) or "''"
    more = "".join(f" AND {CONDITIONS[name]}" for name in filters_of(asked))
    if stored in _NO_VISITS:
        more += " AND one.detail <> ''"
    keys = ", ".join(asked.dimension.keys)
    words = f"""
        WITH members AS MATERIALIZED (SELECT unnest(:members) AS id), {CALLS_OF_MEMBERS},
        moments AS ({_MOMENTS[stored in _OF_VISIT]}), one AS (SELECT *, {detail} AS detail FROM moments)
        SELECT {keys}, date_trunc(:step, day::timestamp)::date AS start, {_ADDED}
        FROM one WHERE true{more} GROUP BY {keys}, start
    """  # noqa: S608 - words of this room
    return text(words).bindparams(bindparam("members", type_=ARRAY(Uuid())))


def _place(key: Key, of: Figures) -> tuple[int, int, int, Key]:
    return (-of.leads - of.purchases, -of.calls, -of.visits, key)
