"""Reads of call flows for pages and API; all take a tenant's session."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company, Location
from calltrack.callflows.checks import read_flow
from calltrack.callflows.model import CallFlow, CallFlowVersion
from calltrack.callflows.settings_flow import LineSettings, flow_of
from calltrack.callflows.steps import Flow
from calltrack.kernel.errors import NotFound
from calltrack.numbers.model import TrackingNumber


@dataclass(frozen=True)
class FlowRow:
    """A flow with its newest version, and how many places it is assigned to."""

    id: UUID
    name: str
    version: int
    definition: dict[str, Any]
    saved_by: str
    saved_at: datetime
    assignments: int


@dataclass(frozen=True)
class VersionRow:
    """One saved version of a flow."""

    number: int
    version_id: UUID
    definition: dict[str, Any]
    saved_by: str
    saved_at: datetime
    replaced_at: datetime | None


@dataclass(frozen=True)
class WalkedRow:
    """The flow a call went through, by its version."""

    flow_id: UUID
    name: str
    number: int
    is_deleted: bool


@dataclass(frozen=True)
class AssignmentRow:
    """What a flow is assigned to; `name` is the number, the pool's, the location's or the company's name."""

    scope: str
    subject_id: UUID
    name: str
    flow_id: UUID
    flow: str
    assigned_by: str
    assigned_at: datetime


@dataclass(frozen=True)
class Answering:
    """What answers a number: a flow, by its scope, or the location's settings (scope `settings`)."""

    number_id: UUID
    e164: str
    scope: str
    flow_id: UUID | None
    name: str
    version: int | None
    flow: Flow
    own_line: str
    timezone: str


_FLOWS = """
    SELECT f.id, f.name, v.number AS version, v.definition, v.saved_by, v.saved_at,
           (SELECT count(*) FROM flow_assignment a
            WHERE a.company_id = f.company_id AND a.flow_id = f.id) AS assignments
    FROM call_flow f
    JOIN call_flow_version v ON v.company_id = f.company_id AND v.id = f.current_version
    WHERE f.company_id = :company_id AND f.deleted_at IS NULL
"""
_ASSIGNMENTS = """
    SELECT a.scope, a.subject_id, coalesce(n.e164, p.name, l.name, c.name) AS name, a.flow_id, f.name AS flow,
           a.assigned_by, a.assigned_at
    FROM flow_assignment a
    JOIN call_flow f ON f.company_id = a.company_id AND f.id = a.flow_id
    LEFT JOIN tracking_number n ON a.scope = 'number' AND n.company_id = a.company_id AND n.id = a.subject_id
    LEFT JOIN pool p ON a.scope = 'pool' AND p.company_id = a.company_id AND p.id = a.subject_id
    LEFT JOIN location l ON a.scope = 'location' AND l.company_id = a.company_id AND l.id = a.subject_id
    LEFT JOIN company c ON a.scope = 'company' AND c.id = a.subject_id
    WHERE a.company_id = :company_id
    ORDER BY array_position(ARRAY['company', 'location', 'pool', 'number'], a.scope), name
"""
_NARROWEST = text(
    """
    SELECT a.scope, a.flow_id
    FROM flow_assignment a
    JOIN call_flow f ON f.company_id = a.company_id AND f.id = a.flow_id AND f.deleted_at IS NULL
    WHERE a.company_id = :company_id
      AND ((a.scope = 'number' AND a.subject_id = :number_id)
           OR (a.scope = 'pool' AND a.subject_id = :pool_id)
           OR (a.scope = 'location' AND a.subject_id = :location_id)
           OR (a.scope = 'company' AND a.subject_id = :company_id))
    ORDER BY array_position(ARRAY['number', 'pool', 'location', 'company'], a.scope) LIMIT 1
    """
)


def flows(session: Session, company_id: UUID) -> tuple[FlowRow, ...]:
    """Return a company's flows by name."""
    rows = session.execute(text(_FLOWS + " ORDER BY lower(f.name), f.id"), {"company_id": company_id})
    return tuple(FlowRow(**row._mapping) for row in rows)


def flow(session: Session, company_id: UUID, flow_id: UUID) -> FlowRow:
    """Return one flow; raises NotFound when the company has none such."""
    given = {"company_id": company_id, "flow_id": flow_id}
    row = session.execute(text(_FLOWS + " AND f.id = :flow_id"), given).one_or_none()
    if row is None:
        raise NotFound("There is no such call flow.")
    return FlowRow(**row._mapping)


def versions(session: Session, company_id: UUID, flow_id: UUID) -> tuple[VersionRow, ...]:
    """Return the versions of a flow, newest first."""
    rows = session.execute(
        select(
            CallFlowVersion.number,
            CallFlowVersion.id.label("version_id"),
            CallFlowVersion.definition,
            CallFlowVersion.saved_by,
            CallFlowVersion.saved_at,
            CallFlowVersion.replaced_at,
        )
        .where(
            CallFlowVersion.company_id == company_id,
            CallFlowVersion.flow_id == flow_id,
            CallFlowVersion.number > 0,
        )
        .order_by(CallFlowVersion.number.desc())
    )
    return tuple(VersionRow(**row._mapping) for row in rows)


def walked(session: Session, company_id: UUID, version_id: UUID | None) -> WalkedRow | None:
    """Return the flow and version a call went through, deleted ones too; None: it went through none."""
    row = session.execute(
        select(CallFlow.id.label("flow_id"), CallFlow.name, CallFlowVersion.number, CallFlow.deleted_at)
        .join(
            CallFlow,
            (CallFlow.company_id == CallFlowVersion.company_id) & (CallFlow.id == CallFlowVersion.flow_id),
        )
        .where(CallFlowVersion.company_id == company_id, CallFlowVersion.id == version_id)
    ).one_or_none()
    return WalkedRow(row.flow_id, row.name, row.number, row.deleted_at is not None) if row else None


def assignments(session: Session, company_id: UUID) -> tuple[AssignmentRow, ...]:
    """Return everything a flow is assigned to, from the company down to single numbers."""
    rows = session.execute(text(_ASSIGNMENTS), {"company_id": company_id})
    return tuple(AssignmentRow(**row._mapping) for row in rows)


def answering(session: Session, company_id: UUID, number_id: UUID) -> Answering:
    """Return what answers calls to a number now; raises NotFound when it is no number in service."""
    row = session.execute(
        select(
            TrackingNumber.id, TrackingNumber.e164, TrackingNumber.pool_id, TrackingNumber.location_id,
            Location.name, Location.forward_to, Location.ring_seconds, Location.announcement,
            Location.language, Location.whisper, Location.voicemail, Location.record, Company.timezone,
        )
        .join(
            Location,
            (Location.company_id == TrackingNumber.company_id) & (Location.id == TrackingNumber.location_id),
        )
        .join(Company, Company.id == TrackingNumber.company_id)
        .where(
            TrackingNumber.company_id == company_id,
            TrackingNumber.id == number_id,
            TrackingNumber.released_at.is_(None),
        )
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NotFound("There is no such number.")
    place = {
        "company_id": company_id,
        "number_id": number_id,
        "pool_id": row.pool_id,
        "location_id": row.location_id,
    }
    found = session.execute(_NARROWEST, place).one_or_none()
    if found is None:
        names = LineSettings.__dataclass_fields__
        of_location = flow_of(LineSettings(**{name: getattr(row, name) for name in names}))
        return Answering(
            number_id, row.e164, "settings", None, row.name, None, of_location, row.forward_to, row.timezone
        )
    chosen = flow(session, company_id, found.flow_id)
    read = read_flow(chosen.definition)
    return Answering(
        number_id,
        row.e164,
        found.scope,
        chosen.id,
        chosen.name,
        chosen.version,
        read,
        row.forward_to,
        row.timezone,
    )
