"""The views over journeys, all from the same sums (`cells.py`): so every total is the same everywhere.

A view counts the journeys whose first touch lies in the days asked for, in the company's time zone; with
`among` only those of the persons a segment holds for, or whose first touch has certain words.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.kernel.origin import words_of
from calltrack.stages.cell_rules import SPANS
from calltrack.stages.cells import Among, Days, cells_of_view
from calltrack.stages.journey_rules import THEN
from calltrack.stages.stage_words import STAGES

MOST_PATHS: Final = 25
MOST_STOPS: Final = 15


@dataclass(frozen=True)
class Waited:
    """How long something took: how many, and the span that half of them, and nine of ten, stayed within."""

    count: int
    half: str
    most: str


@dataclass(frozen=True)
class FunnelStep:
    """A stage: who reached it or a higher one, who is in it now, and how long the step before took."""

    stage: str
    reached: int
    now: int
    share_of_all: float | None
    share_of_before: float | None
    waited: Waited | None


@dataclass(frozen=True)
class Outcomes:
    """Of so many journeys these became leads (buyers included) and buyers; value in minor units."""

    journeys: int
    leads: int
    buyers: int
    value_minor: int
    by_stage: tuple[int, ...]

    def reached(self, stage: int) -> int:
        """Return how many reached the stage or a higher one."""
        return sum(self.by_stage[stage:])


@dataclass(frozen=True)
class SourceRow:
    """One source of first touches and what became of it; an empty source: nothing is known."""

    source: str
    medium: str
    outcomes: Outcomes


@dataclass(frozen=True)
class Funnel:
    """The stages in order, the whole, the sources they came from, and how long each stage took (`waited`)."""

    steps: tuple[FunnelStep, ...]
    whole: Outcomes
    sources: tuple[SourceRow, ...]
    waits: Mapping[str, Waited]


@dataclass(frozen=True)
class Stop:
    """Where journeys ended that are no leads: at which kind of touchpoint, and what of it."""

    kind: str
    detail: str
    persons: int


@dataclass(frozen=True)
class Friction:
    """Everybody who is no lead, by the last touchpoint, by its details and by pages seen."""

    persons: int
    kinds: tuple[Stop, ...]
    details: tuple[Stop, ...]
    pages: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Path:
    """The touches before a purchase (or, for who has not bought, before the lead) and how many took them."""

    kind: str
    touches: tuple[str, ...]
    persons: int
    value_minor: int


@dataclass(frozen=True)
class Paths:
    """The most frequent paths; `leads` and `buyers` count all of them."""

    paths: tuple[Path, ...]
    leads: int
    buyers: int


@dataclass(frozen=True)
class Cohort:
    """Whose first touch lay in a week (or month): leads and buyers within 1, 7, 30 days, and ever."""

    week: date
    outcomes: Outcomes
    leads_within: tuple[int, ...]
    buyers_within: tuple[int, ...]


WITHIN: Final = (("1 day", "05"), ("7 days", "09"), ("30 days", "13"))


def funnel(session: Session, company_id: UUID, days: Days, among: Among | None = None) -> Funnel:
    """Return the stage funnel and its sources, the largest first."""
    rows = _rows(session, company_id, days, among, "flow", "a, c")
    by_source: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_source[row.a].append(row)
    sources = [SourceRow(*words_of(key)[:2], _outcomes(of)) for key, of in by_source.items()]
    sources.sort(key=lambda one: (-one.outcomes.journeys, one.source, one.medium))
    whole, waits = _outcomes(rows), waited(session, company_id, days, among)
    steps = []
    for place, stage in enumerate(STAGES):
        reached, before = whole.reached(place), whole.reached(max(place - 1, 0))
        steps.append(
            FunnelStep(
                stage, reached, whole.by_stage[place], _share(reached, whole.journeys),
                _share(reached, before) if place else None, waits.get(stage),
            )
        )  # fmt: skip
    return Funnel(tuple(steps), whole, tuple(sources), waits)


def waited(session: Session, company_id: UUID, days: Days, among: Among | None = None) -> dict[str, Waited]:
    """Return how long each stage took since the one before; lead and bought since the first touch."""
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for row in _rows(session, company_id, days, among, "wait", "a, b"):
        found[row.a][int(row.b)] = row.persons
    return {name: _waited(counts) for name, counts in found.items()}


def waiting_times(
    session: Session, company_id: UUID, days: Days, among: Among | None = None
) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return for `lead` and `bought` how many took how long since the first touch, shortest span first."""
    return _times(_rows(session, company_id, days, among, "wait", "a, b"))


def friction(session: Session, company_id: UUID, days: Days, among: Among | None = None) -> Friction:
    """Return where those stopped who are no leads; kinds, and pages, add up to all of them."""
    cells = cells_of_view(company_id, "stop", days, among)
    statement = f"""
        SELECT a, b, c, grouping(a) AS g_a, grouping(b) AS g_b, grouping(c) AS g_c,
               sum(persons)::bigint AS persons
        {cells.sql}
        GROUP BY GROUPING SETS ((a), (a, b), (c), ())
        ORDER BY persons DESC, a, b, c
    """
    rows = session.execute(cells.asked(statement), cells.values).all()
    kinds = tuple(Stop(row.a, "", row.persons) for row in rows if not row.g_a and row.g_b)
    details = [Stop(row.a, row.b, row.persons) for row in rows if not row.g_a and not row.g_b]
    pages = sorted((row.c, row.persons) for row in rows if row.g_a and not row.g_c)
    whole = next((row.persons for row in rows if row.g_a and row.g_b and row.g_c), 0)
    return Friction(whole or 0, kinds, tuple(details[:MOST_STOPS]), tuple(pages))


def paths(
    session: Session, company_id: UUID, days: Days, among: Among | None = None, most: int = MOST_PATHS
) -> Paths:
    """Return the most frequent paths of buyers, then of leads."""
    cells = cells_of_view(company_id, "path", days, among)
    statement = f"""
        SELECT a, b, persons, value_minor, total FROM (
            SELECT a, b, sum(persons)::bigint AS persons, sum(value_minor)::bigint AS value_minor,
                   sum(sum(persons)) OVER (PARTITION BY a)::bigint AS total,
                   row_number() OVER (PARTITION BY a ORDER BY sum(persons) DESC, b) AS place
            {cells.sql} GROUP BY a, b) ranked
        WHERE place <= :most ORDER BY a DESC, place
    """  # noqa: S608 - words of `cells.py`
    rows = session.execute(cells.asked(statement), cells.values | {"most": most}).all()
    totals = {row.a: row.total for row in rows}
    found = tuple(Path(row.a, tuple(row.b.split(THEN)), row.persons, row.value_minor) for row in rows)
    return Paths(found, totals.get("lead", 0), totals.get("purchase", 0))


def cohorts(session: Session, company_id: UUID, days: Days, among: Among | None = None) -> tuple[Cohort, ...]:
    """Return the weeks (Monday first) of first touches, newest first; of a long period its months."""
    return cohorts_and_times(session, company_id, days, among)[0]


def cohorts_and_times(
    session: Session, company_id: UUID, days: Days, among: Among | None = None
) -> tuple[tuple[Cohort, ...], dict[str, tuple[tuple[str, int], ...]]]:
    """Return what `cohorts` and `waiting_times` do, from one look."""
    week = f"date_trunc('{'month' if days.is_long else 'week'}', day)::date AS week"
    flows, waits = defaultdict(list), defaultdict(list)
    for row in _rows(session, company_id, days, among, "flow", "c", week):
        flows[row.week].append(row)
    rows = _rows(session, company_id, days, among, "wait", "a, b", week)
    for row in rows:
        waits[row.week].append(row)
    weeks = tuple(
        Cohort(
            monday, _outcomes(flows[monday]), _within(waits[monday], "lead"), _within(waits[monday], "bought")
        )
        for monday in sorted(flows, reverse=True)
    )
    return weeks, _times(rows)


def _times(rows: Iterable[Any]) -> dict[str, tuple[tuple[str, int], ...]]:
    found: dict[str, Counter[int]] = {"lead": Counter(), "bought": Counter()}
    for row in rows:
        if row.a in found:
            found[row.a][int(row.b)] += row.persons
    return {
        name: tuple((SPANS[place][1], counts[place]) for place in sorted(counts))
        for name, counts in found.items()
    }


def _rows(
    session: Session, company_id: UUID, days: Days, among: Among | None, view: str, by: str, also: str = ""
) -> list[Any]:
    cells = cells_of_view(company_id, view, days, among)
    names = ", ".join(filter(None, (also, by)))
    group = ", ".join(filter(None, ("week" if also else "", by)))
    statement = f"""
        SELECT {names}, sum(persons)::bigint AS persons, sum(value_minor)::bigint AS value_minor
        {cells.sql} GROUP BY {group}
    """
    return list(session.execute(cells.asked(statement), cells.values).all())


def _outcomes(rows: Iterable[Any]) -> Outcomes:
    """Sum up cells whose `c` is a stage's number and the outcome: l for a lead, b for a buyer."""
    stages, leads, buyers, value = [0] * len(STAGES), 0, 0, 0
    for row in rows:
        stages[int(row.c[0])] += row.persons
        leads += row.persons if row.c[1:] else 0
        buyers += row.persons if row.c[1:] == "b" else 0
        value += row.value_minor
    return Outcomes(sum(stages), leads, buyers, value, tuple(stages))


def _within(rows: Iterable[Any], name: str) -> tuple[int, ...]:
    mine = [row for row in rows if row.a == name]
    return tuple(sum(row.persons for row in mine if row.b <= code) for _, code in WITHIN)


def _waited(counts: Mapping[int, int]) -> Waited:
    whole = sum(counts.values())
    return Waited(whole, _span_of(counts, whole * 0.5), _span_of(counts, whole * 0.9))


def _span_of(counts: Mapping[int, int], wanted: float) -> str:
    reached = 0
    for place in sorted(counts):
        reached += counts[place]
        if reached >= wanted:
            return SPANS[place][1]
    return ""


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
