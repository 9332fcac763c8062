"""One report, ready to be shown, exported or mailed: rows, their total, the time before, the chart."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.reports.ad_groups import same_words
from calltrack.reports.asking import Asked, Step, Stretch
from calltrack.reports.day_sql import OTHER
from calltrack.reports.figures import COLUMNS, OF_SPEND, Figures
from calltrack.reports.queries import MOST_ROWS, Found, Key, is_being_counted, read_rows, read_steps
from calltrack.reports.segment_rows import read_segment_rows
from calltrack.reports.spend_queries import read_spend


@dataclass(frozen=True)
class Row:
    """What one row's words brought, now and in the time that is compared with."""

    key: Key
    now: Figures
    before: Figures


@dataclass(frozen=True)
class Report:
    """A report. The total is the sum of its rows, to the last cent."""

    asked: Asked
    rows: tuple[Row, ...]
    total: Figures
    total_before: Figures
    steps: tuple[tuple[date, Figures], ...]
    days_due: int
    """Days of the period that are still to be counted anew; 0: the figures are those of this moment."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to be shown: nothing about costs where none are known."""
        is_told = any(one.spend_minor or one.unpriced_days for one in (self.total, self.total_before))
        return tuple(name for name in self.asked.columns if is_told or name not in OF_SPEND)


def make_report(
    session: Session, company_id: UUID, asked: Asked, most: int = MOST_ROWS, *, now: datetime
) -> Report:
    """Answer a question from the counted rows; of a segment from the rows of its persons, as it is at `now`.

    A company with 1 million calls gets it within a third of a second, see `make bench`.

    Raises:
        NotFound: the segment is there no more.
        BadInput: the segment holds for too many persons.
    """
    if asked.within:
        asked = replace(asked, same=same_words(session, company_id, *asked.within))
    found, steps = _period(session, company_id, asked, asked.now, most, now)
    before = Found({}, Figures())
    if asked.before:
        before, _ = _period(session, company_id, asked, asked.before, most, now)
    keys = dict.fromkeys([*found.rows, *before.rows])
    rows = [Row(key, found.rows.get(key, _NOTHING), before.rows.get(key, _NOTHING)) for key in keys]
    of_steps = {} if asked.segment else read_steps(session, company_id, asked, asked.step)
    return Report(
        asked=asked,
        rows=tuple(sort_rows(rows, asked.sort, rises=asked.rises)),
        total=found.total,
        total_before=before.total,
        steps=tuple(
            (start, of_steps.get(start, Figures()) + steps.get(start, Figures()))
            for start in starts(asked.now, asked.step)
        ),
        days_due=0 if asked.segment else is_being_counted(session, company_id, asked.now),
    )


def sort_rows(rows: Iterable[Row], column: str, *, rises: bool = False) -> list[Row]:
    """Return the rows by a column, the largest first; what has no such figure stands last either way."""
    figure = COLUMNS[column]

    def place(row: Row) -> tuple[bool, float, int, Key]:
        value = figure(row.now)
        return (value is None, (value or 0) * (1 if rises else -1), -row.now.calls, row.key)

    return sorted(rows, key=place)


def starts(over: Stretch, step: Step) -> list[date]:
    """Return the beginnings of all days, weeks or months that the period touches."""
    day = over.since
    day -= timedelta(days=day.weekday() if step == "week" else day.day - 1 if step == "month" else 0)
    found = []
    while day <= over.until:
        found.append(day)
        day = _next(day, step)
    return found


_NOTHING: Final = Figures()
_OTHER: Final = {"source": OTHER, "medium": OTHER, "campaign": "", "detail": OTHER}
# So many rows more may a report have that cost something and brought nothing; then they are put together.
SPENDING: Final = 1_000
_STEPS: Final = {"day": timedelta(days=1), "week": timedelta(days=7)}


def _next(day: date, step: Step) -> date:
    return _STEPS[step] + day if step in _STEPS else (day + timedelta(days=32)).replace(day=1)


def _period(
    session: Session, company_id: UUID, asked: Asked, over: Stretch, most: int, now: datetime
) -> tuple[Found, dict[date, Figures]]:
    """Return a period's rows with their spend; what does not fit into `most` rows stands in the last one.

    Beside them what each step cost; of a segment, which has no costs, what each step brought.
    """
    if asked.segment:
        found, steps = read_segment_rows(session, company_id, asked, over, asked.step, most, now)
        spend = dict[Key, Figures]()
    else:
        found = read_rows(session, company_id, asked, over, most)
        spend, steps = read_spend(session, company_id, asked, over, asked.step)
    rows, other = dict(found.rows), tuple(_OTHER[name] for name in asked.dimension.keys)
    if len(rows) == most:
        left = found.total.less(Figures.sum_of(rows.values()))
        rows[other] = rows.get(other, Figures()) + left
    for key, spent in sorted(spend.items(), key=lambda one: -one[1].spend_minor):
        there = key if key in rows or len(rows) < most + SPENDING else other
        rows[there] = rows.get(there, Figures()) + spent
    return Found(rows, found.total + Figures.sum_of(spend.values())), steps
