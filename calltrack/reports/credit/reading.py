"""A day's conversions and lost journeys from rows: set-based reads, in portions where there may be many."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from calltrack.attribution.stored import posterior_of
from calltrack.kernel.ids import first_id_of
from calltrack.kernel.origin import campaign_key
from calltrack.reports.credit.day_paths import DayPaths
from calltrack.reports.credit.lost import Won
from calltrack.reports.credit.told import LONGEST, Ended, Seen, Suspect

PORTION = 2_000
ROWS = 5_000
MILLISECOND = timedelta(milliseconds=1)
# The company as a sub-select: see `infra/rows.hidden`.
CONVERSIONS = text(
    """
    SELECT c.id, c.kind, c.person_id, c.call_id, k.started_at AS called_at,
           CASE WHEN c.currency = (SELECT currency FROM company WHERE id = :company_id)
                THEN coalesce(c.value_minor, 0) ELSE 0 END AS value_minor,
           a.id IS NOT NULL AS is_judged, a.model, a.p_nobody, a.rest, a.p_repeat, a.p_campaign,
           a.source, a.medium, a.campaign, a.candidates, a.by_campaign, a.by_source, a.reasons
    FROM conversion c
    JOIN call k ON k.company_id = c.company_id AND k.id = c.call_id
    LEFT JOIN attribution a ON a.company_id = c.company_id AND a.call_id = c.call_id AND a.is_current
    WHERE c.company_id = (SELECT CAST(:company_id AS uuid))
      AND c.occurred_at >= :since AND c.occurred_at < :until AND c.status = 'counted'
    ORDER BY c.id
    """
)
BROWSERS = text(
    """
    SELECT person_id, visitor_id, call_id, probability FROM person_visitor
    WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND person_id = ANY(:persons)
    """
)
OFFLINE = text(
    """
    SELECT p.person_id, k.id AS call_id, k.started_at AS at, a.source, a.medium, a.campaign
    FROM person_caller p
    JOIN call k ON k.company_id = p.company_id AND k.caller_hash = p.caller_hash AND k.started_at >= :since
    JOIN attribution a ON a.company_id = k.company_id AND a.call_id = k.id AND a.is_current
    WHERE p.company_id = (SELECT CAST(:company_id AS uuid)) AND p.person_id = ANY(:persons)
      AND a.model = 'static' AND a.source <> ''
    """
)
VISITS = text(
    """
    SELECT visitor_id, id, started_at, source, medium, campaign FROM visit
    WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND visitor_id = ANY(:visitors)
      AND id >= :first AND id < :last
    ORDER BY visitor_id, id
    """
)
SEEN_THAT_DAY = text(
    """
    SELECT v.visitor_id, v.id, v.started_at, v.source, v.medium, v.campaign
    FROM (SELECT DISTINCT visitor_id FROM visit
          WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND id >= :begin AND id < :end) d
    JOIN visit v ON v.company_id = (SELECT CAST(:company_id AS uuid)) AND v.visitor_id = d.visitor_id
      AND v.id >= :first AND v.id < :last
    ORDER BY v.visitor_id, v.id
    """
)
# Of the person a browser is known to be of, and of calls that one of the day's visits likely made.
WON = text(
    """
    SELECT p.visitor_id, p.probability, c.kind, k.started_at AS called_at
    FROM (SELECT DISTINCT visitor_id FROM visit
          WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND id >= :begin AND id < :end) d
    JOIN person_visitor p ON p.company_id = (SELECT CAST(:company_id AS uuid)) AND p.visitor_id = d.visitor_id
    JOIN conversion c ON c.company_id = p.company_id AND c.person_id = p.person_id AND c.status = 'counted'
    JOIN call k ON k.company_id = c.company_id AND k.id = c.call_id
    UNION ALL
    SELECT v.visitor_id, a.probability, c.kind, k.started_at
    FROM visit v
    JOIN attribution a ON a.company_id = (SELECT CAST(:company_id AS uuid)) AND a.visit_id = v.id
      AND a.is_current
    JOIN conversion c ON c.company_id = a.company_id AND c.call_id = a.call_id AND c.status = 'counted'
    JOIN call k ON k.company_id = c.company_id AND k.id = c.call_id
    WHERE v.company_id = (SELECT CAST(:company_id AS uuid)) AND v.id >= :begin AND v.id < :end
    """
)


@dataclass(frozen=True)
class Stretch:
    """The moments a day of the company's time zone begins and ends at."""

    since: datetime
    until: datetime


def read_day(session: Session, company_id: UUID, day: Stretch, *, is_over: bool) -> DayPaths:
    """Return the paths of a day; journeys that led to nothing are told only once the day is over."""
    session.execute(text("SET LOCAL statement_timeout = '120s'"))
    found = DayPaths()
    rows = session.execute(
        CONVERSIONS, {"company_id": company_id, "since": day.since, "until": day.until}
    ).all()
    for at in range(0, len(rows), PORTION):
        _add_conversions(session, company_id, rows[at : at + PORTION], found)
    if is_over:
        _add_lost(session, company_id, day, found)
    return found


def _add_conversions(session: Session, company_id: UUID, rows: Sequence[Row[Any]], found: DayPaths) -> None:
    persons = list({row.person_id for row in rows if row.person_id})
    since = min(row.called_at for row in rows) - LONGEST
    browsers: dict[UUID, list[Row[Any]]] = defaultdict(list)
    offline: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(BROWSERS, {"company_id": company_id, "persons": persons}):
        browsers[row.person_id].append(row)
    for row in session.execute(OFFLINE, {"company_id": company_id, "persons": persons, "since": since}):
        offline[row.person_id].append(row)
    ended = [_ended(row, browsers.get(row.person_id, ()), offline.get(row.person_id, ())) for row in rows]
    visitors = {one.visitor for some in ended for one in some.suspects if one.visitor}
    visitors |= {visitor for some in ended for visitor, _ in some.browsers}
    until = max(row.called_at for row in rows)
    found.add(ended, _visits(session, company_id, visitors, since, until))


def _ended(row: Row[Any], browsers: Sequence[Row[Any]], offline: Sequence[Row[Any]]) -> Ended:
    verdict = posterior_of(row) if row.is_judged else None
    return Ended(
        kind=row.kind,
        called_at=row.called_at,
        value_minor=row.value_minor,
        suspects=[
            Suspect(_id(one.visit), _id(one.visitor), one.campaign, one.p)
            for one in (verdict.candidates if verdict else ())
        ],
        by_campaign=verdict.by_campaign if verdict else {},
        # What this very call says of a browser is its verdict, which counts already.
        browsers=[(one.visitor_id, one.probability) for one in browsers if one.call_id != row.call_id],
        offline=[
            Seen(one.at, campaign_key(one.source, one.medium, one.campaign))
            for one in offline
            if one.call_id != row.call_id and one.at < row.called_at
        ],
    )


def _id(text_: str) -> UUID | None:
    return UUID(text_) if text_ else None


def _visits(
    session: Session, company_id: UUID, visitors: Collection[UUID], since: datetime, until: datetime
) -> dict[UUID, list[Seen]]:
    if not visitors:
        return {}
    rows = session.execute(
        VISITS,
        {
            "company_id": company_id,
            "visitors": list(visitors),
            "first": first_id_of(since),
            # A visit's id and its call may fall into one millisecond.
            "last": first_id_of(until + MILLISECOND),
        },
    )
    return dict(_by_visitor(rows))


def _by_visitor(rows: Any) -> Iterator[tuple[UUID, list[Seen]]]:
    for visitor, some in groupby(rows, lambda row: row.visitor_id):
        yield (
            visitor,
            [
                Seen(row.started_at, campaign_key(row.source, row.medium, row.campaign), row.id)
                for row in some
            ],
        )


def _add_lost(session: Session, company_id: UUID, day: Stretch, found: DayPaths) -> None:
    asked = {
        "company_id": company_id,
        "begin": first_id_of(day.since),
        "end": first_id_of(day.until),
        "first": first_id_of(day.since - LONGEST),
        "last": first_id_of(day.until + LONGEST),
    }
    won: dict[UUID, list[Won]] = defaultdict(list)
    for row in session.execute(WON, asked):
        won[row.visitor_id].append(Won(row.kind, row.called_at, row.probability))
    rows = session.execute(SEEN_THAT_DAY, asked, execution_options={"yield_per": ROWS})
    for visitor, visits in _by_visitor(rows):
        found.add_lost(visits, won.get(visitor, ()), day.since, day.until)
