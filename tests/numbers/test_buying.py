"""Numbers are ordered, bought once whatever fails, and answered; limits and laws are kept before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from calltrack.accounts.model import AuditEntry
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.numbers.application import application_hooks
from calltrack.numbers.buying import buy_due, companies_with_due_orders
from calltrack.numbers.model import NumberClaim, Pool, Slot
from calltrack.numbers.order_model import NumberOrder
from calltrack.numbers.service import release_number
from calltrack.numbers.use import Use
from calltrack.wiring import Services
from tests.builders import make_company
from tests.numbers.provider import Provider, provided


def bought_here(provider: Provider, e164: str) -> int:
    return sum(1 for one in provider.world.carrier.list_numbers() if one.e164 == e164)


def test_a_number_is_searched_ordered_bought_and_in_service(provider: Provider) -> None:
    e164 = provider.offers(area_code="415")[2]
    order_id = provider.order(e164)
    intended = provider.state(order_id)
    assert (intended.state, intended.tries, intended.rent_minor, intended.rent_currency) == (
        "intended", 0, 115, "USD",
    )  # fmt: skip
    assert provider.at_carrier(e164) is None, "nothing is bought before a worker does it"
    with provider.services.db.system() as system:
        assert provider.company.id in companies_with_due_orders(system, provider.now)

    assert buy_due(provider.services, provider.company.id) == 1

    assert provider.state(order_id).state == "in_service"
    number, owned = provider.number(e164), provider.at_carrier(e164)
    assert owned is not None
    assert (number.id, number.carrier_number_id) == (intended.number_id, owned.sid)
    assert (number.kind, number.pool_id, number.hooks, number.health, number.type, number.rent_minor) == (
        "pool", provider.company.pool_id, "application", "well", "local", 115,
    )  # fmt: skip
    assert owned.name == f"calltrack {order_id.hex}"
    hooks = application_hooks(provider.services.settings.base_url)
    application = provider.world.carrier.ensure_application(f"calltrack {provider.company.id.hex}", hooks)
    assert (owned.application_sid, application.hooks) == (application.sid, hooks)
    assert owned.sms_application_sid == application.sid
    with provider.services.db.tenant(provider.company.id) as session:
        slot = session.get_one(Slot, (provider.company.id, number.id))
        actions = set(session.scalars(select(AuditEntry.action)))
    assert slot.busy_until < provider.now
    assert actions >= {"number.order", "number.bought"}
    assert buy_due(provider.services, provider.company.id) == 0
    assert provider.check() == 0


def test_a_number_may_have_addresses_of_its_own(provider: Provider) -> None:
    e164 = provider.offers()[0]
    number = provider.buy(e164, provider.static_use(), hooks="own")
    owned = provider.at_carrier(e164)
    assert owned is not None
    base = f"{provider.services.settings.base_url}/voice/{number.id.hex}"
    assert (owned.voice_url, owned.voice_fallback_url, owned.status_callback, owned.sms_url) == (
        base, f"{base}/fallback", f"{base}/status", f"{base}/sms",
    )  # fmt: skip
    assert (number.kind, number.source, owned.application_sid) == ("static", "billboard", None)
    assert provider.check() == 0


@pytest.mark.parametrize("fault", ["drop-after-processing", "timeout-after-processing:2"])
def test_a_lost_answer_is_recovered_and_nothing_bought_twice(services: Services, fault: str) -> None:
    with provided(services, timeout=(1.0, 0.5)) as provider:
        e164 = provider.offers()[0]
        order_id = provider.order(e164)
        provider.world.fault("numbers", fault)
        buy_due(provider.services, provider.company.id)
        lost = provider.state(order_id)
        assert (lost.state, lost.tries) == ("lost", 1)
        assert lost.due_at is not None
        assert bought_here(provider, e164) == 1
        assert buy_due(provider.services, provider.company.id) == 0, "not due yet"
        provider.now += timedelta(seconds=6)
        buy_due(provider.services, provider.company.id)
        found = provider.state(order_id)
        assert (found.state, found.tries, found.due_at) == ("in_service", 2, None)
        assert bought_here(provider, e164) == 1
        assert provider.check() == 0


@pytest.mark.parametrize("fault", ["503", "drop-connection", "garbage"])
def test_what_was_not_bought_is_bought_later(services: Services, fault: str) -> None:
    with provided(services) as provider:
        e164 = provider.offers()[0]
        order_id = provider.order(e164)
        provider.world.fault("numbers", fault)
        buy_due(provider.services, provider.company.id)
        assert provider.state(order_id).state in ("intended", "lost")
        assert bought_here(provider, e164) == 0
        provider.now += timedelta(seconds=6)
        buy_due(provider.services, provider.company.id)
        assert provider.state(order_id).state == "in_service"
        assert bought_here(provider, e164) == 1


def test_a_storm_of_429_only_delays(provider: Provider) -> None:
    e164 = provider.offers()[0]
    order_id = provider.order(e164)
    provider.world.fault("numbers", *["429"] * 7)
    buy_due(provider.services, provider.company.id)
    assert provider.state(order_id).state == "intended"
    provider.now += timedelta(seconds=6)
    buy_due(provider.services, provider.company.id)
    assert provider.state(order_id).state == "in_service"


def test_a_number_somebody_else_took_is_refused_in_words_and_let_go(provider: Provider) -> None:
    e164 = provider.offers()[0]
    order_id = provider.order(e164)
    provider.world.fault("numbers", "reason:21422")
    buy_due(provider.services, provider.company.id)
    refused = provider.state(order_id)
    assert (refused.state, refused.due_at) == ("refused", None)
    assert "choose another" in refused.said
    with provider.services.db.shared() as session:
        assert session.get(NumberClaim, e164) is None
    # It may be ordered again: the refused order is history.
    assert provider.buy(e164).kind == "pool"


def test_taken_after_a_lost_try_means_that_we_took_it(provider: Provider) -> None:
    """The first request arrived late, after the account's list was read: the carrier then says `taken`."""
    e164 = provider.offers()[0]
    order_id = provider.order(e164)
    provider.world.fault("numbers", "503")
    buy_due(provider.services, provider.company.id)
    # The look comes before the late request, whose effect only the refusal shows.
    provider.world.fault("numbers", "ok", "drop-after-processing")
    provider.now += timedelta(seconds=6)
    buy_due(provider.services, provider.company.id)
    assert provider.state(order_id).state == "lost"
    provider.now += timedelta(seconds=20)
    buy_due(provider.services, provider.company.id)
    assert provider.state(order_id).state == "in_service"
    assert bought_here(provider, e164) == 1


def test_after_an_hour_an_order_that_was_never_taken_is_given_up(provider: Provider) -> None:
    e164 = provider.offers()[0]
    order_id = provider.order(e164)
    provider.world.fault("numbers", "503")
    buy_due(provider.services, provider.company.id)
    provider.now += timedelta(hours=2)
    buy_due(provider.services, provider.company.id)
    order = provider.state(order_id)
    assert (order.state, bought_here(provider, e164)) == ("refused", 0)
    assert "not bought" in order.said


def test_a_bought_number_whose_pool_is_gone_is_told_and_served_later(provider: Provider) -> None:
    e164 = provider.offers()[0]
    with provider.services.db.tenant(provider.company.id) as session:
        pool = Pool(
            company_id=provider.company.id, id=new_id(), location_id=provider.company.location_id,
            name="Soon gone", created_at=provider.now,
        )  # fmt: skip
        session.add(pool)
    order_id = provider.order(e164, Use(kind="pool", pool_id=pool.id))
    with provider.services.db.tenant(provider.company.id) as session:
        session.delete(session.get_one(Pool, (provider.company.id, pool.id)))
    buy_due(provider.services, provider.company.id)
    provider.tell()
    stuck = provider.state(order_id)
    assert stuck.state == "bought"
    assert "cannot be taken into service" in stuck.said
    assert [kind for kind, _ in provider.notices()] == ["number.order"]
    with provider.services.db.tenant(provider.company.id) as session:
        session.execute(update(NumberOrder).values(use=provider.static_use().as_json()))
    provider.now += timedelta(minutes=6)
    buy_due(provider.services, provider.company.id)
    provider.tell()
    assert provider.state(order_id).state == "in_service"
    assert provider.notices() == []


def test_limits_refuse_with_words(provider: Provider) -> None:
    first, second = provider.offers()[:2]
    provider.limit(most_numbers=5)
    provider.order(first)
    with pytest.raises(Conflict, match="would have 6 numbers; its limit is 5"):
        provider.order(second)
    provider.limit(most_numbers=50, most_number_rent=6)
    # Four numbers without a known rent count as dear as the new one, and so does the first order.
    with pytest.raises(Conflict, match=r"6\.90 USD a month; the limit is 6 USD"):
        provider.order(second)


def test_a_number_is_ordered_once_at_a_time(provider: Provider) -> None:
    e164 = provider.offers()[0]
    provider.order(e164)
    with pytest.raises(Conflict, match="ordered already"):
        provider.order(e164)
    buy_due(provider.services, provider.company.id)
    with pytest.raises(Conflict, match="not for sale"):
        provider.order(e164)


def test_two_companies_cannot_order_the_same_number(provider: Provider, services: Services) -> None:
    e164 = provider.offers()[0]
    provider.order(e164)
    other = Provider(provider.services, make_company(services), provider.world, provider.now)
    with pytest.raises(Conflict, match="in use on this server"):
        other.order(e164)


def test_what_belongs_to_another_company_cannot_be_the_use(provider: Provider, services: Services) -> None:
    foreign = make_company(services)
    with pytest.raises(NotFound):
        provider.order(provider.offers()[0], Use(kind="pool", pool_id=foreign.pool_id))


def test_the_law_is_asked_before_anything_is_bought(provider: Provider) -> None:
    roman = provider.offers("IT", locality="Roma")[0]
    with pytest.raises(Conflict, match="choose an approved bundle"):
        provider.order(roman, country="IT")
    bundles = {one.status: one for one in provider.world.carrier.bundles("IT", "local")}
    bundle = bundles["twilio-approved"]
    with pytest.raises(Conflict, match="An address in the number's own area"):
        provider.order(roman, country="IT", bundle_sid=bundle.sid)
    address = next(iter(provider.world.carrier.addresses()))
    provider.buy(roman, country="IT", bundle_sid=bundle.sid, address_sid=address.sid)
    berlin = provider.offers("DE", locality="Berlin")[0]
    with pytest.raises(Conflict, match=r"not approved yet: DE local business is in-review"):
        provider.order(berlin, country="DE")
    assert provider.at_carrier(berlin) is None


def test_a_number_released_before_comes_back_with_its_history(provider: Provider) -> None:
    e164 = provider.offers()[0]
    first = provider.buy(e164, provider.static_use())
    owned = provider.at_carrier(e164)
    assert owned is not None
    with provider.services.db.tenant(provider.company.id) as session:
        release_number(session, provider.company.id, first.id, provider.now)
    provider.world.carrier.release_number(owned.sid)
    provider.now += timedelta(days=3)
    again = provider.buy(e164)
    assert again.id == first.id
    # It stood on a billboard until three days ago: visitors are not shown it before the 30 days are over.
    assert again.rests_until == provider.now - timedelta(days=3) + timedelta(days=30)
