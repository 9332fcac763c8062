"""The overview's figures: counted days where they stand, raw rows where they may not.

Today, and days that wait to be counted anew, are read from visits, calls and conversions themselves, so a
call shows at once; all other days come from `report_day`. Both are the same figures.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.conversions import figures
from calltrack.conversions.call_log import CallFilter
from calltrack.conversions.figures import Bucket, By, SourceRow, Span, Step, Totals
from calltrack.conversions.levels import Levels, levels
from calltrack.infra.crypto import Vault
from calltrack.reports.day_sql import OTHER
from calltrack.reports.days import bounds_of, day_of, stretches
from calltrack.reports.keeping import LATE
from calltrack.reports.model import ReportDue, ReportState

MOST_SOURCES: Final = 200
_WORDS: Final = ("source", "medium", "campaign")
_COUNTED: Final = (
    "FROM report_day WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND dimension = 'campaign'"
    " AND day BETWEEN :first AND :last"
)
_TOTALS: Final = text(
    f"""
    SELECT {", ".join(f"coalesce(sum({one.name}), 0)::bigint AS {one.name}" for one in fields(Totals))},
           coalesce(sum(on_visit), 0)::bigint AS visit, coalesce(sum(on_campaign), 0)::bigint AS campaign,
           coalesce(sum(on_source), 0)::bigint AS source,
           coalesce(sum(calls - on_visit - on_campaign - on_source), 0)::bigint AS unknown
    {_COUNTED}
    """
)
_BUCKETS: Final = text(
    f"""
    SELECT date_trunc(:step, day::timestamp)::date AS start, sum(calls)::bigint AS calls,
           sum(answered)::bigint AS answered, sum(leads)::bigint AS leads,
           sum(purchases)::bigint AS purchases, sum(value_minor)::bigint AS value_minor
    {_COUNTED} GROUP BY 1
    """
)
_SOURCES: Final = text(
    f"""
    SELECT CASE WHEN source = :other THEN 'all others together' ELSE source END AS source,
           CASE WHEN source = :other THEN '' ELSE medium END AS medium,
           CASE WHEN :by_campaign THEN campaign ELSE '' END AS campaign,
           sum(visits)::bigint AS visits, sum(calls)::bigint AS calls, sum(answered)::bigint AS answered,
           sum(leads)::bigint AS leads, sum(purchases)::bigint AS purchases,
           sum(value_minor)::bigint AS value_minor
    {_COUNTED} GROUP BY 1, 2, 3
    """
)


@dataclass(frozen=True)
class Split:
    """A period in stretches of counted days (both included), and of moments that are read from raw rows."""

    counted: tuple[tuple[date, date], ...]
    raw: tuple[Span, ...]


@dataclass(frozen=True)
class Overview:
    """Reads the figures of one company; its currency and time zone are those it has now."""

    session: Session
    vault: Vault
    company_id: UUID
    currency: str
    zone: str

    def totals(self, span: Span) -> tuple[Totals, Levels]:
        """Return what happened in a period, and its calls per level."""
        parts = self._split(span)
        rows = [row for days in parts.counted for row in self._read(_TOTALS, days)]
        for one in parts.raw:
            wanted = CallFilter(since=one.since, until=one.until)
            rows += [
                vars(figures.totals(self.session, self.company_id, one, self.currency)),
                vars(levels(self.session, self.vault, self.company_id, wanted)),
            ]
        sums = _sums(rows)
        of_levels = Levels(sums["visit"], sums["campaign"], sums["source"], sums["unknown"])
        return Totals(**{one.name: sums[one.name] for one in fields(Totals)}), of_levels

    def over_time(self, span: Span, step: Step) -> tuple[Bucket, ...]:
        """Return every day, week or month of the period in the company's time zone, the empty ones too."""
        parts, of_start = self._split(span), defaultdict[date, list[Mapping[str, Any]]](list)
        for days in parts.counted:
            for row in self._read(_BUCKETS, days, step=step):
                of_start[row["start"]].append(row)
        for one in parts.raw:
            for bucket in figures.over_time(
                self.session, self.company_id, one, self.currency, self.zone, step
            ):
                of_start[bucket.start].append(vars(bucket))
        return tuple(
            Bucket(**{**_sums(of_start[start]), "start": start})
            for start in figures.starts(span, self.zone, step)
        )

    def by_source(self, span: Span, by: By) -> tuple[SourceRow, ...]:
        """Return what each source (or campaign) brought, the most valuable first."""
        parts = self._split(span)
        of_words = defaultdict[tuple[str, str, str], list[Mapping[str, Any]]](list)
        for days in parts.counted:
            for row in self._read(_SOURCES, days, by_campaign=by == "campaign", other=OTHER):
                of_words[row["source"], row["medium"], row["campaign"]].append(row)
        for one in parts.raw:
            for source in figures.by_source(self.session, self.company_id, one, self.currency, by):
                of_words[source.source, source.medium, source.campaign].append(vars(source))
        rows = [
            SourceRow(**{**_sums(some), **dict(zip(_WORDS, words, strict=True))})
            for words, some in of_words.items()
        ]
        return tuple(sorted(rows, key=figures.place_of)[:MOST_SOURCES])

    def _split(self, span: Span) -> Split:
        state = self.session.get(ReportState, (self.company_id,))
        if state is None or (state.timezone, state.currency) != (self.zone, self.currency):
            return Split((), (span,))
        # Visits of later days may not have been looked for.
        open_from = day_of(state.seen_at - LATE, self.zone)
        due = self.session.scalars(
            select(ReportDue.day).where(
                ReportDue.company_id == self.company_id,
                ReportDue.span == "day",
                ReportDue.day.between(day_of(span.since, self.zone), open_from),
            )
        )
        return split(span, self.zone, open_from, set(due))

    def _read(self, statement: Any, days: tuple[date, date], **more: Any) -> Iterable[Mapping[str, Any]]:
        asked = {"company_id": self.company_id, "first": days[0], "last": days[1], **more}
        return [dict(row) for row in self.session.execute(statement, asked).mappings()]


def split(span: Span, zone: str, open_from: date, due: Collection[date]) -> Split:
    """Split a period: whole days before `open_from` that are not due are counted, all else is raw. Pure."""
    day, counted = day_of(span.since, zone), list[date]()
    while day < open_from and bounds_of(day, zone)[1] <= span.until:
        if day not in due and bounds_of(day, zone)[0] >= span.since:
            counted.append(day)
        day += timedelta(days=1)
    found, raw, since = stretches(counted), list[Span](), span.since
    for first, last in found:
        raw.append(Span(since, bounds_of(first, zone)[0]))
        since = bounds_of(last, zone)[1]
    raw.append(Span(since, span.until))
    return Split(tuple(found), tuple(one for one in raw if one.since < one.until))


def _sums(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up whatever is a number in the rows."""
    sums = defaultdict[str, int](int)
    for row in rows:
        for name, value in row.items():
            if isinstance(value, int):
                sums[name] += value
    return sums
