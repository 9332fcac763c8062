"""A claim takes no more than it was asked for, whatever plan the database chooses."""

import pytest
from sqlalchemy import text

from calltrack.infra import outbox
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import NOON, Company

PLANS = ["enable_hashjoin", "enable_hashagg", "enable_mergejoin", "enable_sort", "enable_material"]


@pytest.mark.parametrize("forbidden", [[], PLANS, PLANS[:2], PLANS[:3]])
def test_a_claim_keeps_its_limit(services: Services, company: Company, forbidden: list[str]) -> None:
    with services.db.tenant(company.id) as session:
        for _ in range(30):
            outbox.record(session, company.id, "call.ended", new_id(), NOON)
    with services.db.tenant(company.id) as session:
        for plan in forbidden:
            session.execute(text(f"SET LOCAL {plan} = off"))
        assert len(outbox.claim(session, company.id, NOON, most=4)) == 4
