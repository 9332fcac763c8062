"""Saved versions of the stage rules and of the score: the newest holds, for the past as well."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.infra.turns import take_turn
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import new_id
from calltrack.stages import score_rules as score
from calltrack.stages import stage_words as stages
from calltrack.stages.model import JourneyRules, JourneyState, SegmentRow
from calltrack.stages.score_rules import ScoreRules
from calltrack.stages.segment_rules import READY
from calltrack.stages.stage_words import StageRules

Kind = Literal["stages", "score"]
LONGEST_NOTE = 200


@dataclass(frozen=True)
class Version:
    """A saved version; number 0 is what every company begins with."""

    number: int
    rules: dict[str, Any]
    saved_at: datetime | None
    saved_by: str
    note: str


def stage_rules(session: Session, company_id: UUID) -> StageRules:
    """Return the stage rules that hold."""
    return stages.read_stages(current(session, company_id, "stages").rules)


def score_rules(session: Session, company_id: UUID) -> ScoreRules:
    """Return the score rules that hold."""
    return score.read_score(current(session, company_id, "score").rules)


def current(session: Session, company_id: UUID, kind: Kind) -> Version:
    """Return the version that holds."""
    return versions(session, company_id, kind, 1)[0]


def versions(session: Session, company_id: UUID, kind: Kind, most: int = 50) -> tuple[Version, ...]:
    """Return the versions, newest first; the last one is what every company begins with, if there is room."""
    rows = session.scalars(
        select(JourneyRules)
        .where(JourneyRules.company_id == company_id, JourneyRules.kind == kind)
        .order_by(JourneyRules.number.desc())
        .limit(most)
    ).all()
    found = [Version(row.number, row.rules, row.saved_at, row.saved_by, row.note) for row in rows]
    first = Version(0, stages.DEFAULT if kind == "stages" else score.DEFAULT, None, "", "")
    return tuple([*found, first][:most])


def save_rules(
    session: Session,
    company_id: UUID,
    kind: Kind,
    rules: Any,
    now: datetime,
    *,
    by: str,
    note: str = "",
) -> int:
    """Save a new version and ask for all journeys to be made again by it; returns its number.

    Raises:
        BadInput: the rules cannot be read, or the note is too long; the text says what to change.
    """
    if len(note) > LONGEST_NOTE:
        raise BadInput(f"Make the note shorter: at most {LONGEST_NOTE} characters.")
    if kind == "stages":
        kept = stages.written_stages(stages.read_stages(rules))
    else:
        kept = score.written_score(score.read_score(rules))
    take_turn(session, "journeys", company_id)
    begin(session, company_id, now)
    number = current(session, company_id, kind).number + 1
    session.add(
        JourneyRules(
            company_id=company_id,
            id=new_id(now),
            kind=kind,
            number=number,
            rules=kept,
            saved_at=now,
            saved_by=by,
            note=note,
        )
    )
    session.flush()
    audit.note(session, company_id, by, f"{kind}.save", str(number), now)
    make_all_again(session, company_id, now)
    return number


def begin(session: Session, company_id: UUID, now: datetime) -> JourneyState:
    """Return the company's state; a new one asks for the whole past and gets the first segments."""
    state = session.get(JourneyState, (company_id,), with_for_update=True)
    if state is not None:
        return state
    made = insert(JourneyState).values(
        company_id=company_id,
        due_at=now,
        visits_until=now,
        again_phase="persons",
        again_began_at=now,
        again_due_at=now,
    )
    if session.scalar(made.on_conflict_do_nothing().returning(JourneyState.company_id)) is not None:
        of_all = {"company_id": company_id, "created_by": "", "created_at": now, "changed_at": now}
        rows = [
            of_all
            # Ids sort by time: the list stays in this order.
            | {"id": new_id(now + timedelta(milliseconds=place)), "name": name, "color": color}
            | {"condition": condition}
            for place, (name, color, condition) in enumerate(READY)
        ]
        session.execute(insert(SegmentRow).values(rows).on_conflict_do_nothing())
    return session.get_one(JourneyState, (company_id,), with_for_update=True)


def make_all_again(session: Session, company_id: UUID, now: datetime) -> None:
    """Ask for every journey to be made again, in portions; one that goes on begins anew."""
    state = begin(session, company_id, now)
    state.again_phase, state.again_after, state.again_done = "persons", None, 0
    state.again_began_at, state.again_ended_at, state.again_due_at = now, None, now
