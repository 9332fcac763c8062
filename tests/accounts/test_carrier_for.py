"""A company's own account at the carrier, opened with its sealed token."""

from __future__ import annotations

import pytest

from calltrack.accounts.carrier import carrier_for, change_carrier
from calltrack.kernel.errors import NotFound
from calltrack.telephony.carriers import Carriers
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.conftest import NOON
from tests.sandbox.carrier.hooks import ACCOUNT, TOKEN
from tests.sandbox.carrier_rest.serving import carrier_world


def test_each_company_asks_with_its_own_account(services: Services, company: Company) -> None:
    with carrier_world() as world:
        carriers = Carriers(world.base)
        with services.db.tenant(company.id) as session:
            change_carrier(session, services.vault, company.id, ACCOUNT, TOKEN, NOON)
        with services.db.tenant(company.id) as session:
            carrier = carrier_for(session, services.vault, carriers, company.id)
        assert carrier.account_sid == ACCOUNT
        assert carrier.check() == "Sandbox carrier (active)"
        carriers.close()


def test_without_an_account_it_says_where_to_connect_one(services: Services, company: Company) -> None:
    other = make_company(services)
    with (
        services.db.tenant(company.id) as session,
        pytest.raises(NotFound, match="connect it on the page Carrier"),
    ):
        carrier_for(session, services.vault, Carriers(), other.id)
