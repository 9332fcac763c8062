"""Reports about messages and calls we begin: kept as they came, once each; a fact lets workers read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.calls import sql
from calltrack.calls.outbound.model import CarrierReport
from calltrack.infra.bounded import BoundedConnection
from calltrack.infra.crypto import Vault
from calltrack.kernel.ids import new_id

PLACE = "carrier_report"
Kind = Literal["call_out", "message"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report. `key` is the same for every repetition; `about` is our own id from the address."""

    company_id: UUID
    number_id: UUID
    kind: Kind
    key: str
    about: UUID | None
    received_at: datetime
    fields: dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """A stored report, opened."""

    id: UUID
    kind: str
    about: UUID | None
    number_id: UUID
    received_at: datetime
    fields: dict[str, Any]


# Nothing happens where the report was stored before: no row, so no fact.
_STORE = """
    WITH made AS (
        INSERT INTO carrier_report (company_id, id, kind, key, about, number_id, received_at, report)
        VALUES (%(company_id)s, %(id)s, %(kind)s, %(key)s, %(about)s, %(number_id)s, %(received_at)s,
                %(report)s)
        ON CONFLICT (company_id, key) DO NOTHING
        RETURNING id
    )
    INSERT INTO outbox (company_id, id, kind, subject_id, recorded_at, due_at, failures)
    SELECT %(company_id)s, %(fact_id)s, 'report.told', id, %(now)s, %(now)s, 0 FROM made
    RETURNING id
"""


def store_report(connection: BoundedConnection, vault: Vault, report: Report, now: datetime) -> bool:
    """Store a report and the fact that it came; False when it was stored before (nothing changes then)."""
    values = {
        "company_id": report.company_id,
        "id": new_id(report.received_at),
        "kind": report.kind,
        "key": report.key,
        "about": report.about,
        "number_id": report.number_id,
        "received_at": report.received_at,
        "report": vault.seal(report.company_id, PLACE, msgspec.json.encode(report.fields).decode()),
        "fact_id": new_id(now),
        "now": now,
    }
    with connection.transaction():
        connection.execute(sql.SET_TENANT, {"company_id": str(report.company_id)}, prepare=True)
        return connection.execute(_STORE, values, prepare=True).fetchone() is not None


def report_of(session: Session, vault: Vault, company_id: UUID, report_id: UUID) -> Heard | None:
    """Return one stored report."""
    row = session.get(CarrierReport, (company_id, report_id))
    return None if row is None else _opened(vault, row)


def reports_about(session: Session, vault: Vault, company_id: UUID, about: UUID) -> tuple[Heard, ...]:
    """Return all reports about one of our own ids, in the order they were received."""
    rows = session.scalars(
        select(CarrierReport)
        .where(CarrierReport.company_id == company_id, CarrierReport.about == about)
        .order_by(CarrierReport.received_at, CarrierReport.id)
    )
    return tuple(_opened(vault, row) for row in rows)


def _opened(vault: Vault, row: CarrierReport) -> Heard:
    fields = msgspec.json.decode(vault.open(row.company_id, PLACE, row.report))
    return Heard(row.id, row.kind, row.about, row.number_id, row.received_at, fields)
