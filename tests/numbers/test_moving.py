"""Moved, given back, taken in: history stays, numbers rest, nothing is lost half way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from calltrack.accounts.model import Location
from calltrack.attribution.evidence import load_call, load_evidence
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key
from calltrack.numbers import service
from calltrack.numbers.importing import at_the_carrier, import_numbers
from calltrack.numbers.keeping import check_numbers
from calltrack.numbers.leaving import (
    ask_to_leave,
    companies_with_leaving,
    keep_after_all,
    leave_due,
    warnings_of,
)
from calltrack.numbers.model import Lease, NumberClaim, Slot, TrackingNumber
from calltrack.numbers.placing import move
from calltrack.numbers.use import Use
from calltrack.numbers.uses import past_uses, use_at
from calltrack.telephony.carrier import NumberOrder, Retry
from calltrack.wiring import Services
from tests.builders import Company, fresh_e164, make_call, make_company, make_lease, make_visit
from tests.numbers.provider import Provider

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def company(services: Services) -> Company:
    """A company whose numbers are a year old."""
    one = make_company(services)
    with services.db.tenant(one.id) as session:
        session.execute(update(TrackingNumber).values(created_at=NOW - 365 * DAY))
    return one


def another_location(services: Services, company: Company) -> UUID:
    location_id = new_id()
    with services.db.tenant(company.id) as session:
        session.add(
            Location(
                company_id=company.id,
                id=location_id,
                name="Milano",
                city="Milano",
                forward_to=fresh_e164(),
                created_at=NOW,
            )
        )
    return location_id


def pool_at(services: Services, company: Company, location_id: UUID) -> UUID:
    with services.db.tenant(company.id) as session:
        return service.create_pool(session, company.id, location_id, "Other", NOW)


def moved(
    services: Services, company: Company, number_id: UUID, use: Use, now: datetime = NOW
) -> TrackingNumber:
    with services.db.tenant(company.id) as session:
        return move(session, company.id, number_id, use, now, by="anna")


def slot(services: Services, company: Company, number_id: UUID) -> Slot | None:
    with services.db.tenant(company.id) as session:
        return session.get(Slot, (company.id, number_id))


def test_between_pools_of_one_location_nothing_rests(services: Services, company: Company) -> None:
    pool_id = pool_at(services, company, company.location_id)
    number_id = company.number_ids[0]
    visit = make_visit(services, company, at=NOW - timedelta(minutes=1))
    lease = make_lease(services, company, visit, number_id)
    number = moved(services, company, number_id, Use(kind="pool", pool_id=pool_id))
    assert (number.pool_id, number.rests_until) == (pool_id, None)
    found = slot(services, company, number_id)
    assert found is not None
    assert (found.pool_id, found.lease_id) == (pool_id, None)
    assert found.busy_until < NOW
    with services.db.tenant(company.id) as session:
        assert session.get_one(Lease, (company.id, lease.id)).shown_until == NOW


def test_to_another_location_it_rests_as_long_as_people_may_still_call(
    services: Services, company: Company
) -> None:
    pool_id = pool_at(services, company, another_location(services, company))
    number_id = company.number_ids[0]
    make_lease(services, company, make_visit(services, company, at=NOW - 10 * DAY), number_id)
    call = make_call(services, company, number_id=number_id, at=NOW - 4 * DAY)
    number = moved(services, company, number_id, Use(kind="pool", pool_id=pool_id))
    assert number.rests_until == call.started_at + 30 * DAY
    found = slot(services, company, number_id)
    assert found is not None
    assert found.busy_until == number.rests_until


def test_a_number_nobody_ever_saw_needs_no_rest(services: Services, company: Company) -> None:
    pool_id = pool_at(services, company, another_location(services, company))
    number = moved(services, company, company.number_ids[0], Use(kind="pool", pool_id=pool_id))
    assert number.rests_until is None


def test_a_static_number_rests_from_now_and_not_in_the_overflow(services: Services, company: Company) -> None:
    use = Use(kind="static", location_id=company.location_id, source="billboard")
    number_id = company.number_ids[0]
    assert moved(services, company, number_id, use).kind == "static"
    assert slot(services, company, number_id) is None
    back = Use(kind="pool", pool_id=company.pool_id)
    later = NOW + 5 * DAY
    with pytest.raises(Conflict, match="rests until"):
        moved(services, company, number_id, Use(kind="overflow", pool_id=company.pool_id), later)
    number = moved(services, company, number_id, back, later)
    assert number.rests_until == later + 30 * DAY


def test_another_source_is_no_move(services: Services, company: Company) -> None:
    number_id = company.number_ids[0]
    first = Use(kind="static", location_id=company.location_id, source="billboard")
    moved(services, company, number_id, first)
    number = moved(services, company, number_id, Use(**{**first.__dict__, "source": "flyer"}), NOW + DAY)
    assert (number.source, number.rests_until) == ("flyer", None)
    moved(services, company, number_id, Use(**{**first.__dict__, "source": "flyer"}), NOW + 2 * DAY)
    with services.db.tenant(company.id) as session:
        uses = past_uses(session, company.id, number_id)
    assert [(one.kind, one.source, one.ended_by) for one in uses] == [
        ("static", "billboard", "anna"), ("pool", "", "anna"),
    ]  # fmt: skip
    assert uses[0].used_from == uses[1].used_until == NOW


def test_old_calls_are_judged_by_the_use_they_were_made_in(services: Services, company: Company) -> None:
    number_id = company.number_ids[0]
    static = Use(kind="static", location_id=company.location_id, source="billboard", medium="offline")
    moved(services, company, number_id, static, NOW - 20 * DAY)
    moved(services, company, number_id, Use(kind="pool", pool_id=company.pool_id), NOW - 10 * DAY)
    old = make_call(services, company, number_id=number_id, at=NOW - 15 * DAY)
    new = make_call(services, company, number_id=number_id, at=NOW - DAY)
    with services.db.tenant(company.id) as session:
        then = load_evidence(session, load_call(session, company.id, old.id)).static
        now = load_evidence(session, load_call(session, company.id, new.id)).static
        assert use_at(session, company.id, number_id, NOW - 15 * DAY).source == "billboard"
    assert then == campaign_key("billboard", "offline", "")
    assert now is None


def test_what_is_anothers_cannot_be_moved_or_moved_to(services: Services, company: Company) -> None:
    other = make_company(services)
    with pytest.raises(NotFound):
        moved(services, company, other.number_ids[0], Use(kind="pool", pool_id=company.pool_id))
    with pytest.raises(NotFound):
        moved(services, company, company.number_ids[0], Use(kind="pool", pool_id=other.pool_id))


def test_a_number_that_comes_back_within_the_rest_is_not_shown_at_once(
    services: Services, company: Company
) -> None:
    number_id, e164 = company.number_ids[0], company.numbers[0]
    call = make_call(services, company, number_id=number_id, at=NOW - DAY)
    with services.db.tenant(company.id) as session:
        service.release_number(session, company.id, number_id, NOW)
        carrier_id = session.scalars(select(TrackingNumber.carrier_account_id).limit(1)).one()
        (again,) = service.add_pool_numbers(session, company.id, company.pool_id, carrier_id, [e164], NOW)
    found = slot(services, company, again)
    assert found is not None
    assert (again, found.busy_until) == (number_id, call.started_at + 30 * DAY)


@pytest.fixture
def bought(provider: Provider) -> TrackingNumber:
    return provider.buy(provider.offers()[0])


def leave(
    provider: Provider, number: TrackingNumber, typed: str = "", days: int = 1, **more: bool
) -> datetime:
    with provider.services.db.tenant(provider.company.id) as session:
        return ask_to_leave(
            session, provider.company.id, number.id, typed or number.e164, "IT", days, provider.now,
            by="anna", **more,
        )  # fmt: skip


def test_a_number_is_given_back_after_its_wait(provider: Provider, bought: TrackingNumber) -> None:
    leave(provider, bought)
    assert slot(provider.services, provider.company, bought.id) is None
    assert leave_due(provider.services, provider.company.id) == 0
    assert provider.at_carrier(bought.e164) is not None
    assert provider.check() == 0
    provider.now += DAY
    with provider.services.db.system() as system:
        assert provider.company.id in companies_with_leaving(system, provider.now)
    assert leave_due(provider.services, provider.company.id) == 1
    assert provider.at_carrier(bought.e164) is None
    assert provider.number(bought.e164).released_at == provider.now
    with provider.services.db.shared() as session:
        assert session.get(NumberClaim, bought.e164) is None
    assert leave_due(provider.services, provider.company.id) == 0


def test_it_can_be_kept_after_all(provider: Provider, bought: TrackingNumber) -> None:
    leave(provider, bought, days=7)
    with provider.services.db.tenant(provider.company.id) as session:
        keep_after_all(session, provider.company.id, bought.id, provider.now, by="anna")
    assert slot(provider.services, provider.company, bought.id) is not None
    provider.now += 8 * DAY
    assert leave_due(provider.services, provider.company.id) == 0
    with provider.services.db.tenant(provider.company.id) as session, pytest.raises(Conflict):
        keep_after_all(session, provider.company.id, bought.id, provider.now, by="anna")


def test_the_number_itself_must_be_typed(provider: Provider, bought: TrackingNumber) -> None:
    for typed in (" ", "yes", provider.company.numbers[0]):
        with pytest.raises(BadInput):
            leave(provider, bought, typed=typed)
    with pytest.raises(BadInput, match="Wait 0, 1"):
        leave(provider, bought, days=2)
    assert provider.number(bought.e164).leave_at is None


def test_what_speaks_against_it_is_said_and_must_be_overruled(
    provider: Provider, bought: TrackingNumber
) -> None:
    services, company = provider.services, provider.company
    make_lease(services, company, make_visit(services, company, at=provider.now - 60 * DAY), bought.id)
    for days, caller in ((20, "+393470000001"), (9, "+393470000002")):
        make_call(services, company, number_id=bought.id, at=provider.now - days * DAY, caller=caller)
    with services.db.tenant(company.id) as session:
        against = warnings_of(session, company.id, bought.id, provider.now)
    assert against.evidence.strength == "likely"
    assert against.wait_days == 30
    assert len(against.sentences) == 2
    with pytest.raises(Conflict, match="seems to be printed"):
        leave(provider, bought)
    assert leave(provider, bought, days=30) == provider.now + 30 * DAY
    assert leave(provider, bought, days=0, despite_warnings=True) == provider.now


@pytest.mark.parametrize(
    ("fault", "after"), [("drop-after-processing", 2), ("503", 2), ("429", 0), ("401", 62)]
)
def test_a_fault_while_giving_back_only_delays(
    provider: Provider, bought: TrackingNumber, fault: str, after: int
) -> None:
    leave(provider, bought, days=0)
    # The first request asks for the number, the second gives it back.
    provider.world.fault("numbers", "ok", fault)
    first = leave_due(provider.services, provider.company.id)
    provider.now += timedelta(minutes=after)
    assert first + leave_due(provider.services, provider.company.id) == 1
    assert provider.at_carrier(bought.e164) is None
    assert provider.number(bought.e164).released_at is not None


def buy_elsewhere(provider: Provider, count: int = 1) -> list[str]:
    found = provider.offers()[:count]
    for e164 in found:
        provider.world.carrier.buy_number(
            NumberOrder(e164=e164, name="shop", voice_url="https://old.example.com/voice")
        )
    return found


def test_numbers_of_the_account_are_listed_and_taken_in(provider: Provider) -> None:
    (e164,) = buy_elsewhere(provider)
    listed = at_the_carrier(provider.services, provider.company.id)
    assert [(one.e164, one.voice_url) for one in listed] == [(e164, "https://old.example.com/voice")]
    (done,) = import_numbers(
        provider.services, provider.company.id, [e164], provider.pool_use(), "own", by="anna"
    )
    assert done.problem is None
    number, owned = provider.number(e164), provider.at_carrier(e164)
    assert owned is not None
    assert owned.voice_url == f"{provider.services.settings.base_url}/voice/{number.id.hex}"
    assert number.health == "well"
    assert slot(provider.services, provider.company, number.id) is not None
    assert at_the_carrier(provider.services, provider.company.id) == []


def test_a_number_is_not_shown_before_it_leads_here(provider: Provider) -> None:
    (e164,) = buy_elsewhere(provider)
    provider.world.fault("numbers", "ok", "ok", "503")
    (done,) = import_numbers(
        provider.services, provider.company.id, [e164], provider.pool_use(), "own", by="anna"
    )
    assert done.problem is not None
    assert slot(provider.services, provider.company, done.id) is None
    provider.tell()
    assert provider.notices() == [], "nothing is wrong yet: the next check leads it here"
    assert check_numbers(provider.services, provider.company.id) == 0
    assert provider.number(e164).health == "well"
    assert slot(provider.services, provider.company, done.id) is not None


def test_many_numbers_are_led_here_by_a_worker(provider: Provider) -> None:
    found = buy_elsewhere(provider, 7)
    done = import_numbers(
        provider.services, provider.company.id, found, provider.pool_use(), "application", by="anna"
    )
    assert [one.problem is None for one in done] == [True] * 5 + [False] * 2
    assert check_numbers(provider.services, provider.company.id) == 0
    assert {provider.number(e164).health for e164 in found} == {"well"}


def test_taking_in_is_all_or_nothing(provider: Provider) -> None:
    (e164,) = buy_elsewhere(provider)
    wanted = [e164, "+14155550000"]
    with pytest.raises(Conflict, match="no number"):
        import_numbers(provider.services, provider.company.id, wanted, provider.pool_use(), "own", by="anna")
    with pytest.raises(Conflict, match="in use already"):
        import_numbers(
            provider.services, provider.company.id, [e164, provider.company.numbers[0]],
            provider.pool_use(), "own", by="anna",
        )  # fmt: skip
    provider.world.fault("numbers", "503")
    with pytest.raises(Retry):
        import_numbers(provider.services, provider.company.id, [e164], provider.pool_use(), "own", by="anna")
    assert [one.e164 for one in at_the_carrier(provider.services, provider.company.id)] == [e164]
