"""The walls between tenants hold in the database itself, whatever a query forgets."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from calltrack.calls.model import Call
from calltrack.wiring import Services
from tests.builders import Company, make_call, make_company


def test_a_query_without_a_where_sees_one_company_only(services: Services, company: Company) -> None:
    mine = make_call(services, company)
    make_call(services, make_company(services))
    with services.db.tenant(company.id) as session:
        assert [call.id for call in session.scalars(select(Call))] == [mine.id]


def test_without_a_tenant_nothing_is_seen(services: Services, company: Company) -> None:
    make_call(services, company)
    with services.db.shared() as session:
        assert session.scalars(select(Call)).all() == []


def test_a_row_cannot_be_written_into_another_company(services: Services, company: Company) -> None:
    other = make_company(services)
    call = make_call(services, company)
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        services.db.tenant(company.id) as session,
    ):
        session.execute(
            text("UPDATE call SET company_id = :other WHERE id = :id"), {"other": other.id, "id": call.id}
        )


def test_the_tenant_ends_with_its_transaction(services: Services, company: Company) -> None:
    make_call(services, company)
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(Call)).all()
    for _ in range(20):
        with services.db.shared() as session:
            assert session.scalars(select(Call)).all() == []


@pytest.mark.parametrize("column", ["caller", "caller_hash"])
def test_the_system_role_reads_nothing_personal(services: Services, column: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), services.db.system() as session:
        session.execute(text(f"SELECT {column} FROM call"))


def test_the_system_role_writes_nothing(services: Services) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), services.db.system() as session:
        session.execute(text("UPDATE outbox SET done_at = now()"))
