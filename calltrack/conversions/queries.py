"""What pages and the API read of conversions; the call log and the figures stand beside this file."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.conversions.call_log import CallFilter, CallPage, CallSummary, Place, find_calls, live_calls
from calltrack.conversions.figures import Bucket, Span
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.kernel.ids import first_id_of

__all__ = [
    "Bucket", "CallFilter", "CallPage", "CallSummary", "ChangeRow", "ConversionRow", "Place",
    "conversions_of", "find_calls", "find_conversions", "live_calls",
]  # fmt: skip


@dataclass(frozen=True)
class ChangeRow:
    """The creation, a new value, or the taking back of a conversion."""

    id: UUID
    conversion_id: UUID
    sequence: int
    action: str
    value_minor: int | None
    currency: str
    changed_at: datetime
    changed_by: str
    via: str
    reason: str


@dataclass(frozen=True)
class ConversionRow:
    """A lead or purchase with its history, oldest change first."""

    id: UUID
    call_id: UUID
    person_id: UUID | None
    kind: str
    status: str
    value_minor: int | None
    currency: str
    occurred_at: datetime
    decided_by: str
    reason: str
    sequence: int
    changed_at: datetime
    is_demo: bool
    external_id: str = ""
    via: str = "rule"
    ended_by: str = ""
    changes: tuple[ChangeRow, ...] = ()


_COLUMNS = (
    Conversion.id, Conversion.call_id, Conversion.person_id, Conversion.kind, Conversion.status,
    Conversion.value_minor, Conversion.currency, Conversion.occurred_at, Conversion.decided_by,
    Conversion.reason, Conversion.sequence, Conversion.changed_at, Conversion.is_demo,
    Conversion.external_id, Conversion.via, Conversion.ended_by,
)  # fmt: skip


def conversions_of(
    session: Session, company_id: UUID, call_ids: Collection[UUID]
) -> tuple[ConversionRow, ...]:
    """Return what these calls brought, each with its changes; leads before purchases."""
    if not call_ids:
        return ()
    rows = session.execute(
        select(*_COLUMNS)
        .where(Conversion.company_id == company_id, Conversion.call_id.in_(list(call_ids)))
        .order_by(Conversion.kind, Conversion.id)
    ).all()
    changes = _changes(session, company_id, [row.id for row in rows])
    return tuple(ConversionRow(**row._mapping, changes=changes.get(row.id, ())) for row in rows)


def find_conversions(
    session: Session, company_id: UUID, span: Span, after: UUID | None = None, most: int = 100
) -> tuple[ConversionRow, ...]:
    """Return the conversions written down in a period, newest first, without their changes."""
    query = select(*_COLUMNS).where(
        Conversion.company_id == company_id,
        Conversion.id >= first_id_of(span.since),
        Conversion.id < (after or first_id_of(span.until)),
    )
    rows = session.execute(query.order_by(Conversion.id.desc()).limit(min(max(most, 1), 500)))
    return tuple(ConversionRow(**row._mapping) for row in rows)


def _changes(
    session: Session, company_id: UUID, conversion_ids: list[UUID]
) -> dict[UUID, tuple[ChangeRow, ...]]:
    rows = session.execute(
        select(
            ConversionChange.id, ConversionChange.conversion_id, ConversionChange.sequence,
            ConversionChange.action, ConversionChange.value_minor, ConversionChange.currency,
            ConversionChange.changed_at, ConversionChange.changed_by, ConversionChange.via,
            ConversionChange.reason,
        )
        .where(
            ConversionChange.company_id == company_id, ConversionChange.conversion_id.in_(conversion_ids)
        )
        .order_by(ConversionChange.sequence)
    )  # fmt: skip
    found: dict[UUID, tuple[ChangeRow, ...]] = {}
    for row in rows:
        found[row.conversion_id] = (*found.get(row.conversion_id, ()), ChangeRow(**row._mapping))
    return found
