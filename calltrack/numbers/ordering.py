"""Ordering a number: everything is checked, then the intention is written down; a worker buys it.

Nothing is bought here: what the carrier is asked for stands in the database before, so that no lost answer
and no killed worker can make us buy twice, or forget what we bought.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.carrier import carrier_of
from calltrack.accounts.model import Company
from calltrack.accounts.rules import settings_of
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import Money
from calltrack.kernel.phone import pretty
from calltrack.numbers.caps import Caps, Holding, refusal
from calltrack.numbers.health import Hooks
from calltrack.numbers.market import Offer
from calltrack.numbers.model import NumberClaim, TrackingNumber
from calltrack.numbers.order_model import OPEN, NumberOrder
from calltrack.numbers.papers import missing
from calltrack.numbers.placing import claim_number, location_of, refuse_own_line
from calltrack.numbers.use import Use


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A number somebody wants, and what for."""

    e164: str
    use: Use
    hooks: Hooks = "application"
    address_sid: str | None = None
    bundle_sid: str | None = None


def check_offer(offer: Offer, wish: Wish) -> Money:
    """Return the rent of what is wanted, once every paper is there and the price is known.

    Raises:
        Conflict: which papers are missing, or that the carrier tells no price.
    """
    (number,) = offer.numbers
    lacking = missing(offer.papers, number.address_needed, wish.address_sid, wish.bundle_sid)
    if lacking:
        raise Conflict(" ".join(lacking))
    if offer.rent is None:
        raise Conflict(
            f"The carrier tells no price for {offer.search.type} numbers in {offer.search.country}, so the "
            "limit of what numbers may cost cannot be kept. Buy it in the carrier's console and import it."
        )
    return offer.rent


def order_number(
    session: Session, company_id: UUID, wish: Wish, offer: Offer, now: datetime, *, by: str
) -> UUID:
    """Write the intention to buy a number; returns the order's id. Wake a worker after the commit.

    Raises:
        Conflict: papers are missing, a limit would be passed, or the number is in use or ordered already.
        NotFound: there is no such pool or location, or no carrier is connected.
    """
    rent = check_offer(offer, wish)
    # The lock makes two who buy at once take turns, so that together they do not pass the limits.
    company = session.scalars(select(Company).where(Company.id == company_id).with_for_update()).one()
    if carrier_of(session, company_id) is None:
        raise NotFound("No carrier is connected yet: connect it on the page Carrier first.")
    location_of(session, company_id, wish.use)
    refuse_own_line(session, company_id, wish.e164)
    _refuse_known(session, company_id, wish.e164)
    limits = settings_of(company.settings)
    caps = Caps(limits.most_numbers, limits.most_number_rent)
    if words := refusal(caps, holding(session, company_id), [rent]):
        raise Conflict(words)
    claim_number(session, company_id, wish.e164)
    order = NumberOrder(
        company_id=company_id,
        id=new_id(now),
        e164=wish.e164,
        country=offer.search.country,
        type=offer.search.type,
        number_id=_id_of(session, company_id, wish.e164) or new_id(now),
        use=wish.use.as_json(),
        hooks=wish.hooks,
        address_sid=wish.address_sid,
        bundle_sid=wish.bundle_sid,
        rent_minor=rent.minor,
        rent_currency=rent.currency,
        state="intended",
        tries=0,
        due_at=now,
        ordered_by=by,
        ordered_at=now,
        changed_at=now,
    )
    session.add(order)
    session.flush()
    audit.note(
        session,
        company_id,
        by,
        "number.order",
        wish.e164,
        now,
        rent=str(rent.major()),
        currency=rent.currency,
    )
    return order.id


def holding(session: Session, company_id: UUID) -> Holding:
    """Return what the company has and has ordered, with the rents that are known."""
    numbers = session.execute(
        select(TrackingNumber.rent_minor, TrackingNumber.rent_currency).where(
            TrackingNumber.company_id == company_id, TrackingNumber.released_at.is_(None)
        )
    ).all()
    orders = session.execute(
        select(NumberOrder.rent_minor, NumberOrder.rent_currency).where(
            NumberOrder.company_id == company_id, NumberOrder.state.in_(OPEN)
        )
    ).all()
    rents = [(row[0], row[1]) for row in (*numbers, *orders)]
    return Holding(tuple(None if minor is None else Money(minor, currency) for minor, currency in rents))


def give_up_claim(session: Session, company_id: UUID, e164: str) -> None:
    """Let go of a number that was not bought, unless it is in use here all the same."""
    session.execute(
        delete(NumberClaim).where(
            NumberClaim.e164 == e164,
            NumberClaim.company_id == company_id,
            ~exists().where(
                TrackingNumber.company_id == company_id,
                TrackingNumber.e164 == e164,
                TrackingNumber.released_at.is_(None),
            ),
        )
    )


def _refuse_known(session: Session, company_id: UUID, e164: str) -> None:
    used = select(TrackingNumber.id).where(
        TrackingNumber.company_id == company_id,
        TrackingNumber.e164 == e164,
        TrackingNumber.released_at.is_(None),
    )
    if session.scalar(used) is not None:
        raise Conflict(f"{pretty(e164)} is in use already; see the list of numbers.")
    ordered = select(NumberOrder.id).where(
        NumberOrder.company_id == company_id, NumberOrder.e164 == e164, NumberOrder.state.in_(OPEN)
    )
    if session.scalar(ordered) is not None:
        raise Conflict(f"{pretty(e164)} is ordered already; see the list of orders.")


def _id_of(session: Session, company_id: UUID, e164: str) -> UUID | None:
    """Return the id a number had when it was used before: it keeps it, and with it its history."""
    return session.scalar(
        select(TrackingNumber.id).where(TrackingNumber.company_id == company_id, TrackingNumber.e164 == e164)
    )
