"""Reads for pages and the API: versions of the model, two side by side, what judging anew changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from calltrack.attribution.densities import Model
from calltrack.attribution.model import Attribution
from calltrack.attribution.model_figures import Difference, differences
from calltrack.attribution.model_rows import AttributionModel, AttributionTask, RejudgedCall, Rejudging
from calltrack.attribution.model_versions import versions
from calltrack.attribution.serving import JUDGES, SHIPPED, model_of
from calltrack.calls.model import Call
from calltrack.kernel.errors import NotFound

EXAMPLES = 100


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """A version of the model; one that came with the product has learnt from nothing."""

    version: str
    state: str
    learnt_at: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    calls: int = 0
    visits: int = 0
    numbers: int = 0
    numbers_in_use: int = 0
    held: tuple[str, ...] = ()
    before: str = ""
    served_at: datetime | None = None

    @property
    def judges(self) -> bool:
        """Tell whether calls are judged by it now."""
        return self.state in JUDGES


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A version beside another one, figure by figure."""

    row: ModelRow
    other: str
    model: Model
    differences: tuple[Difference, ...]


@dataclass(frozen=True, kw_only=True)
class LessonState:
    """When the next lesson is due, and how the last one ended."""

    due_at: datetime
    tries: int
    ended_at: datetime | None
    said: str


@dataclass(frozen=True, kw_only=True)
class JudgedAnew:
    """A call that is credited to something else since it was judged anew."""

    call_id: UUID
    started_at: datetime
    before: tuple[str, str, str]
    after: tuple[str, str, str]
    visit: bool
    campaign: bool
    source: bool


def all_models(session: Session, company_id: UUID) -> tuple[ModelRow, ...]:
    """Return the company's versions, newest first; the shipped one is always the last."""
    rows = [_row(one) for one in versions(session, company_id)]
    learnt = [one for one in rows if one.version != SHIPPED.version]
    chosen = next((one for one in rows if one.version == SHIPPED.version), None)
    state = "retired" if any(one.judges for one in learnt) else "serving"
    return (*learnt, chosen or ModelRow(version=SHIPPED.version, state=state))


def compare(session: Session, company_id: UUID, version: str, other: str = "") -> Compared:
    """Return a version beside another one: by default the one of the night before.

    Raises:
        NotFound: the company has no such version.
    """
    row = _one(session, company_id, version)
    model = model_of(session, company_id, version)
    beside = other or row.before or SHIPPED.version
    return Compared(
        row=row,
        other=beside,
        model=model,
        differences=differences(model, model_of(session, company_id, beside)),
    )


def lesson_state(session: Session, company_id: UUID) -> LessonState | None:
    """Return how the nightly lesson stands; None while nobody has planned one."""
    row = session.get(AttributionTask, (company_id, "lesson"))
    if row is None:
        return None
    return LessonState(due_at=row.due_at, tries=row.tries, ended_at=row.ended_at, said=row.said)


def judgings(session: Session, company_id: UUID, most: int = 50) -> Sequence[Rejudging]:
    """Return the requests to judge past calls anew, newest first."""
    rows = select(Rejudging).where(Rejudging.company_id == company_id)
    return session.scalars(rows.order_by(Rejudging.id.desc()).limit(most)).all()


def judging(session: Session, company_id: UUID, rejudging_id: UUID) -> Rejudging:
    """Return one request; raises NotFound when the company has no such one."""
    row = session.get(Rejudging, (company_id, rejudging_id))
    if row is None:
        raise NotFound("There is no such request.")
    return row


def judged_anew(
    session: Session, company_id: UUID, rejudging_id: UUID, most: int = EXAMPLES
) -> tuple[JudgedAnew, ...]:
    """Return the newest calls that a request credited to something else."""
    before, after = aliased(Attribution), aliased(Attribution)
    rows = session.execute(
        select(RejudgedCall, Call.started_at, before, after)
        .join(Call, and_(Call.company_id == RejudgedCall.company_id, Call.id == RejudgedCall.call_id))
        .join(after, and_(after.company_id == RejudgedCall.company_id, after.id == RejudgedCall.after_id))
        .join(before, and_(before.company_id == RejudgedCall.company_id, before.id == RejudgedCall.before_id))
        .where(RejudgedCall.company_id == company_id, RejudgedCall.rejudging_id == rejudging_id)
        .order_by(Call.started_at.desc(), Call.id.desc())
        .limit(most)
    )
    return tuple(
        JudgedAnew(
            call_id=changed.call_id,
            started_at=started_at,
            before=(was.source, was.medium, was.campaign),
            after=(now.source, now.medium, now.campaign),
            visit=changed.visit,
            campaign=changed.campaign,
            source=changed.source,
        )
        for changed, started_at, was, now in rows
    )


def _one(session: Session, company_id: UUID, version: str) -> ModelRow:
    if version == SHIPPED.version:
        return all_models(session, company_id)[-1]
    row = session.get(AttributionModel, (company_id, version))
    if row is None:
        raise NotFound("There is no such version of the attribution model.")
    return _row(row)


def _row(row: AttributionModel) -> ModelRow:
    return ModelRow(
        version=row.version,
        state=row.state,
        learnt_at=row.learnt_at,
        since=row.since,
        until=row.until,
        calls=row.calls,
        visits=row.visits,
        numbers=row.numbers,
        numbers_in_use=row.numbers_in_use,
        held=tuple(row.held),
        before=row.before,
        served_at=row.served_at,
    )
