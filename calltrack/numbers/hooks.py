"""How a tracking number must be set up at the carrier: whom it calls when it rings."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.model import CarrierAccount, Location
from calltrack.numbers.model import TrackingNumber


@dataclass(frozen=True)
class NumberSetup:
    """One number and the addresses its carrier calls."""

    e164: str
    kind: str
    location: str
    pool: str | None
    voice_url: str
    voice_fallback_url: str
    status_callback: str
    sms_url: str
    account_sid: str
    company_id: str

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)


def voice_base(base_url: str, number_id: UUID) -> str:
    """Return the address below which all hooks of a number lie (plain ASCII, opaque id)."""
    return f"{base_url}/voice/{number_id.hex}"


def setups(session: Session, base_url: str, fallback_origin: str = "") -> list[NumberSetup]:
    """Return the set-up of every number the session may see (one company, or all for the system role).

    `fallback_origin` is where static answers are served on another machine (docs/fail-open.md).
    """
    rows = session.execute(
        select(
            TrackingNumber.e164,
            TrackingNumber.id,
            TrackingNumber.kind,
            TrackingNumber.pool_id,
            TrackingNumber.company_id,
            Location.name.label("location"),
            CarrierAccount.account_sid,
        )
        .join(
            Location,
            (Location.company_id == TrackingNumber.company_id) & (Location.id == TrackingNumber.location_id),
        )
        .join(
            CarrierAccount,
            (CarrierAccount.company_id == TrackingNumber.company_id)
            & (CarrierAccount.id == TrackingNumber.carrier_account_id),
        )
        .where(TrackingNumber.released_at.is_(None))
        .order_by(TrackingNumber.company_id, Location.name, TrackingNumber.kind, TrackingNumber.e164)
    ).all()
    return [
        NumberSetup(
            e164=row.e164,
            kind=row.kind,
            location=row.location,
            pool=row.pool_id.hex if row.pool_id else None,
            voice_url=voice_base(base_url, row.id),
            voice_fallback_url=f"{voice_base(fallback_origin or base_url, row.id)}/fallback",
            status_callback=f"{voice_base(base_url, row.id)}/status",
            sms_url=f"{voice_base(base_url, row.id)}/sms",
            account_sid=row.account_sid,
            company_id=row.company_id.hex,
        )
        for row in rows
    ]
