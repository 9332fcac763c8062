"""The figures of a period: totals, per day, per source. Every page and the API count with these."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.kernel.ids import first_id_of

Step = Literal["day", "week", "month"]
By = Literal["source", "campaign"]


@dataclass(frozen=True)
class Span:
    """A stretch of time, from (included) to (excluded)."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Totals:
    """What happened in a period. `value_minor` adds up purchases in the company's currency only.

    `ended` leaves out callers who were turned away (block list, caps): nobody missed them.
    """

    visits: int
    calls: int
    ended: int
    answered: int
    talk_seconds: int
    with_source: int
    leads: int
    purchases: int
    value_minor: int
    other_currency: int

    @property
    def answered_share(self) -> float | None:
        """Answered calls among those that ended; None when none ended."""
        return self.answered / self.ended if self.ended else None

    @property
    def source_share(self) -> float | None:
        """Calls whose source is known among all calls; None when there was no call."""
        return self.with_source / self.calls if self.calls else None


@dataclass(frozen=True)
class Bucket:
    """One day, week or month in the company's time zone."""

    start: date
    calls: int = 0
    answered: int = 0
    leads: int = 0
    purchases: int = 0
    value_minor: int = 0


@dataclass(frozen=True)
class SourceRow:
    """What one source (or campaign) brought; an empty source means it is not known."""

    source: str
    medium: str
    campaign: str
    visits: int
    calls: int
    answered: int
    leads: int
    purchases: int
    value_minor: int


_TOTALS = text(
    """
    WITH rang AS (
        SELECT count(*) AS calls,
               count(*) FILTER (WHERE c.outcome NOT IN ('blocked', 'over_limit')) AS ended,
               count(*) FILTER (WHERE c.outcome = 'answered') AS answered,
               coalesce(sum(c.talk_seconds), 0) AS talk_seconds,
               count(*) FILTER (WHERE a.source <> '') AS with_source
        FROM call c
        LEFT JOIN attribution a ON a.company_id = c.company_id AND a.call_id = c.id AND a.is_current
        WHERE c.company_id = :company_id AND c.started_at >= :since AND c.started_at < :until
    ), brought AS (
        SELECT count(*) FILTER (WHERE kind = 'lead') AS leads,
               count(*) FILTER (WHERE kind = 'purchase') AS purchases,
               coalesce(sum(value_minor) FILTER (WHERE kind = 'purchase' AND currency = :currency), 0)
                   AS value_minor,
               count(*) FILTER (WHERE kind = 'purchase' AND value_minor > 0 AND currency <> :currency)
                   AS other_currency
        FROM conversion
        WHERE company_id = :company_id AND status = 'counted'
          AND occurred_at >= :since AND occurred_at < :until
    )
    SELECT (SELECT count(*) FROM visit WHERE company_id = :company_id AND id >= :first AND id < :last)
               AS visits, rang.*, brought.*
    FROM rang, brought
    """
)

_BUCKETS = text(
    """
    SELECT start::date AS start, sum(calls) AS calls, sum(answered) AS answered, sum(leads) AS leads,
           sum(purchases) AS purchases, sum(value_minor) AS value_minor
    FROM (
        SELECT date_trunc(:step, started_at AT TIME ZONE :zone) AS start, 1 AS calls,
               (outcome IS NOT DISTINCT FROM 'answered')::int AS answered, 0 AS leads, 0 AS purchases,
               0::bigint AS value_minor
        FROM call WHERE company_id = :company_id AND started_at >= :since AND started_at < :until
        UNION ALL
        SELECT date_trunc(:step, occurred_at AT TIME ZONE :zone), 0, 0, (kind = 'lead')::int,
               (kind = 'purchase')::int,
               CASE WHEN kind = 'purchase' AND currency = :currency THEN coalesce(value_minor, 0) ELSE 0 END
        FROM conversion
        WHERE company_id = :company_id AND status = 'counted'
          AND occurred_at >= :since AND occurred_at < :until
    ) moments GROUP BY 1 ORDER BY 1
    """
)

_SOURCES = text(
    """
    SELECT source, medium, campaign, sum(visits) AS visits, sum(calls) AS calls, sum(answered) AS answered,
           sum(leads) AS leads, sum(purchases) AS purchases, sum(value_minor) AS value_minor
    FROM (
        SELECT source, medium, CASE WHEN :by_campaign THEN campaign ELSE '' END AS campaign,
               count(*) AS visits, 0 AS calls, 0 AS answered, 0 AS leads, 0 AS purchases, 0 AS value_minor
        FROM visit WHERE company_id = :company_id AND id >= :first AND id < :last GROUP BY 1, 2, 3
        UNION ALL
        SELECT coalesce(a.source, ''), coalesce(a.medium, ''),
               CASE WHEN :by_campaign THEN coalesce(a.campaign, '') ELSE '' END,
               0, count(*), count(*) FILTER (WHERE c.outcome = 'answered'), 0, 0, 0
        FROM call c
        LEFT JOIN attribution a ON a.company_id = c.company_id AND a.call_id = c.id AND a.is_current
        WHERE c.company_id = :company_id AND c.started_at >= :since AND c.started_at < :until
        GROUP BY 1, 2, 3
        UNION ALL
        SELECT coalesce(a.source, ''), coalesce(a.medium, ''),
               CASE WHEN :by_campaign THEN coalesce(a.campaign, '') ELSE '' END,
               0, 0, 0, count(*) FILTER (WHERE v.kind = 'lead'), count(*) FILTER (WHERE v.kind = 'purchase'),
               coalesce(sum(v.value_minor) FILTER (WHERE v.kind = 'purchase' AND v.currency = :currency), 0)
        FROM conversion v
        LEFT JOIN attribution a ON a.company_id = v.company_id AND a.call_id = v.call_id AND a.is_current
        WHERE v.company_id = :company_id AND v.status = 'counted'
          AND v.occurred_at >= :since AND v.occurred_at < :until
        GROUP BY 1, 2, 3
    ) parts GROUP BY 1, 2, 3
    ORDER BY value_minor DESC, purchases DESC, leads DESC, calls DESC, visits DESC, 1, 2, 3
    LIMIT :most
    """
)


def totals(session: Session, company_id: UUID, span: Span, currency: str) -> Totals:
    """Count a period: calls by when they rang, conversions by when they happened."""
    row = session.execute(_TOTALS, _of(company_id, span, currency)).one()
    return Totals(**_whole(row))


def over_time(
    session: Session, company_id: UUID, span: Span, currency: str, zone: str, step: Step
) -> tuple[Bucket, ...]:
    """Return every bucket of the period in the company's time zone, the empty ones too."""
    rows = session.execute(_BUCKETS, {**_of(company_id, span, currency), "zone": zone, "step": step})
    found = {row.start: Bucket(**{**_whole(row), "start": row.start}) for row in rows}
    return tuple(found.get(day, Bucket(day)) for day in starts(span, zone, step))


def by_source(
    session: Session, company_id: UUID, span: Span, currency: str, by: By = "source", most: int = 200
) -> tuple[SourceRow, ...]:
    """Return what each source (or campaign) brought, the most valuable first."""
    given = {**_of(company_id, span, currency), "by_campaign": by == "campaign", "most": most}
    words = ("source", "medium", "campaign")
    return tuple(
        SourceRow(**{**_whole(row, words), **{word: row._mapping[word] for word in words}})
        for row in session.execute(_SOURCES, given)
    )


def place_of(row: SourceRow) -> tuple[int | str, ...]:
    """Return what rows are sorted by: the most valuable first."""
    sums = (row.value_minor, row.purchases, row.leads, row.calls, row.visits)
    return (*(-one for one in sums), row.source, row.medium, row.campaign)


def _of(company_id: UUID, span: Span, currency: str) -> dict[str, Any]:
    return {
        "company_id": company_id,
        "since": span.since,
        "until": span.until,
        "currency": currency,
        "first": first_id_of(span.since),
        "last": first_id_of(span.until),
    }


def _whole(row: Any, but: tuple[str, ...] = ("start",)) -> dict[str, int]:
    return {name: int(value) for name, value in row._mapping.items() if name not in but}


def starts(span: Span, zone: str, step: Step) -> list[date]:
    """Return where the days, weeks or months of the period begin."""
    day = span.since.astimezone(ZoneInfo(zone)).date()
    last = (span.until - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()
    if step == "week":
        day -= timedelta(days=day.weekday())
    if step == "month":
        day = day.replace(day=1)
    days = []
    while day <= last:
        days.append(day)
        day = (
            (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            if step == "month"
            else (day + timedelta(days=7 if step == "week" else 1))
        )
    return days
