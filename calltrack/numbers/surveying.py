"""Once an hour: numbers the carrier bills and nobody answers, what each costs, and which are written down."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.carrier import carrier_for
from calltrack.infra import outbox
from calltrack.infra.log import log
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import Money
from calltrack.kernel.phone import country_of
from calltrack.numbers.application import keep_application
from calltrack.numbers.market import rent
from calltrack.numbers.model import TrackingNumber
from calltrack.numbers.order_model import OPEN, NumberOrder, NumberOrphan
from calltrack.numbers.orphans import Orphan, orphans
from calltrack.numbers.printed import note_strange_calls
from calltrack.telephony.carrier import Carrier, CarrierError, OwnedNumber
from calltrack.wiring import Services


def survey(services: Services, company_id: UUID) -> int:
    """Look for orphans and learn rents; returns how many orphans there are. Silence changes nothing.

    Which numbers are called from nowhere is looked at in any case: our own records say it.
    """
    with services.db.tenant(company_id) as session:
        if note_strange_calls(session, company_id, services.clock()):
            outbox.record(session, company_id, "numbers.checked", company_id, services.clock())
    with services.db.tenant(company_id) as session:
        try:
            carrier = carrier_for(session, services.vault, services.carriers, company_id)
        except NotFound:
            return 0
    try:
        application = keep_application(carrier, company_id, services.settings.base_url)
        owned = list(carrier.list_numbers())
        prices = _rents(services, carrier, company_id, owned)
    except CarrierError as problem:
        log.warning("numbers: the account of company %s was not surveyed: %s", company_id, problem)
        return 0
    now = services.clock()
    with services.db.tenant(company_id) as session:
        found = orphans(
            owned,
            *_known(session, company_id),
            base_url=services.settings.base_url,
            application_sid=application.sid,
        )
        _store(session, company_id, found, now)
        for e164, (type_, price) in prices.items():
            _note_rent(session, company_id, e164, type_, price)
    services.nudges.wake("handle_facts", str(company_id))
    return len(found)


def _known(session: Session, company_id: UUID) -> tuple[set[str], set[str]]:
    """Return the numbers in use or ordered, and those that were released here."""
    rows = session.execute(
        select(TrackingNumber.e164, TrackingNumber.released_at).where(TrackingNumber.company_id == company_id)
    ).all()
    ordered = session.scalars(
        select(NumberOrder.e164).where(NumberOrder.company_id == company_id, NumberOrder.state.in_(OPEN))
    )
    used = {row.e164 for row in rows if row.released_at is None} | set(ordered)
    return used, {row.e164 for row in rows} - used


def _store(session: Session, company_id: UUID, found: list[Orphan], now: datetime) -> None:
    kept = {one.e164 for one in found}
    before = set(session.scalars(select(NumberOrphan.e164).where(NumberOrphan.company_id == company_id)))
    session.execute(
        delete(NumberOrphan).where(NumberOrphan.company_id == company_id, NumberOrphan.e164.not_in(kept))
    )
    for one in found:
        values = {"carrier_number_id": one.sid, "name": one.name, "reason": one.reason}
        session.execute(
            insert(NumberOrphan)
            .values(company_id=company_id, e164=one.e164, id=new_id(now), found_at=now, **values)
            .on_conflict_do_update(index_elements=[NumberOrphan.company_id, NumberOrphan.e164], set_=values)
        )
    if kept != before:
        outbox.record(session, company_id, "numbers.checked", company_id, now)


def _rents(
    services: Services, carrier: Carrier, company_id: UUID, owned: list[OwnedNumber]
) -> dict[str, tuple[str, Money]]:
    """Return type and rent of the numbers whose rent is not known yet; one request for each country."""
    with services.db.tenant(company_id) as session:
        unknown = set(
            session.scalars(
                select(TrackingNumber.e164).where(
                    TrackingNumber.company_id == company_id,
                    TrackingNumber.released_at.is_(None),
                    TrackingNumber.rent_minor.is_(None),
                )
            )
        )
    found: dict[str, tuple[str, Money]] = {}
    asked: dict[tuple[str, str], Money | None] = {}
    for one in owned:
        country = country_of(one.e164)
        if one.e164 not in unknown or country is None or one.type is None:
            continue
        key = (country, one.type)
        if key not in asked:
            asked[key] = rent(carrier, *key)
        price = asked[key]
        if price is not None:
            found[one.e164] = (one.type, price)
    return found


def _note_rent(session: Session, company_id: UUID, e164: str, type_: str, price: Money) -> None:
    session.execute(
        update(TrackingNumber)
        .where(
            TrackingNumber.company_id == company_id,
            TrackingNumber.e164 == e164,
            TrackingNumber.rent_minor.is_(None),
        )
        .values(type=type_, rent_minor=price.minor, rent_currency=price.currency)
    )
