"""A pool is changed: what is different, which numbers are far, what is promised to pages that are open."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from calltrack.accounts.model import AuditEntry, CarrierAccount
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import new_id
from calltrack.numbers import service
from calltrack.numbers.changing import PoolChange, change_pool
from calltrack.numbers.model import Pool, Slot, TrackingNumber
from calltrack.numbers.placing import move
from calltrack.numbers.pool_cards import pool_card
from calltrack.numbers.rules import near_in
from calltrack.numbers.use import Use
from calltrack.wiring import Services
from tests.builders import Company, fresh_e164, make_company

NOW = datetime.now(UTC)
MINUTE = timedelta(minutes=1)


def change(services: Services, company: Company, now: datetime = NOW, /, **changes: Any) -> dict[str, Any]:
    with services.db.tenant(company.id) as session:
        given = PoolChange(**changes)
        return change_pool(session, company.id, company.pool_id, given, now, by="anna")


def pool_of(services: Services, company: Company) -> Pool:
    with services.db.tenant(company.id) as session:
        return session.get_one(Pool, (company.id, company.pool_id))


def far(services: Services, company: Company) -> set[str]:
    with services.db.tenant(company.id) as session:
        joined = select(TrackingNumber.e164).join(Slot, Slot.number_id == TrackingNumber.id)
        return set(session.scalars(joined.where(Slot.is_far)))


def add(session: Session, company: Company, number: str, pool_id: UUID | None = None) -> UUID:
    carrier_id = session.scalars(select(CarrierAccount.id)).one()
    (number_id,) = service.add_pool_numbers(
        session, company.id, pool_id or company.pool_id, carrier_id, [number], NOW
    )
    return number_id


def test_what_is_given_is_changed_and_written_down_and_the_same_again_is_nothing(
    services: Services, company: Company
) -> None:
    assert change(services, company, name=" Milano ", cooldown_seconds=9) == {
        "name": "Milano", "cooldown_seconds": 9,
    }  # fmt: skip
    assert change(services, company, name="Milano", cooldown_seconds=9, near=[]) == {}
    assert change(services, company) == {}
    pool = pool_of(services, company)
    assert (pool.name, pool.lease_seconds, pool.cooldown_seconds, pool.near) == ("Milano", 150, 9, [])
    with services.db.tenant(company.id) as session:
        (entry,) = session.scalars(select(AuditEntry))
    assert (entry.action, entry.subject, entry.actor) == ("pool.change", "Milano", "anna")
    assert entry.detail == {"cooldown_seconds": 9}


@pytest.mark.parametrize("wrong", [{"name": " "}, {"lease_seconds": 0}, {"cooldown_seconds": 90_000}])
def test_of_a_wrong_change_nothing_stays(services: Services, company: Company, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        change(services, company, **({"near": ["+3902"], "lease_seconds": 9} | wrong))
    assert (pool_of(services, company).near, far(services, company)) == ([], set())


def test_a_crash_before_the_end_leaves_pool_and_numbers_as_they_were(
    services: Services, company: Company
) -> None:
    def crash() -> None:
        with services.db.tenant(company.id) as session:
            given = PoolChange(name="Milano", lease_seconds=9, near=["+3902"])
            change_pool(session, company.id, company.pool_id, given, NOW, by="anna")
            raise RuntimeError("the process is killed")

    with pytest.raises(RuntimeError):
        crash()
    pool = pool_of(services, company)
    assert (pool.name, pool.lease_seconds, pool.longer_seconds, pool.near) == ("Sito Roma", 150, 0, [])
    assert far(services, company) == set()


def test_a_foreign_pool_is_unknown(services: Services, company: Company) -> None:
    other = make_company(services)
    for pool_id in (other.pool_id, new_id()):
        with services.db.tenant(company.id) as session, pytest.raises(NotFound):
            change_pool(session, company.id, pool_id, PoolChange(name="Mine"), NOW, by="anna")


def test_far_is_what_begins_otherwise_now_and_later(services: Services, company: Company) -> None:
    near = [company.numbers[1], company.numbers[3]]
    change(services, company, near=near)
    assert far(services, company) == set(company.numbers) - set(near)
    new = fresh_e164()
    with services.db.tenant(company.id) as session:
        number_id = add(session, company, new)
        other = service.create_pool(session, company.id, company.location_id, "Other", NOW, near=[new])
    assert new in far(services, company)
    with services.db.tenant(company.id) as session:
        move(session, company.id, number_id, Use(kind="pool", pool_id=other), NOW, by="anna")
    assert new not in far(services, company), "the other pool prefers it"
    with services.db.tenant(company.id) as session:
        move(session, company.id, number_id, Use(kind="pool", pool_id=company.pool_id), NOW, by="anna")
        card = pool_card(session, company.id, company.pool_id)
    assert set(card.far_numbers) == far(services, company) == {*company.numbers, new} - set(near)
    assert set(card.near_numbers) == set(near)
    change(services, company, near=["+39"])
    assert far(services, company) == set()


@pytest.mark.parametrize("is_change_first", [True, False])
def test_a_number_that_is_added_meanwhile_is_told_near_or_far_as_the_pool_says_at_last(
    services: Services, company: Company, is_change_first: bool
) -> None:
    new = fresh_e164()

    def add_one() -> None:
        with services.db.tenant(company.id) as session:
            add(session, company, new)

    def prefer() -> None:
        change(services, company, near=[company.numbers[0]])

    with services.db.tenant(company.id) as session:
        if is_change_first:
            given = PoolChange(near=[company.numbers[0]])
            change_pool(session, company.id, company.pool_id, given, NOW, by="anna")
        else:
            add(session, company, new)
        other = threading.Thread(target=add_one if is_change_first else prefer)
        other.start()
        waits = text(
            "SELECT EXISTS (SELECT FROM pg_locks "
            "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        while other.is_alive() and not session.scalar(waits):
            other.join(0.01)
    other.join()
    assert far(services, company) == {*company.numbers[1:], new}


def test_a_shorter_time_leaves_a_promise_to_open_pages_and_old_ones_are_forgotten(
    services: Services, company: Company
) -> None:
    def promise() -> tuple[int, datetime]:
        pool = pool_of(services, company)
        return pool.longer_seconds, pool.longer_before

    def held(since: datetime, seen: datetime) -> None:
        with services.db.tenant(company.id) as session:
            session.execute(update(Slot).values(alone_since=since, given_at=since, seen_at=seen))

    change(services, company, lease_seconds=75)
    assert promise() == (150, NOW + MINUTE)
    change(services, company, NOW + 2 * MINUTE, lease_seconds=100)
    assert promise() == (150, NOW + MINUTE), "a longer time owes nothing new"
    held(NOW, NOW + 60 * MINUTE)
    change(services, company, NOW + 62 * MINUTE, lease_seconds=80)
    assert promise() == (150, NOW + 63 * MINUTE), "a page of before is still open"
    change(services, company, NOW + 120 * MINUTE, lease_seconds=60)
    assert promise() == (80, NOW + 121 * MINUTE)


def test_leading_digits_are_read_as_people_type_them() -> None:
    assert near_in("+39 02, 06;\n\n 0039 02", "IT") == ["+3902", "+3906"]
    assert near_in(" ", "IT") == near_in([], "IT") == []
    with pytest.raises(BadInput, match="at most 5"):
        near_in(["+3901", "+3902", "+3903", "+3904", "+3905", "+3906"], "IT")
    with pytest.raises(BadInput, match=r"\+49089"):
        near_in(["+3902", "+49 089"], "IT")
