"""What the clock asks every few seconds looks at companies, not at all that waits in one of them."""

import pytest
from sqlalchemy import text

from calltrack.attribution.night_work import companies_to_plan
from calltrack.infra import outbox
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.kernel.ids import new_id
from calltrack.numbers.keeping import companies_with_numbers
from calltrack.wiring import Services
from tests.builders import NOON, make_company
from tests.copies import copy_row, gather_statistics
from tests.explained import explained

pytestmark = pytest.mark.usefixtures("emptied")
MANY = 3_000


def test_a_company_with_many_due_facts_or_numbers_is_named_by_the_first(
    services: Services, postgres: EmbeddedPostgres
) -> None:
    busy, idle = make_company(services), make_company(services)
    with services.db.tenant(busy.id) as session:
        outbox.record(session, busy.id, "call.ended", new_id(), NOON)
        session.flush()
        copy_row(session, "outbox", MANY, "id")
        copy_row(session, "tracking_number", MANY, "id", e164="'+4930' || (1000000 + n)")
    gather_statistics(postgres.owner_url)
    with explained(services.db.system_engine) as found, services.db.system() as system:
        # Of a table this small PostgreSQL may read all rows rather than go by an index.
        system.execute(text("SET LOCAL enable_seqscan = off"))
        assert outbox.companies_with_due_facts(system, NOON) == [busy.id]
        assert companies_with_numbers(system) == sorted([busy.id, idle.id])
        assert companies_to_plan(system) == sorted([busy.id, idle.id])
    assert found.worse_than(MANY // 10) == {}
