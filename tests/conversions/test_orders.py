"""Orders that other systems name: each a purchase of its own, never two for one real one."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from calltrack.conversions.call_log import CallFilter, find_calls
from calltrack.conversions.model import Conversion
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.kernel.errors import BadInput
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call

LATER = NOON + timedelta(hours=1)


def say(services: Services, company: Company, call_id: UUID, kind: str, **more: Any) -> tuple[UUID, ...]:
    outcome = Outcome(kind=kind, **({"by": "crm", "via": "crm"} | more))  # type: ignore[arg-type]  # own words
    with services.db.tenant(company.id) as session:
        return set_outcome(session, company.id, call_id, outcome, LATER)


def orders(services: Services, company: Company) -> dict[str, tuple[str, int | None, str]]:
    with services.db.tenant(company.id) as session:
        rows = session.scalars(select(Conversion).where(Conversion.kind == "purchase")).all()
    found = {row.external_id: (row.status, row.value_minor, row.via) for row in rows}
    assert len(found) == len(rows)
    return found


def test_two_orders_of_one_call_are_two_purchases(services: Services, company: Company) -> None:
    call = make_call(services, company)
    for _ in range(2):
        say(services, company, call.id, "purchase", value_minor=100, external_id="A-1")
        say(services, company, call.id, "purchase", value_minor=250, external_id=" A-2 ", via="import")
    assert orders(services, company) == {"A-1": ("counted", 100, "crm"), "A-2": ("counted", 250, "import")}
    say(services, company, call.id, "none", external_id="A-1")
    assert orders(services, company) == {"A-1": ("retracted", 100, "crm"), "A-2": ("counted", 250, "import")}


def test_the_first_order_is_the_purchase_somebody_told_of_before(
    services: Services, company: Company
) -> None:
    call = make_call(services, company)
    say(services, company, call.id, "purchase", value_minor=850, via="dashboard")
    assert say(services, company, call.id, "purchase", value_minor=900, external_id="A-1") == ()
    say(services, company, call.id, "purchase", value_minor=40, external_id="A-2")
    assert orders(services, company) == {"A-1": ("counted", 850, "dashboard"), "A-2": ("counted", 40, "crm")}


def test_an_order_stays_on_the_call_it_was_first_told_of(services: Services, company: Company) -> None:
    first, other = make_call(services, company), make_call(services, company, at=NOON + timedelta(days=1))
    (order,) = say(services, company, first.id, "purchase", value_minor=100, external_id="A-1")
    assert say(services, company, other.id, "purchase", value_minor=120, external_id="A-1") == (order,)
    assert say(services, company, other.id, "none", external_id="A-1") == (order,)
    assert orders(services, company) == {"A-1": ("retracted", 120, "crm")}
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(Conversion.call_id)).all() == [first.id]


def test_a_word_without_a_name_must_mean_one_order(services: Services, company: Company) -> None:
    call = make_call(services, company)
    say(services, company, call.id, "purchase", value_minor=100, external_id="A-1")
    say(services, company, call.id, "purchase", value_minor=110)
    assert orders(services, company) == {"A-1": ("counted", 110, "crm")}
    say(services, company, call.id, "purchase", value_minor=250, external_id="A-2")
    with pytest.raises(BadInput, match="several orders"):
        say(services, company, call.id, "purchase", value_minor=1)
    assert len(say(services, company, call.id, "none")) == 2


@pytest.mark.parametrize(
    ("more", "value", "currency"),
    [({"value_minor": 250}, 350, "EUR"), ({"value_minor": 250, "currency": "CHF"}, None, None)],
)
def test_the_call_log_shows_a_call_with_two_orders_once(
    services: Services, company: Company, more: dict[str, Any], value: int | None, currency: str | None
) -> None:
    call = make_call(services, company)
    say(services, company, call.id, "purchase", value_minor=100, external_id="A-1")
    say(services, company, call.id, "purchase", external_id="A-2", **more)
    with services.db.tenant(company.id) as session:
        for brought in ("", "purchase"):
            wanted = CallFilter(brought=brought)
            (row,) = find_calls(session, services.vault, company.id, wanted).rows
            assert (row.purchase, row.value_minor, row.currency) == ("counted", value, currency)
    say(services, company, call.id, "none", external_id="A-1")
    with services.db.tenant(company.id) as session:
        (row,) = find_calls(session, services.vault, company.id, CallFilter()).rows
        assert (row.purchase, row.value_minor) == ("counted", 250 if currency else None)


@pytest.mark.parametrize("name", ["x" * 201, "a\nb"])
def test_an_orders_name_is_short_and_printable(name: str) -> None:
    with pytest.raises(BadInput, match="order's id"):
        Outcome(kind="purchase", by="crm", value_minor=1, external_id=name)
