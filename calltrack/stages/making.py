"""Makes journeys from stored facts, and keeps the sums of all views in step: in one transaction, in turns."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.infra.turns import take_turn
from calltrack.stages.cell_rules import Cell, cells_of
from calltrack.stages.journey_rules import Given, Journey, make_journey
from calltrack.stages.model import JourneyRow
from calltrack.stages.reading import Found, read_events
from calltrack.stages.versions import score_rules, stage_rules

_COLUMNS: Final = tuple(one.name for one in fields(Journey))
_NAMES: Final = ("company_id", "id", "is_person", *_COLUMNS)
_STORE: Final = text(
    f"""
    INSERT INTO journey ({", ".join(_NAMES)})
    SELECT {", ".join(_NAMES)} FROM jsonb_populate_recordset(NULL::journey, CAST(:rows AS jsonb))
    ON CONFLICT (company_id, id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _NAMES[2:])}
    """  # noqa: S608 - names of columns
)
_DROP: Final = text("DELETE FROM journey WHERE company_id = :company_id AND id = ANY(:ids)")
_ADD_UP: Final = text(
    """
    INSERT INTO journey_cell AS held (company_id, view, day, a, b, c, persons, value_minor)
    SELECT :company_id, view, day, a, b, c, persons, value_minor FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS moved (view text, day date, a text, b text, c text, persons int, value_minor bigint)
    ORDER BY view, day, a, b, c
    ON CONFLICT (company_id, view, day, a, b, c) DO UPDATE SET
        persons = held.persons + excluded.persons, value_minor = held.value_minor + excluded.value_minor
    """
)
_SWEEP: Final = text(
    """
    DELETE FROM journey_cell
    WHERE company_id = :company_id AND view = ANY(:views) AND day = ANY(:days)
      AND persons = 0 AND value_minor = 0
    """
)


def make_journeys(session: Session, company_id: UUID, ids: Collection[UUID]) -> int:
    """Make the journeys of these persons and browsers again; returns how many changed.

    Whoever is gone, or is part of a person now, loses the own journey. Twice changes nothing; the order in
    which facts came does not matter. Others that do the same for this company wait.
    """
    take_turn(session, "journeys", company_id)
    company = session.scalars(select(Company).where(Company.id == company_id)).one()
    given = Given(
        stage_rules(session, company_id), score_rules(session, company_id), ZoneInfo(company.timezone)
    )
    found = read_events(session, company_id, ids, given.stages.price_words, company.currency)
    made = {
        id_: journey
        for id_, events in found.events.items()
        if id_ not in found.gone and (journey := make_journey(events, given)) is not None
    }
    before = _stored(session, company_id, {*ids, *made, *found.gone, *found.persons})
    changed = [
        id_ for id_, one in made.items() if id_ not in before or _differs(before[id_], one, id_, found)
    ]
    dropped = [id_ for id_ in before if id_ not in made]
    _write(session, company_id, found, {id_: made[id_] for id_ in changed}, dropped)
    _move_sums(session, company_id, [before[id_] for id_ in (*changed, *dropped) if id_ in before],
               [made[id_] for id_ in changed])  # fmt: skip
    return len(changed) + len(dropped)


def sums_from_rows(rows: Iterable[Any]) -> dict[Cell, tuple[int, int]]:
    """Return persons and value of every cell that these journeys add up to."""
    persons: Counter[Cell] = Counter()
    values: Counter[Cell] = Counter()
    for row in rows:
        for cell, value in cells_of(row):
            persons[cell] += 1
            values[cell] += value
    return {cell: (count, values[cell]) for cell, count in persons.items()}


def _stored(session: Session, company_id: UUID, ids: Collection[UUID]) -> dict[UUID, Any]:
    columns = [getattr(JourneyRow, name) for name in ("id", "is_person", *_COLUMNS)]
    wanted = select(*columns).where(JourneyRow.company_id == company_id, JourneyRow.id.in_(list(ids)))
    return {row.id: row for row in session.execute(wanted)}


def _differs(row: Any, journey: Journey, id_: UUID, found: Found) -> bool:
    if row.is_person != (id_ in found.persons):
        return True
    return any(getattr(row, name) != getattr(journey, name) for name in _COLUMNS)


def _write(
    session: Session, company_id: UUID, found: Found, made: dict[UUID, Journey], dropped: Sequence[UUID]
) -> None:
    if made:
        rows = [
            {"company_id": company_id, "id": id_, "is_person": id_ in found.persons}
            | {name: getattr(journey, name) for name in _COLUMNS}
            for id_, journey in made.items()
        ]
        session.execute(_STORE, {"rows": json.dumps(rows, default=_plain)})
    if dropped:
        session.execute(_DROP, {"company_id": company_id, "ids": list(dropped)})


def _move_sums(session: Session, company_id: UUID, before: Iterable[Any], after: Iterable[Any]) -> None:
    was, is_now = sums_from_rows(before), sums_from_rows(after)
    moved = []
    for cell in {*was, *is_now}:
        old, new = was.get(cell, (0, 0)), is_now.get(cell, (0, 0))
        if old != new:
            moved.append(cell._asdict() | {"persons": new[0] - old[0], "value_minor": new[1] - old[1]})
    if not moved:
        return
    session.execute(_ADD_UP, {"company_id": company_id, "rows": json.dumps(moved, default=_plain)})
    views, days = sorted({str(one["view"]) for one in moved}), sorted({one["day"] for one in moved})
    session.execute(_SWEEP, {"company_id": company_id, "views": views, "days": days})


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
