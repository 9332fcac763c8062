"""What a person says on a call's page: refunds, cancellations, call-backs, one of several orders."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from calltrack.conversions.queries import ConversionRow, conversions_of
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company, make_call
from tests.dashboard.browser import Browser

NOW = datetime.now(UTC).replace(second=0, microsecond=0)


@pytest.fixture
def manager(app: Flask, services: Services, company: Company) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company, "manager"))
    return browser


def brought(services: Services, company: Company, call_id: UUID) -> tuple[ConversionRow, ...]:
    with services.db.tenant(company.id) as session:
        return conversions_of(session, company.id, [call_id])


def test_a_missed_call_is_won_by_a_call_back(manager: Browser, services: Services, company: Company) -> None:
    call = make_call(services, company, at=NOW - timedelta(hours=5), outcome="missed")
    page = f"/app/{company.id.hex}/calls/{call.id.hex}"
    assert "We rang back and won it" in manager.get(page).text
    rang = NOW - timedelta(hours=2)
    typed = rang.astimezone(ZoneInfo("Europe/Rome")).strftime("%Y-%m-%dT%H:%M")
    form = {"kind": "purchase", "value": "850", "called_back": "on", "called_back_at": typed}
    assert manager.post(f"{page}/outcome", **form).status_code == 303
    (bought,) = brought(services, company, call.id)
    assert (bought.via, bought.occurred_at, bought.value_minor) == ("call_back", rang, 85_000)
    assert "Won by a call-back on" in manager.get(page).text


def test_refund_and_cancellation_of_one_of_two_orders(
    manager: Browser, services: Services, company: Company
) -> None:
    call = make_call(services, company, at=NOW - timedelta(hours=5))
    for order in ("A-1", "A-2"):
        with services.db.tenant(company.id) as session:
            told = Outcome(kind="purchase", by="crm", via="crm", value_minor=10_000, external_id=order)
            set_outcome(session, company.id, call.id, told, NOW)
    page = f"/app/{company.id.hex}/calls/{call.id.hex}"
    manager.post(
        f"{page}/outcome", kind="refund", value="30", external_id="A-1", currency="EUR", reason="Late"
    )
    manager.post(f"{page}/outcome", kind="cancelled", value="", external_id="A-2", currency="EUR")
    found = {one.external_id: one for one in brought(services, company, call.id)}
    assert (found["A-1"].status, found["A-1"].value_minor, found["A-1"].reason) == ("counted", 7_000, "Late")
    assert (found["A-2"].status, found["A-2"].ended_by) == ("retracted", "cancel")
    text = manager.get(page).text
    assert "order A-1" in text
    assert "cancelled" in text
