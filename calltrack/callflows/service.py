"""Use cases of call flows: make, save a version, name, assign, delete. All take a tenant's session.

A version is written once and never changed; calls that began under it go on under it.
"""

from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company, Location
from calltrack.accounts.protection import check_forwarding
from calltrack.accounts.rules import display_name
from calltrack.callflows.audio import is_own
from calltrack.callflows.checks import read_flow
from calltrack.callflows.model import CallFlow, CallFlowVersion, FlowAssignment
from calltrack.callflows.phones import new_phones, note_phones
from calltrack.callflows.steps import Flow, RingGroup
from calltrack.kernel.errors import BadFields, BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Pool, TrackingNumber

Scope = Literal["number", "pool", "location", "company"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
MOST_FLOWS = 200


def create(session: Session, company_id: UUID, name: str, plain: Any, actor: str, now: datetime) -> UUID:
    """Make a flow with its first version; returns its id. Nobody reaches it before it is assigned.

    Raises:
        BadFields: the definition has mistakes; each names its step and what to change.
        BadInput: no name.
        Conflict: another flow has this name, or there are too many.
    """
    flow = check(session, company_id, plain)
    _refuse_same_name(session, company_id, name, None)
    count = select(func.count()).where(CallFlow.company_id == company_id, CallFlow.deleted_at.is_(None))
    if (session.scalar(count) or 0) >= MOST_FLOWS:
        raise Conflict(f"A company has at most {MOST_FLOWS} call flows; delete one first.")
    row = CallFlow(
        company_id=company_id,
        id=new_id(now),
        name=display_name(name),
        current_version=new_id(now),
        created_by=actor,
        created_at=now,
        changed_at=now,
    )
    session.add(row)
    session.flush()
    note_phones(session, row, new_phones(session, company_id, flow), actor, now)
    session.add(_version(row, 1, flow, actor, now))
    audit.note(session, company_id, actor, "call_flow.created", str(row.id), now, name=row.name)
    session.flush()
    return row.id


def save(
    session: Session,
    company_id: UUID,
    flow_id: UUID,
    plain: Any,
    actor: str,
    now: datetime,
    *,
    based_on: int | None = None,
) -> int:
    """Save a new version and let it answer from now on; returns its number.

    A definition that changes nothing makes no version. `based_on` is the version somebody edited.

    Raises:
        BadFields: the definition has mistakes; each names its step and what to change.
        Conflict: somebody saved a newer version than `based_on` meanwhile.
        NotFound: the company has no such flow.
    """
    flow = check(session, company_id, plain)
    row = _locked(session, company_id, flow_id)
    current = session.scalars(
        select(CallFlowVersion).where(
            CallFlowVersion.company_id == company_id, CallFlowVersion.id == row.current_version
        )
    ).one()
    if based_on is not None and based_on != current.number:
        raise Conflict(
            f"{current.saved_by} saved version {current.number} meanwhile."
            " Load it, then make your change again."
        )
    if current.definition == flow.plain():
        return current.number
    note_phones(session, row, new_phones(session, company_id, flow), actor, now)
    current.replaced_at = now
    row.current_version, row.changed_at = new_id(now), now
    session.add(_version(row, current.number + 1, flow, actor, now))
    audit.note(
        session,
        company_id,
        actor,
        "call_flow.saved",
        str(flow_id),
        now,
        name=row.name,
        version=current.number + 1,
    )
    session.flush()
    return current.number + 1


def restore(session: Session, company_id: UUID, flow_id: UUID, number: int, actor: str, now: datetime) -> int:
    """Let an earlier version answer again, as a new version; returns its number.

    Raises:
        NotFound: the flow has no such version.
    """
    definition = session.scalar(
        select(CallFlowVersion.definition).where(
            CallFlowVersion.company_id == company_id,
            CallFlowVersion.flow_id == flow_id,
            CallFlowVersion.number == number,
            CallFlowVersion.number > 0,
        )
    )
    if definition is None:
        raise NotFound(f"There is no version {number} of this call flow.")
    return save(session, company_id, flow_id, definition, actor, now)


def rename(session: Session, company_id: UUID, flow_id: UUID, name: str, actor: str, now: datetime) -> None:
    """Give a flow another name."""
    row = _locked(session, company_id, flow_id)
    _refuse_same_name(session, company_id, name, flow_id)
    before, row.name, row.changed_at = row.name, display_name(name), now
    audit.note(
        session, company_id, actor, "call_flow.renamed", str(flow_id), now, before=before, name=row.name
    )


def assign(
    session: Session,
    company_id: UUID,
    flow_id: UUID,
    scope: str,
    subject_id: UUID,
    actor: str,
    now: datetime,
) -> None:
    """Let a flow answer a number, a pool, a location or the whole company (`subject_id`: its own id).

    The narrowest assignment counts: number before pool before location before company. An assignment that
    was there before is replaced.

    Raises:
        NotFound: the company has no such flow, number, pool or location.
        BadInput: there is no such scope.
    """
    row = _locked(session, company_id, flow_id)
    _refuse_unknown_subject(session, company_id, scope, subject_id)
    given = {"flow_id": flow_id, "assigned_by": actor, "assigned_at": now}
    session.execute(
        insert(FlowAssignment)
        .values(company_id=company_id, scope=scope, subject_id=subject_id, **given)
        .on_conflict_do_update(index_elements=["company_id", "scope", "subject_id"], set_=given)
    )
    audit.note(
        session, company_id, actor, "call_flow.assigned", str(flow_id), now,
        name=row.name, scope=scope, place=str(subject_id),
    )  # fmt: skip


def unassign(
    session: Session, company_id: UUID, scope: str, subject_id: UUID, actor: str, now: datetime
) -> None:
    """Take an assignment away; the next wider one counts then, in the end the location's settings.

    Raises:
        NotFound: nothing is assigned there.
    """
    flow_id = session.scalar(
        delete(FlowAssignment)
        .where(
            FlowAssignment.company_id == company_id,
            FlowAssignment.scope == scope,
            FlowAssignment.subject_id == subject_id,
        )
        .returning(FlowAssignment.flow_id)
    )
    if flow_id is None:
        raise NotFound("No call flow is assigned there.")
    audit.note(
        session,
        company_id,
        actor,
        "call_flow.unassigned",
        str(flow_id),
        now,
        scope=scope,
        place=str(subject_id),
    )


def remove(session: Session, company_id: UUID, flow_id: UUID, actor: str, now: datetime) -> None:
    """Delete a flow nobody is led to; calls that are in it go on.

    Raises:
        Conflict: it is still assigned.
        NotFound: the company has no such flow.
    """
    row = _locked(session, company_id, flow_id)
    scopes = session.scalars(
        select(FlowAssignment.scope)
        .where(FlowAssignment.company_id == company_id, FlowAssignment.flow_id == flow_id)
        .order_by(FlowAssignment.scope)
    ).all()
    if scopes:
        counts = {scope: scopes.count(scope) for scope in dict.fromkeys(scopes)}
        places = ", ".join(f"{count} {scope}{'' if count == 1 else 's'}" for scope, count in counts.items())
        raise Conflict(f"“{row.name}” still answers calls ({places}). Assign another flow there first.")
    row.deleted_at = now
    audit.note(session, company_id, actor, "call_flow.deleted", str(flow_id), now, name=row.name)


def check(session: Session, company_id: UUID, plain: Any) -> Flow:
    """Read a definition and check it against the company; nothing is stored.

    Raises:
        BadFields: it has mistakes, shows a number that is not the company's own, or rings one that calls
            must not go to.
    """
    country = session.scalar(select(Company.country).where(Company.id == company_id))
    flow = read_flow(plain, country)
    shown = {
        step.caller_id: name
        for name, step in flow.steps.items()
        if isinstance(step, RingGroup) and step.caller_id not in ("caller", "dialled")
    }
    own = session.scalars(
        select(TrackingNumber.e164).where(
            TrackingNumber.company_id == company_id,
            TrackingNumber.e164.in_(shown),
            TrackingNumber.released_at.is_(None),
        )
    ).all()
    foreign = {f"step “{shown[e164]}”, caller_id": _NOT_OWN.format(e164) for e164 in set(shown) - set(own)}
    if foreign:
        raise BadFields(" ".join(f"{place}: {text}." for place, text in foreign.items()), foreign)
    _refuse_dear_numbers(session, company_id, flow)
    _refuse_unknown_sounds(session, company_id, flow)
    return flow


def _refuse_dear_numbers(session: Session, company_id: UUID, flow: Flow) -> None:
    dear: dict[str, str] = {}
    for name, step in flow.steps.items():
        for place, target in enumerate(step.targets if isinstance(step, RingGroup) else ()):
            try:
                if target.number is not None:
                    check_forwarding(session, company_id, target.number)
            except BadInput as problem:
                dear[f"step “{name}”, targets, {place}, number"] = str(problem)
    if dear:
        raise BadFields(" ".join(f"{place}: {text}" for place, text in dear.items()), dear)


def _refuse_unknown_sounds(session: Session, company_id: UUID, flow: Flow) -> None:
    vault = session.info["vault"]
    places = {
        f"step “{name}”, message, audio": message.audio
        for name, step in flow.steps.items()
        if (message := getattr(step, "message", None)) is not None and message.audio
    }
    if flow.notice is not None and flow.notice.audio:
        places["notice, audio"] = flow.notice.audio
    unknown = {
        place: "there is no such sound file; choose another one, or upload it again"
        for place, path in places.items()
        if path.startswith("/") and not is_own(vault, company_id, path)
    }
    if unknown:
        raise BadFields(" ".join(f"{place}: {text}." for place, text in unknown.items()), unknown)


_NOT_OWN = (
    "{} is not a tracking number of yours, and no carrier would show it; choose one of yours, or dialled"
)


def _version(row: CallFlow, number: int, flow: Flow, actor: str, now: datetime) -> CallFlowVersion:
    return CallFlowVersion(
        company_id=row.company_id,
        id=row.current_version,
        flow_id=row.id,
        number=number,
        definition=flow.plain(),
        saved_by=actor,
        saved_at=now,
    )


def _locked(session: Session, company_id: UUID, flow_id: UUID) -> CallFlow:
    row = session.scalars(
        select(CallFlow)
        .where(CallFlow.company_id == company_id, CallFlow.id == flow_id, CallFlow.deleted_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such call flow.")
    return row


def _refuse_same_name(session: Session, company_id: UUID, name: str, but: UUID | None) -> None:
    same = session.scalar(
        select(CallFlow.id).where(
            CallFlow.company_id == company_id,
            func.lower(CallFlow.name) == display_name(name).lower(),
            CallFlow.deleted_at.is_(None),
        )
    )
    if same not in (None, but):
        raise Conflict(f"There is a call flow named “{display_name(name)}” already; choose another name.")


def _refuse_unknown_subject(session: Session, company_id: UUID, scope: str, subject_id: UUID) -> None:
    tables: dict[str, Any] = {"number": TrackingNumber, "pool": Pool, "location": Location}
    if scope not in SCOPES:
        raise BadInput("A call flow is assigned to a number, a pool, a location or the company.")
    if scope == "company":
        known = subject_id == company_id
    else:
        table = tables[scope]
        found = select(table.id).where(table.company_id == company_id, table.id == subject_id)
        if scope == "number":
            found = found.where(TrackingNumber.released_at.is_(None))
        known = session.scalar(found) is not None
    if not known:
        raise NotFound(f"There is no such {scope}.")
