"""The weekly calibration of one company, and what the weeks together show."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.attribution.calibration import Calibration, Outcome, calibrate, ece_by_chance
from calltrack.attribution.densities import Model
from calltrack.attribution.history_rows import read_history
from calltrack.attribution.lessons import TURN
from calltrack.attribution.model_rows import AttributionCalibration, AttributionModel, AttributionTask
from calltrack.attribution.night_work import claim, settle, wait, zone_of
from calltrack.attribution.nights import week_before
from calltrack.attribution.revealed import LEVELS, Revealed, reveal
from calltrack.attribution.serving import SHIPPED, model_of
from calltrack.attribution.told_rows import told_phones
from calltrack.infra.turns import only_one
from calltrack.wiring import Services

# Fewer known calls than that say nothing about any probability.
NEEDED: Final = 50
WEEKS: Final = 12
# Of a week with more, the newest are kept.
MOST_OUTCOMES: Final = 2_000
EASY: Final = ("tap", "caller")


@dataclass(frozen=True, kw_only=True)
class Week:
    """One week as it was stored."""

    week: date
    model: str
    calls: int
    known: int
    never_shown: int


@dataclass(frozen=True, kw_only=True)
class HowSure:
    """What the newest weeks show together, per level; `easy` are the calls that taps gave away."""

    weeks: tuple[Week, ...]
    calls: int
    known: int
    never_shown: int
    levels: dict[str, Calibration]
    by_chance: dict[str, float | None]
    """The error that so many calls show by chance alone."""
    easy: dict[str, Calibration]
    next_at: datetime | None

    @property
    def is_enough(self) -> bool:
        """Tell whether enough calls are known to say anything."""
        return self.known >= NEEDED


def calibrate_due(services: Services, company_id: UUID) -> None:
    """Calibrate the last whole week where that is due; a repetition changes nothing."""
    with services.db.tenant(company_id) as session:
        if not claim(session, company_id, "calibration", services.clock()):
            return
    with only_one(services.db.engine, TURN) as may:
        if may:
            calibrate_now(services, company_id)
            return
    with services.db.tenant(company_id) as session:
        wait(session, company_id, "calibration", services.clock())


def calibrate_now(services: Services, company_id: UUID) -> str:
    """Judge the last whole week without what reveals its callers, and store how that compares; once a week.

    The week is judged by the model that served as it began, so it has learnt nothing from these calls.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        monday, began, ended = week_before(now, zone_of(session, company_id))
        read = read_history(session, company_id, ended)
        # A phone may be typed after the call that it explains.
        history = replace(read.history, told=told_phones(session, company_id, now))
        model = served_at(session, company_id, began)
    found = reveal(history, model, began.timestamp(), ended.timestamp())
    with services.db.tenant(company_id) as session:
        session.execute(
            insert(AttributionCalibration)
            .values(
                company_id=company_id,
                week=monday,
                made_at=services.clock(),
                model=model.version,
                calls=found.calls,
                known=found.known,
                never_shown=found.never_shown,
                outcomes=_stored(found),
            )
            .on_conflict_do_nothing()
        )
        said = f"The week from {monday}: {found.known} of {found.calls} calls became known."
        settle(session, company_id, "calibration", said, services.clock())
    return said


def served_at(session: Session, company_id: UUID, moment: datetime) -> Model:
    """Return the model that served at a moment."""
    version = session.scalar(
        select(AttributionModel.version)
        .where(AttributionModel.company_id == company_id, AttributionModel.served_at <= moment)
        .order_by(AttributionModel.served_at.desc())
        .limit(1)
    )
    return SHIPPED if version is None else model_of(session, company_id, version)


def how_sure(session: Session, company_id: UUID, weeks: int = WEEKS) -> HowSure:
    """Return what the newest weeks show together."""
    rows = session.scalars(
        select(AttributionCalibration)
        .where(AttributionCalibration.company_id == company_id)
        .order_by(AttributionCalibration.week.desc())
        .limit(weeks)
    ).all()
    next_at = session.scalar(
        select(func.min(AttributionTask.due_at)).where(
            AttributionTask.company_id == company_id, AttributionTask.kind == "calibration"
        )
    )
    return HowSure(
        weeks=tuple(
            Week(
                week=row.week, model=row.model, calls=row.calls, known=row.known, never_shown=row.never_shown
            )
            for row in rows
        ),
        calls=sum(row.calls for row in rows),
        known=sum(row.known for row in rows),
        never_shown=sum(row.never_shown for row in rows),
        levels={level: calibrate(_read(rows, level)) for level in LEVELS},
        by_chance={level: ece_by_chance(_read(rows, level)) for level in LEVELS},
        easy={kind: calibrate(_read(rows, kind)) for kind in EASY},
        next_at=next_at,
    )


def _stored(found: Revealed) -> dict[str, Any]:
    return {
        level: [[round(one.p, 4), one.is_right] for one in outcomes[-MOST_OUTCOMES:]]
        for level, outcomes in found.outcomes.items()
    }


def _read(rows: Sequence[AttributionCalibration], level: str) -> list[Outcome]:
    return [Outcome(float(p), bool(right)) for row in rows for p, right in row.outcomes.get(level, ())]
