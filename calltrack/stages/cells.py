"""Where views read their sums: from the table of sums, or, of some journeys only, from their rows."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Interval

from calltrack.kernel.errors import BadInput
from calltrack.kernel.origin import BETWEEN
from calltrack.stages.cell_rules import LONGEST, PAGES, SPANS
from calltrack.stages.segment_rules import Sql, Tree
from calltrack.stages.stage_words import STAGES

# Longer periods are read month by month, and day by day only at their ends.
LONG: Final = 100
# Of some only is counted from rows: among so many journeys, which takes about a second of a processor if a
# segment holds for all of them, and a sixth of that if it holds for few.
MOST_LIVE: Final = 200_000
# Of a segment few of those are counted, of an origin each.
MOST_COUNTED: Final = 100_000
# An index on the view and the day serves each of the three spans.
_KEPT: Final = """
    FROM journey_cell WHERE company_id = :company_id AND (
        (view = '{0}' AND day BETWEEN :first AND :until)
        OR (view = 'month:{0}' AND day BETWEEN :month AND :last_month)
        OR (view = '{0}' AND day BETWEEN :since AND :last))"""
# The same words as `cell_rules.py` makes; a test holds both to the same sums.
_OUTCOME: Final = "CASE WHEN j.bought_at IS NOT NULL THEN 'b' WHEN j.lead_at IS NOT NULL THEN 'l' ELSE '' END"
_PAGES: Final = " ".join(f"WHEN pages.n <= {most} THEN '{words}'" for most, words in PAGES)
_REACHED: Final = ", ".join(
    f"min(at) FILTER (WHERE stage >= {place}) AS at_{place}" for place in range(len(STAGES))
)
# OFFSET: each step's words are read once, not for every stage.
_STEPS: Final = """
    (SELECT (step ->> 0)::int AS stage, (step ->> 1)::timestamptz AS at
     FROM jsonb_array_elements(j.history) AS one (step) OFFSET 0) steps"""
# What took how long: each stage since the one before, lead and purchase since the first touch.
_TOOK: Final = {stage: f"at_{place} - at_{place - 1}" for place, stage in enumerate(STAGES) if place} | {
    "lead": "j.lead_at - j.first_at", "bought": "j.bought_at - j.first_at",
}  # fmt: skip
_SPANS_OF: Final = ", ".join(f"width_bucket({took}, :span_ends) AS {name}_in" for name, took in _TOOK.items())
# Persons of a day who took alike are one before their spans become rows: there are far fewer such.
_WAITS: Final = f"""
    FROM (
        SELECT alike.day, alike.persons, waits.a, lpad(waits.span::text, 2, '0') AS b, '' AS c,
               0 AS value_minor
        FROM (
            SELECT j.day, count(*) AS persons, {_SPANS_OF}
            FROM journey j CROSS JOIN LATERAL (SELECT {_REACHED} FROM {_STEPS}) moments
            WHERE {{where}} GROUP BY j.day, {", ".join(f"{name}_in" for name in _TOOK)}
        ) alike
        CROSS JOIN LATERAL (VALUES {", ".join(f"('{name}', {name}_in)" for name in _TOOK)}) AS waits (a, span)
        WHERE waits.span IS NOT NULL
    ) cells
"""  # noqa: S608 - constants of this file
_LIVE: Final = {
    "flow": (
        f"""left(j.source, {LONGEST}) || E'\\x{ord(BETWEEN):02x}' || left(j.medium, {LONGEST}) AS a,
            j.landing AS b, j.stage || {_OUTCOME} AS c, j.value_minor""",
        "",
        "true",
    ),
    "stop": (
        f"""j.stop_kind AS a, j.stop_detail AS b,
            CASE WHEN pages.n = 0 THEN '' {_PAGES} ELSE 'more than 10 pages' END AS c, 0 AS value_minor""",
        "CROSS JOIN LATERAL (SELECT coalesce((j.figures ->> 'all_pages')::int, 0) AS n) pages",
        "j.lead_at IS NULL AND j.bought_at IS NULL",
    ),
    "path": (
        """CASE WHEN j.bought_at IS NOT NULL THEN 'purchase' ELSE 'lead' END AS a, j.path AS b, '' AS c,
            j.value_minor""",
        "",
        "(j.lead_at IS NOT NULL OR j.bought_at IS NOT NULL)",
    ),
}
# A span holds what takes up to its end: it is left a microsecond later, which is what a moment is told to.
_ENDS: Final = [end + timedelta(microseconds=1) for end, _ in SPANS[:-1]]


@dataclass(frozen=True)
class Days:
    """From the first day to the last, both counted."""

    first: date
    last: date

    @property
    def is_long(self) -> bool:
        """Whether whole months are read at once."""
        return (self.last - self.first).days > LONG


@dataclass(frozen=True)
class Within:
    """A segment's condition as of a moment: only the persons it holds for are counted, by its rows."""

    tree: Tree
    now: datetime


@dataclass(frozen=True)
class Origin:
    """Words of a first touch. None: any word; an empty one: where there is none."""

    source: str | None = None
    medium: str | None = None
    campaign: str | None = None

    @property
    def words(self) -> dict[str, str]:
        """The words that are asked for, by the column they stand in."""
        return {name: word for name, word in vars(self).items() if word is not None}


@dataclass(frozen=True)
class Among:
    """Which journeys are counted: those of a segment's persons, those of an origin, or both at once."""

    within: Within | None = None
    origin: Origin = Origin()

    @property
    def is_everybody(self) -> bool:
        """Whether it leaves nobody out, so that the kept sums say it."""
        return self.within is None and not self.origin.words


@dataclass(frozen=True)
class Cells:
    """The FROM of a view's sums (day, a, b, c, persons, value_minor), and what its parameters are."""

    sql: str
    values: dict[str, Any]

    def asked(self, statement: str) -> TextClause:
        """Return a statement that reads from here."""
        words = text(statement)
        return words.bindparams(bindparam("span_ends", type_=ARRAY(Interval()))) if self.is_timed else words

    @property
    def is_timed(self) -> bool:
        """Whether waiting times are counted from rows."""
        return "span_ends" in self.values


def cells_of_view(company_id: UUID, view: str, days: Days, among: Among | None) -> Cells:
    """Return where a view (flow, stop, path, wait) reads; of some journeys, `check_size` comes before."""
    if among is None or among.is_everybody:
        return Cells(_KEPT.format(view), _kept_days(company_id, days))
    where, values = _members(company_id, days, among)
    if view == "wait":
        return Cells(_WAITS.format(where=where), values | {"span_ends": _ENDS})
    words, joined, holds = _LIVE[view]
    sql = f"""
        FROM (SELECT j.day, 1 AS persons, {words} FROM journey j {joined} WHERE {where} AND {holds}) cells
    """  # noqa: S608 - constants of this file and names of columns; values are parameters
    return Cells(sql, values)


def check_size(session: Session, company_id: UUID, days: Days, among: Among | None) -> None:
    """Raise BadInput where these are more journeys than are counted from their rows at once."""
    if among is None or among.is_everybody:
        return
    where, values = _began(company_id, days, among)
    most = MOST_LIVE if among.within else MOST_COUNTED
    statement = f"SELECT count(*) FROM (SELECT FROM journey j WHERE {where} LIMIT {most + 1}) found"  # noqa: S608
    if (session.scalar(text(statement), values) or 0) <= most:
        return
    if among.within is None:
        raise BadInput(
            f"In this period began more than {most:,} journeys with these words, and at most so many are"
            " counted one by one. Choose a shorter period, or ask for a medium or campaign as well."
        )
    raise BadInput(
        f"In this period began the journeys of more than {most:,} persons, and a segment is looked"
        " for among at most so many at once. Choose a shorter period."
    )


def _members(company_id: UUID, days: Days, among: Among) -> tuple[str, dict[str, Any]]:
    where, values = _began(company_id, days, among)
    if among.within is None:
        return where, values
    sql = Sql()
    condition = sql.where(among.within.tree)
    return f"{where} AND {condition}", values | sql.values | (
        {"now": among.within.now} if ":now" in condition else {}
    )


def _began(company_id: UUID, days: Days, among: Among) -> tuple[str, dict[str, Any]]:
    """Return which rows are looked at: all that began so, and of a segment only persons."""
    words = among.origin.words
    parts = ["j.company_id = :company_id", "j.day BETWEEN :first AND :last"]
    parts += ["j.is_person"] if among.within else []
    parts += [f"j.{name} = :of_{name}" for name in words]
    values = {"company_id": company_id, "first": days.first, "last": days.last}
    return " AND ".join(parts), values | {f"of_{name}": word for name, word in words.items()}


def _kept_days(company_id: UUID, days: Days) -> dict[str, Any]:
    """Return days up to the first whole month, whole months, and days since the last."""
    keys: dict[str, Any] = {"company_id": company_id, "first": days.first, "last": days.last}
    if not days.is_long:
        none = {"month": date.max, "last_month": date.min, "since": date.max}
        return keys | {"until": days.last} | none
    first = days.first if days.first.day == 1 else _next_month(days.first)
    after = (days.last + timedelta(days=1)).replace(day=1)
    return keys | {
        "until": first - timedelta(days=1), "month": first, "last_month": after - timedelta(days=1),
        "since": after,
    }  # fmt: skip


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
