"""Pools and numbers: made, claimed, targeted, released."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from calltrack.accounts.model import CarrierAccount
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.numbers import service
from calltrack.numbers.model import NumberClaim, Pool, SiteTarget, Slot, TrackingNumber
from calltrack.wiring import Services
from tests.builders import Company, fresh_e164, make_company

NOW = datetime.now(UTC)


def carrier_of(services: Services, company: Company) -> UUID:
    with services.db.tenant(company.id) as session:
        return session.scalars(select(CarrierAccount.id)).one()


def add(services: Services, company: Company, number: str, pool_id: UUID | None = None) -> UUID:
    carrier_id = carrier_of(services, company)
    with services.db.tenant(company.id) as session:
        (number_id,) = service.add_pool_numbers(
            session, company.id, pool_id or company.pool_id, carrier_id, [number], NOW
        )
    return number_id


def test_a_new_number_is_free_at_once(services: Services, company: Company) -> None:
    with services.db.tenant(company.id) as session:
        pool_id = service.create_pool(session, company.id, company.location_id, " Milano ", NOW)
    number_id = add(services, company, fresh_e164(), pool_id)
    with services.db.tenant(company.id) as session:
        pool = session.get_one(Pool, (company.id, pool_id))
        slot = session.get_one(Slot, (company.id, number_id))
    assert (pool.name, pool.lease_seconds, pool.cooldown_seconds) == ("Milano", 75, 0)
    assert (slot.pool_id, slot.lease_id) == (pool_id, None)
    assert slot.busy_until < NOW - timedelta(days=300)


@pytest.mark.parametrize(
    ("name", "lease", "cooldown"), [("  ", 150, 60), ("x", 0, 60), ("x", 3601, 60), ("x", 150, -1)]
)
def test_an_absurd_pool_is_refused(
    services: Services, company: Company, name: str, lease: int, cooldown: int
) -> None:
    with services.db.tenant(company.id) as session, pytest.raises(BadInput):
        service.create_pool(
            session,
            company.id,
            company.location_id,
            name,
            NOW,
            lease_seconds=lease,
            cooldown_seconds=cooldown,
        )


def test_a_number_belongs_to_one_company_on_this_server(services: Services, company: Company) -> None:
    other, number = make_company(services, numbers=0), fresh_e164()
    add(services, company, number)
    with pytest.raises(Conflict):
        add(services, other, number)
    with pytest.raises(Conflict):
        add(services, company, number)
    with services.db.tenant(other.id) as session:
        assert session.scalar(select(func.count()).select_from(Slot)) == 0


def test_a_released_number_may_go_to_another_company_and_come_back(
    services: Services, company: Company
) -> None:
    other, number = make_company(services, numbers=0), fresh_e164()
    first = add(services, company, number)
    with services.db.tenant(company.id) as session:
        service.release_number(session, company.id, first, NOW)
    with services.db.tenant(company.id) as session:
        assert session.get(Slot, (company.id, first)) is None
        with pytest.raises(NotFound):
            service.release_number(session, company.id, first, NOW)
    second = add(services, other, number)
    with services.db.tenant(other.id) as session:
        service.release_number(session, other.id, second, NOW)
    assert add(services, company, number) == first
    with services.db.tenant(company.id) as session:
        assert session.get_one(TrackingNumber, (company.id, first)).released_at is None
        assert session.get_one(NumberClaim, number).company_id == company.id


def test_a_number_of_a_foreign_company_cannot_be_released(services: Services, company: Company) -> None:
    other = make_company(services)
    with services.db.tenant(other.id) as session, pytest.raises(NotFound):
        service.release_number(session, other.id, company.number_ids[0], NOW)
    with services.db.tenant(company.id) as session:
        assert session.get_one(TrackingNumber, (company.id, company.number_ids[0])).released_at is None


def test_a_foreign_or_missing_pool_takes_no_numbers(services: Services, company: Company) -> None:
    other = make_company(services)
    for pool_id in (other.pool_id, new_id()):
        with pytest.raises(NotFound):
            add(services, company, fresh_e164(), pool_id)


def test_overflow_and_static_numbers_have_no_slot(services: Services, company: Company) -> None:
    carrier_id = carrier_of(services, company)
    with services.db.tenant(company.id) as session:
        spare = service.add_overflow_number(
            session, company.id, company.pool_id, carrier_id, fresh_e164(), NOW
        )
        poster = service.add_static_number(
            session,
            company.id,
            company.location_id,
            carrier_id,
            fresh_e164(),
            "billboard",
            "ooh",
            "roma",
            NOW,
        )
    with services.db.tenant(company.id) as session:
        assert session.get_one(TrackingNumber, (company.id, spare)).kind == "overflow"
        found = session.get_one(TrackingNumber, (company.id, poster))
        assert (found.kind, found.source, found.pool_id) == ("static", "billboard", None)
        assert session.get(Slot, (company.id, spare)) is None
        assert session.get(Slot, (company.id, poster)) is None


def test_a_target_said_again_is_changed(services: Services, company: Company) -> None:
    with services.db.tenant(company.id) as session:
        pool_id = service.create_pool(session, company.id, company.location_id, "Altro", NOW)
        service.add_target(session, company.id, company.site_id, company.target, company.location_id, pool_id)
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(SiteTarget)).one().pool_id == pool_id


def test_no_phone_number_is_no_tracking_number(services: Services, company: Company) -> None:
    with pytest.raises(BadInput):
        add(services, company, "hello")
