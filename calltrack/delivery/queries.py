"""What pages and the API read of destinations and deliveries."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.delivery.model import Attempt, Delivery, DestinationAccount
from calltrack.kernel.ids import first_id_of

LOOK_BACK = timedelta(days=30)
MOST = 200


@dataclass(frozen=True)
class DeliveryRow:
    """One conversion change on its way to one destination."""

    id: UUID
    destination_id: UUID
    destination: str
    destination_kind: str
    conversion_id: UUID
    call_id: UUID
    conversion_kind: str
    action: str
    value_minor: int | None
    currency: str
    sequence: int
    upload_id: str
    state: str
    attempts: int
    request_id: str | None
    last_class: str | None
    explanation: str
    planned_at: datetime
    due_at: datetime | None
    settled_at: datetime | None
    is_demo: bool
    preflight: str = ""
    preflight_code: str = ""
    preflight_reason: str = ""
    preflight_until: datetime | None = None
    preflight_at: datetime | None = None


@dataclass(frozen=True)
class AttemptRow:
    """One try: what was asked, what came back."""

    delivery_id: UUID
    number: int
    step: str
    started_at: datetime
    finished_at: datetime | None
    request_hash: str
    status: int | None
    answer: str
    class_: str | None
    message: str


@dataclass(frozen=True)
class Parcel:
    """A delivery with its frozen payload (as readable JSON where it is JSON) and every attempt."""

    delivery: DeliveryRow
    payload: str
    payload_hash: str
    attempts: tuple[AttemptRow, ...]
    raw: str = ""
    """The payload as it is sent, to the byte where it is UTF-8."""


@dataclass(frozen=True)
class HealthRow:
    """A destination and how it has been over the last 30 days."""

    id: UUID
    kind: str
    name: str
    status: str
    status_reason: str
    status_changed_at: datetime
    settings: dict[str, Any]
    is_demo: bool
    counts: dict[str, int]
    waiting: int
    oldest_waiting_at: datetime | None
    last_confirmed_at: datetime | None
    last_error: str
    last_error_class: str | None
    last_error_at: datetime | None

    @property
    def planned(self) -> int:
        """Deliveries planned in the last 30 days."""
        return sum(self.counts.values())


_COLUMNS = (
    Delivery.id, Delivery.destination_id, DestinationAccount.name.label("destination"),
    DestinationAccount.kind.label("destination_kind"), Delivery.conversion_id, Conversion.call_id,
    Conversion.kind.label("conversion_kind"), ConversionChange.action, ConversionChange.value_minor,
    ConversionChange.currency, Delivery.sequence, Delivery.upload_id, Delivery.state, Delivery.attempts,
    Delivery.request_id, Delivery.last_class, Delivery.explanation, Delivery.planned_at, Delivery.due_at,
    Delivery.settled_at, Delivery.is_demo, Delivery.preflight, Delivery.preflight_code,
    Delivery.preflight_reason, Delivery.preflight_until, Delivery.preflight_at,
)  # fmt: skip

_HEALTH = text(
    """
    SELECT d.id, d.kind, d.name, d.status, d.status_reason, d.status_changed_at, d.settings, d.is_demo,
           coalesce(seen.counts, '{}') AS counts,
           coalesce(waiting.waiting, 0) + coalesce((seen.counts ->> 'parked')::int, 0) AS waiting,
           least(waiting.oldest_waiting_at, seen.oldest_parked_at) AS oldest_waiting_at,
           seen.last_confirmed_at, coalesce(wrong.explanation, '') AS last_error,
           wrong.last_class AS last_error_class, wrong.at AS last_error_at
    FROM destination d
    LEFT JOIN (
        SELECT destination_id, jsonb_object_agg(state, number) AS counts,
               max(last_confirmed_at) AS last_confirmed_at,
               min(oldest_at) FILTER (WHERE state = 'parked') AS oldest_parked_at
        FROM (
            SELECT destination_id, state, count(*) AS number, min(planned_at) AS oldest_at,
                   max(settled_at) FILTER (WHERE state = 'confirmed') AS last_confirmed_at
            FROM delivery WHERE company_id = :company_id AND id >= :since GROUP BY 1, 2
        ) states GROUP BY 1
    ) seen ON seen.destination_id = d.id
    LEFT JOIN (
        SELECT destination_id, count(*) AS waiting, min(planned_at) AS oldest_waiting_at
        FROM delivery
        WHERE company_id = :company_id AND due_at IS NOT NULL AND state <> 'parked' GROUP BY 1
    ) waiting ON waiting.destination_id = d.id
    LEFT JOIN LATERAL (
        -- What went wrong either waits still or stands in the small index of trouble.
        SELECT both_.explanation, both_.last_class, coalesce(both_.settled_at, both_.planned_at) AS at
        FROM (
            (SELECT e.* FROM delivery e
             WHERE e.company_id = d.company_id AND e.destination_id = d.id AND e.id >= :since
               AND e.due_at IS NOT NULL
               AND e.last_class IN ('LATER', 'UNKNOWN', 'ROW', 'CONFIG', 'BUG')
             ORDER BY e.id DESC LIMIT 1)
            UNION ALL
            (SELECT e.* FROM delivery e
             WHERE e.company_id = d.company_id AND e.destination_id = d.id AND e.id >= :since
               AND e.state IN ('rejected', 'unknown', 'parked')
               AND e.last_class IN ('LATER', 'UNKNOWN', 'ROW', 'CONFIG', 'BUG')
             ORDER BY e.id DESC LIMIT 1)) both_
        ORDER BY both_.id DESC LIMIT 1
    ) wrong ON true
    WHERE d.company_id = :company_id AND d.status <> 'removed'
    ORDER BY d.name, d.id
    """
)


def destinations(session: Session, company_id: UUID, now: datetime) -> tuple[HealthRow, ...]:
    """Return the connected destinations and their health."""
    rows = session.execute(_HEALTH, {"company_id": company_id, "since": first_id_of(now - LOOK_BACK)})
    return tuple(HealthRow(**row._mapping) for row in rows)


def names_of(session: Session, company_id: UUID) -> tuple[tuple[UUID, str], ...]:
    """Return id and name of the connected destinations, by name."""
    rows = session.execute(
        select(DestinationAccount.id, DestinationAccount.name)
        .where(DestinationAccount.company_id == company_id, DestinationAccount.status != "removed")
        .order_by(DestinationAccount.name, DestinationAccount.id)
    )
    return tuple((row.id, row.name) for row in rows)


def parcels_of(session: Session, company_id: UUID, conversion_ids: Collection[UUID]) -> tuple[Parcel, ...]:
    """Return the deliveries of these conversions with payloads and attempts, oldest first."""
    if not conversion_ids:
        return ()
    return _parcels(session, company_id, Delivery.conversion_id.in_(list(conversion_ids)))


def parcel(session: Session, company_id: UUID, delivery_id: UUID) -> Parcel | None:
    """Return one delivery with payload and attempts; None when it does not exist in this company."""
    found = _parcels(session, company_id, Delivery.id == delivery_id)
    return found[0] if found else None


def _parcels(session: Session, company_id: UUID, which: Any) -> tuple[Parcel, ...]:
    rows = session.execute(
        select_rows(Delivery.payload, Delivery.payload_hash)
        .where(Delivery.company_id == company_id, which)
        .order_by(Delivery.id)
        .limit(MOST)
    ).all()
    tries = _attempts(session, company_id, [row.id for row in rows])
    found = []
    for row in rows:
        plain = dict(row._mapping)
        payload, digest = plain.pop("payload"), plain.pop("payload_hash")
        found.append(
            Parcel(
                DeliveryRow(**plain),
                _readable(payload),
                digest.hex(),
                tries.get(row.id, ()),
                payload.decode(errors="replace"),
            )
        )
    return tuple(found)


def select_rows(*more: Any) -> Any:
    """Return the query of delivery rows, to be narrowed to one company."""
    return joined(select(*_COLUMNS, *more))


def joined(query: Any) -> Any:
    """Join to a query of deliveries what each row tells of: destination, conversion, change."""
    return (
        query.join(
            DestinationAccount,
            (DestinationAccount.company_id == Delivery.company_id)
            & (DestinationAccount.id == Delivery.destination_id),
        )
        .join(
            Conversion,
            (Conversion.company_id == Delivery.company_id) & (Conversion.id == Delivery.conversion_id),
        )
        .join(
            ConversionChange,
            (ConversionChange.company_id == Delivery.company_id)
            & (ConversionChange.id == Delivery.change_id),
        )
    )


def _attempts(
    session: Session, company_id: UUID, delivery_ids: list[UUID]
) -> dict[UUID, tuple[AttemptRow, ...]]:
    rows = session.scalars(
        select(Attempt)
        .where(Attempt.company_id == company_id, Attempt.delivery_id.in_(delivery_ids))
        .order_by(Attempt.number)
    )
    found: dict[UUID, tuple[AttemptRow, ...]] = {}
    for one in rows:
        row = AttemptRow(
            delivery_id=one.delivery_id, number=one.number, step=one.step, started_at=one.started_at,
            finished_at=one.finished_at, request_hash=one.request_hash.hex(), status=one.status,
            answer=_readable(one.answer), class_=one.class_, message=one.message,
        )  # fmt: skip
        found[one.delivery_id] = (*found.get(one.delivery_id, ()), row)
    return found


def _readable(raw: bytes | str) -> str:
    try:
        return json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except ValueError:
        return raw if isinstance(raw, str) else raw.decode(errors="backslashreplace")
