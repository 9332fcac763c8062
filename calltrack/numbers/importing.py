"""Numbers the account has already: listed, taken into service, and led here."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.carrier import carrier_for, carrier_of
from calltrack.kernel.errors import CalltrackError, Conflict, NotFound
from calltrack.numbers.health import Finding, Hooks
from calltrack.numbers.keeping import check_later, repair_number
from calltrack.numbers.model import TrackingNumber
from calltrack.numbers.order_model import OPEN, NumberOrder
from calltrack.numbers.placing import place
from calltrack.numbers.rules import MOST_AT_ONCE
from calltrack.numbers.use import Use
from calltrack.telephony.carrier import OwnedNumber
from calltrack.wiring import Services

WAITING = "It is not led here yet: that happens within some minutes, or at once by Repair."
# So many are led here while somebody waits for the answer; a worker does the others.
AT_ONCE = 5


@dataclass(frozen=True)
class Imported:
    """A number that was taken in; `problem` says why it does not lead here yet, None: it does."""

    id: UUID
    e164: str
    problem: str | None


def at_the_carrier(services: Services, company_id: UUID) -> list[OwnedNumber]:
    """Return the account's numbers that are not in use here, by number; raises CarrierError, NotFound."""
    with services.db.tenant(company_id) as session:
        carrier = carrier_for(session, services.vault, services.carriers, company_id)
        known = _known(session, company_id)
    return sorted((one for one in carrier.list_numbers() if one.e164 not in known), key=lambda one: one.e164)


def import_numbers(
    services: Services, company_id: UUID, wanted: list[str], use: Use, hooks: Hooks, *, by: str
) -> list[Imported]:
    """Take numbers of the account into service, then lead them here.

    They are in our record before the carrier is told, so that no call comes to a number we do not know; and
    visitors are not shown one before it leads here.

    Raises:
        CarrierError: the carrier does not answer; nothing is changed.
        Conflict: one of them is in use, or is not in the account; nothing is changed.
        NotFound: no carrier, or no such pool or location.
    """
    if not wanted:
        raise Conflict("Choose at least one number.")
    if len(wanted) > MOST_AT_ONCE:
        raise Conflict(f"Take in at most {MOST_AT_ONCE} numbers at once.")
    with services.db.tenant(company_id) as session:
        carrier = carrier_for(session, services.vault, services.carriers, company_id)
    owned = {one.e164: one for one in carrier.list_numbers()}
    if absent := [e164 for e164 in wanted if e164 not in owned]:
        raise Conflict(f"The carrier account has no number {absent[0]}; choose among its own.")
    if deaf := [e164 for e164 in wanted if not owned[e164].voice]:
        raise Conflict(f"The number {deaf[0]} takes no calls; leave it out.")
    now, placed = services.clock(), []
    with services.db.tenant(company_id) as session:
        account = carrier_of(session, company_id)
        if account is None:
            raise NotFound("No carrier is connected yet: connect it on the page Carrier first.")
        for e164 in wanted:
            number = place(session, company_id, e164, use, account.id, now)
            number.hooks, number.type = hooks, owned[e164].type or ""
            number.carrier_number_id = owned[e164].sid
            check_later(session, company_id, number.id, WAITING, now)
            audit.note(session, company_id, by, "number.import", e164, now)
            placed.append((number.id, e164))
    led = [_lead_here(services, company_id, number_id, e164, by) for number_id, e164 in placed[:AT_ONCE]]
    if len(placed) > AT_ONCE:
        services.nudges.wake("check_numbers", str(company_id))
    return led + [Imported(number_id, e164, WAITING) for number_id, e164 in placed[AT_ONCE:]]


def _lead_here(services: Services, company_id: UUID, number_id: UUID, e164: str, by: str) -> Imported:
    try:
        left: tuple[Finding, ...] = repair_number(services, company_id, number_id, by=by)
    except CalltrackError as problem:
        return Imported(number_id, e164, str(problem))
    return Imported(number_id, e164, left[0].words if left else None)


def _known(session: Session, company_id: UUID) -> set[str]:
    used = session.scalars(
        select(TrackingNumber.e164).where(
            TrackingNumber.company_id == company_id, TrackingNumber.released_at.is_(None)
        )
    )
    ordered = session.scalars(
        select(NumberOrder.e164).where(NumberOrder.company_id == company_id, NumberOrder.state.in_(OPEN))
    )
    return set(used) | set(ordered)
