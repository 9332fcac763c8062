"""The draft of a flow: what somebody is changing, with its mistakes, until it is published. One per flow.

It is kept beside the versions as number 0, marked as replaced long ago, so that it never answers a call.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from calltrack.callflows import queries, service
from calltrack.callflows.checks import LARGEST
from calltrack.callflows.model import CallFlow, CallFlowVersion
from calltrack.callflows.steps import Flow
from calltrack.kernel.errors import BadFields, BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id

DRAFT: Final = 0
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Draft:
    """A flow in the making. `saved_at` None: nobody changed anything since version `based_on`."""

    flow_id: UUID
    name: str
    plain: dict[str, Any]
    based_on: int
    newest: int
    saved_by: str
    saved_at: datetime | None

    @property
    def stamp(self) -> str:
        """What tells one state of the draft from another."""
        return f"{self.based_on}/{self.saved_at.isoformat() if self.saved_at else ''}"

    @property
    def is_changed(self) -> bool:
        """Whether something waits to be published."""
        return self.saved_at is not None


def draft_of(session: Session, company_id: UUID, flow_id: UUID) -> Draft:
    """Return the draft of a flow; its newest version where nobody began one.

    Raises:
        NotFound: the company has no such flow.
    """
    flow = queries.flow(session, company_id, flow_id)
    row = _row(session, company_id, flow_id)
    if row is None:
        return Draft(flow_id, flow.name, flow.definition, flow.version, flow.version, flow.saved_by, None)
    kept = row.definition
    return Draft(flow_id, flow.name, kept["flow"], kept["based_on"], flow.version, row.saved_by, row.saved_at)


def drafted(session: Session, company_id: UUID) -> dict[UUID, datetime]:
    """Return which flows have a draft that waits, and since when."""
    rows = session.execute(
        select(CallFlowVersion.flow_id, CallFlowVersion.saved_at).where(
            CallFlowVersion.company_id == company_id, CallFlowVersion.number == DRAFT
        )
    )
    return {row.flow_id: row.saved_at for row in rows}


def keep(
    session: Session, company_id: UUID, flow_id: UUID, plain: dict[str, Any], stamp: str, actor: str,
    now: datetime,
) -> Draft:  # fmt: skip
    """Keep a changed draft; mistakes are kept with it. `stamp`: the draft that was changed.

    Raises:
        BadInput: it is too large to be a flow.
        Conflict: somebody else changed the draft meanwhile; nothing of theirs is lost.
        NotFound: the company has no such flow.
    """
    if len(str(plain)) > LARGEST:
        raise BadInput("The call flow is too large; split it. The last change was not kept.")
    _lock(session, company_id, flow_id)
    present = draft_of(session, company_id, flow_id)
    if plain == present.plain:
        return present
    if present.stamp != stamp:
        raise Conflict(
            f"{present.saved_by} changed this flow meanwhile. This is how it is now; make your change again."
        )
    session.execute(_only_draft(delete(CallFlowVersion), company_id, flow_id))
    session.add(
        CallFlowVersion(
            company_id=company_id, id=new_id(now), flow_id=flow_id, number=DRAFT,
            definition={"flow": plain, "based_on": present.based_on}, saved_by=actor, saved_at=now,
            replaced_at=LONG_AGO,
        )
    )  # fmt: skip
    session.flush()
    return draft_of(session, company_id, flow_id)


def discard(session: Session, company_id: UUID, flow_id: UUID) -> None:
    """Forget the draft; the newest version stays as it is."""
    _lock(session, company_id, flow_id)
    session.execute(_only_draft(delete(CallFlowVersion), company_id, flow_id))


def publish(session: Session, company_id: UUID, flow_id: UUID, actor: str, now: datetime) -> int:
    """Let the draft answer from now on, as a new version; returns its number.

    Raises:
        BadFields: the draft has mistakes; each names its step and what to change.
        Conflict: somebody published another version since the draft was begun.
        NotFound: the company has no such flow.
    """
    draft = draft_of(session, company_id, flow_id)
    number = service.save(session, company_id, flow_id, draft.plain, actor, now, based_on=draft.based_on)
    discard(session, company_id, flow_id)
    return number


def problems_of(session: Session, company_id: UUID, plain: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong with a flow in the making, each with its place; nothing: it can be published."""
    try:
        service.check(session, company_id, plain)
    except BadFields as problem:
        return problem.fields
    return {}


def checked(session: Session, company_id: UUID, plain: dict[str, Any]) -> Flow:
    """Return a flow in the making that has no mistakes; raises BadFields when it has some."""
    return service.check(session, company_id, plain)


def forget(session: Session, company_id: UUID, flow_id: UUID) -> None:
    """Forget the draft of a flow that is deleted."""
    session.execute(_only_draft(delete(CallFlowVersion), company_id, flow_id))


def _row(session: Session, company_id: UUID, flow_id: UUID) -> CallFlowVersion | None:
    return session.scalars(_only_draft(select(CallFlowVersion), company_id, flow_id)).one_or_none()


def _only_draft(statement: Any, company_id: UUID, flow_id: UUID) -> Any:
    return statement.where(
        CallFlowVersion.company_id == company_id,
        CallFlowVersion.flow_id == flow_id,
        CallFlowVersion.number == DRAFT,
    )


def _lock(session: Session, company_id: UUID, flow_id: UUID) -> None:
    found = session.scalar(
        select(CallFlow.id)
        .where(CallFlow.company_id == company_id, CallFlow.id == flow_id, CallFlow.deleted_at.is_(None))
        .with_for_update()
    )
    if found is None:
        raise NotFound("There is no such call flow.")
