"""Keeping a lesson, and choosing which version judges: pin, unpin, bring an older one back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.attribution.drift import Lesson
from calltrack.attribution.model_rows import AttributionModel
from calltrack.attribution.serving import JUDGES, SHIPPED
from calltrack.infra.turns import take_turn
from calltrack.kernel.errors import Conflict, NotFound

# Half a year of nights.
SHOWN: Final = 200


@dataclass(frozen=True, kw_only=True)
class Taught:
    """What a lesson was given: the weeks, and how much of the company they held."""

    since: datetime
    until: datetime
    visits: int
    numbers: int
    numbers_in_use: int


def keep_lesson(
    session: Session, company_id: UUID, lesson: Lesson, taught: Taught, before: str, now: datetime
) -> AttributionModel:
    """Store what a night taught, once; it judges from now on unless somebody pinned another version."""
    _take(session, company_id)
    known = session.get(AttributionModel, (company_id, lesson.model.version))
    if known is not None:
        return known
    judging = _judging(session, company_id)
    row = AttributionModel(
        company_id=company_id,
        version=lesson.model.version,
        learnt_at=now,
        since=taught.since,
        until=taught.until,
        calls=lesson.calls,
        visits=taught.visits,
        numbers=taught.numbers,
        numbers_in_use=taught.numbers_in_use,
        parameters=lesson.model.to_json(),
        held=list(lesson.held),
        before=before,
        state="waiting",
        served_at=None,
    )
    session.add(row)
    session.flush()
    if judging is None or judging.state == "serving":
        _let_judge(session, judging, row, "serving", now)
    return row


def baseline(session: Session, company_id: UUID) -> str:
    """Return the version that the next lesson is compared with: the newest learnt while one is pinned."""
    judging = _judging(session, company_id)
    if judging is None:
        return SHIPPED.version
    if judging.state == "serving":
        return judging.version
    newest = session.scalar(
        select(AttributionModel.version)
        .where(AttributionModel.company_id == company_id, AttributionModel.since.is_not(None))
        .order_by(AttributionModel.learnt_at.desc())
        .limit(1)
    )
    return newest or judging.version


def pin(session: Session, company_id: UUID, version: str, by: str, now: datetime) -> None:
    """Let this version judge until somebody unpins it; lessons go on, and wait.

    Raises:
        NotFound: the company has no such version.
    """
    _take(session, company_id)
    row = _wanted(session, company_id, version, now)
    judging = _judging(session, company_id)
    if judging is row and row.state == "pinned":
        return
    _let_judge(session, judging, row, "pinned", now)
    audit.note(session, company_id, by, "attribution_model.pin", version, now, before=_name(judging))


def unpin(session: Session, company_id: UUID, by: str, now: datetime) -> str:
    """Let the newest version that was learnt judge again; returns its name.

    Raises:
        Conflict: no version is pinned.
    """
    _take(session, company_id)
    judging = _judging(session, company_id)
    if judging is None or judging.state != "pinned":
        raise Conflict("No version is pinned, so each night's lesson is taken as it is.")
    newest = session.scalar(
        select(AttributionModel)
        .where(AttributionModel.company_id == company_id, AttributionModel.state == "waiting")
        .order_by(AttributionModel.learnt_at.desc())
        .limit(1)
    )
    _let_judge(session, judging, newest or judging, "serving", now)
    audit.note(session, company_id, by, "attribution_model.unpin", judging.version, now)
    return (newest or judging).version


def serve(session: Session, company_id: UUID, version: str, by: str, now: datetime) -> None:
    """Let this version judge from now on, until the next lesson replaces it.

    Raises:
        NotFound: the company has no such version.
        Conflict: a version is pinned.
    """
    _take(session, company_id)
    row = _wanted(session, company_id, version, now)
    judging = _judging(session, company_id)
    if judging is not None and judging.state == "pinned":
        raise Conflict(f"{judging.version} is pinned. Unpin it first, or pin {version} instead.")
    if judging is row:
        return
    _let_judge(session, judging, row, "serving", now)
    audit.note(session, company_id, by, "attribution_model.serve", version, now, before=_name(judging))


def versions(session: Session, company_id: UUID, most: int = SHOWN) -> Sequence[AttributionModel]:
    """Return the company's versions, newest first."""
    return session.scalars(
        select(AttributionModel)
        .where(AttributionModel.company_id == company_id)
        .order_by(AttributionModel.learnt_at.desc(), AttributionModel.version.desc())
        .limit(most)
    ).all()


def version_row(session: Session, company_id: UUID, version: str) -> AttributionModel:
    """Return one version; raises NotFound when the company has no such one."""
    row = session.get(AttributionModel, (company_id, version))
    if row is None:
        raise NotFound("There is no such version of the attribution model.")
    return row


def _take(session: Session, company_id: UUID) -> None:
    take_turn(session, "attribution model", company_id)


def _judging(session: Session, company_id: UUID) -> AttributionModel | None:
    return session.scalar(
        select(AttributionModel).where(
            AttributionModel.company_id == company_id, AttributionModel.state.in_(JUDGES)
        )
    )


def _let_judge(
    session: Session, before: AttributionModel | None, row: AttributionModel, state: str, now: datetime
) -> None:
    """Exchange one judging row for another: only one may judge, so the old one steps back first."""
    if before is not None and before is not row:
        before.state = "retired"
        session.flush()
    if before is not row:
        row.served_at = now
    row.state = state
    session.flush()
    # What waited while another was pinned has been passed over.
    if state == "serving":
        for other in session.scalars(
            select(AttributionModel).where(
                AttributionModel.company_id == row.company_id, AttributionModel.state == "waiting"
            )
        ):
            other.state = "retired"
        session.flush()


def _wanted(session: Session, company_id: UUID, version: str, now: datetime) -> AttributionModel:
    """Return the version's row; the shipped model gets one the first time somebody chooses it."""
    row = session.get(AttributionModel, (company_id, version))
    if row is not None or version != SHIPPED.version:
        return row or version_row(session, company_id, version)
    row = AttributionModel(
        company_id=company_id, version=version, learnt_at=now, since=None, until=None, calls=0, visits=0,
        numbers=0, numbers_in_use=0, parameters=SHIPPED.to_json(), held=[], before="", state="retired",
        served_at=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _name(row: AttributionModel | None) -> str:
    return SHIPPED.version if row is None else row.version
