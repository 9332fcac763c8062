"""Our record of numbers as the carrier should have them, read in one go before the carrier is asked."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.model import CarrierAccount
from calltrack.config import Settings
from calltrack.numbers.health import Finding, Hooks, Wanted
from calltrack.numbers.hooks import voice_base
from calltrack.numbers.model import TrackingNumber

WAITING = "waiting"


@dataclass(frozen=True)
class Kept:
    """A number in use and its set-up.

    `is_leaving`: it is about to be given back. `is_waiting`: it was taken in and is to be led here.
    """

    id: UUID
    wanted: Wanted
    is_leaving: bool
    is_waiting: bool


def wanted_numbers(session: Session, settings: Settings, company_id: UUID) -> list[Kept]:
    """Return every number in use, without the application's id: that is the carrier's to tell."""
    rows = session.execute(
        select(
            TrackingNumber.id,
            TrackingNumber.e164,
            TrackingNumber.hooks,
            TrackingNumber.leave_at,
            TrackingNumber.findings,
            CarrierAccount.account_sid,
        )
        .join(
            CarrierAccount,
            (CarrierAccount.company_id == TrackingNumber.company_id)
            & (CarrierAccount.id == TrackingNumber.carrier_account_id),
        )
        .where(TrackingNumber.company_id == company_id, TrackingNumber.released_at.is_(None))
        .order_by(TrackingNumber.id)
    ).all()
    return [
        Kept(
            row.id,
            wanted_of(settings, row.id, row.e164, cast(Hooks, row.hooks), row.account_sid),
            row.leave_at is not None,
            any(one["code"] == WAITING for one in row.findings),
        )
        for row in rows
    ]


def wanted_of(settings: Settings, number_id: UUID, e164: str, hooks: Hooks, account_sid: str) -> Wanted:
    """Return how a number must be set up at the carrier."""
    voice = voice_base(settings.base_url, number_id)
    fallback = voice_base(settings.voice_fallback_origin or settings.base_url, number_id)
    return Wanted(
        e164=e164,
        account_sid=account_sid,
        hooks=hooks,
        voice_url=voice,
        voice_fallback_url=f"{fallback}/fallback",
        status_callback=f"{voice}/status",
        sms_url=f"{voice}/sms",
    )


def as_json(found: tuple[Finding, ...]) -> list[Any]:
    """Return findings as they are stored."""
    return [
        {"code": one.code, "words": one.words, "unfit": one.unfit, "repairable": one.repairable}
        for one in found
    ]
