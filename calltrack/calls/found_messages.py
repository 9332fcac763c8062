"""Text messages that reached the carrier and not us: found in its own list, as calls are.

What a hook kept before has the same key, so nothing is received twice, whoever was first.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.calls.outbound.model import CarrierReport
from calltrack.calls.outbound.reports import Report, store_report
from calltrack.infra.bounded import connect
from calltrack.kernel.errors import BadInput
from calltrack.numbers.model import TrackingNumber
from calltrack.telephony.carrier_calls import CarrierMessage
from calltrack.telephony.twilio_messages import found_message, plain
from calltrack.wiring import Services

STORE_SECONDS = 30.0


def keep_messages(
    services: Services, company_id: UUID, listed: Iterable[CarrierMessage], now: datetime
) -> int:
    """Store the received messages of a list that are not known yet; returns how many were."""
    received = [one for one in listed if one.inbound]
    if not received:
        return 0
    with services.db.tenant(company_id) as session:
        reports = _unknown(session, company_id, received, now)
    if not reports:
        return 0
    connection = connect(services.settings.app_url, STORE_SECONDS)
    try:
        new = sum(store_report(connection, services.vault, report, now) for report in reports)
    finally:
        connection.abandon()
    if new:
        services.nudges.wake("handle_facts", str(company_id))
    return new


def _unknown(
    session: Session, company_id: UUID, received: list[CarrierMessage], now: datetime
) -> list[Report]:
    keys = {f"sms:{one.sid}": one for one in received}
    known = set(
        session.scalars(
            select(CarrierReport.key).where(
                CarrierReport.company_id == company_id, CarrierReport.key.in_(sorted(keys))
            )
        )
    )
    numbers = {
        row.e164: row.id
        for row in session.execute(
            select(TrackingNumber.e164, TrackingNumber.id).where(
                TrackingNumber.company_id == company_id,
                TrackingNumber.e164.in_(sorted({one.to for one in received})),
            )
        )
    }
    found = []
    for key, one in keys.items():
        if key in known or one.to not in numbers:
            continue
        try:
            fields = plain(found_message(one))
        except BadInput:
            continue
        at = min(one.sent_at or one.created_at or now, now)
        found.append(
            Report(
                company_id=company_id, number_id=numbers[one.to], kind="message", key=key, about=None,
                received_at=at, fields=fields,
            )
        )  # fmt: skip
    return found
