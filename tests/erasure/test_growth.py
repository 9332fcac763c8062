"""A caller of tens of thousands of calls is erased by few statements, each of a few parameters."""

import pytest
from sqlalchemy import select

from calltrack.accounts.model import IdempotencyKey
from calltrack.attribution.erasing import erase_from_verdicts
from calltrack.calls.erasing import make_nameless, recordings_left
from calltrack.calls.model import Call
from calltrack.conversions.erasing import erase_outcomes
from calltrack.delivery.erasing import erase_deliveries
from calltrack.erasure.service import _forget_answers
from calltrack.kernel.ids import new_id
from calltrack.numbers.counting import rename_holders
from calltrack.numbers.model import Lease
from calltrack.visits.erasing import erase_visits
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_lease, make_visit
from tests.copies import copy_row
from tests.explained import statements

CALLER = "+393471234567"
MORE_THAN_PARAMETERS = 65_536


def test_more_calls_than_a_statement_takes_parameters_are_erased(
    services: Services, company: Company
) -> None:
    ids = [new_id() for _ in range(MORE_THAN_PARAMETERS)]
    with services.db.tenant(company.id) as session:
        assert erase_outcomes(session, services.vault, company.id, [CALLER], ids) == []
        assert erase_deliveries(session, company.id, ids, NOON) == 0
        assert recordings_left(session, company.id, ids) == []
        erase_from_verdicts(session, company.id, ids, ids[:10])


def test_many_calls_are_made_nameless_together(services: Services, company: Company) -> None:
    make_call(services, company, caller=CALLER)
    with services.db.tenant(company.id) as session:
        copy_row(session, "call", 60, "id", call_sid="'CA' || md5(CAST(n AS text))")
        ids = sorted(session.scalars(select(Call.id)))
        with statements(services.db.engine) as sent:
            assert make_nameless(session, services.vault, company.id, ids, NOON, by="Anna") == 0
    assert len(sent) < 20
    with services.db.tenant(company.id) as session:
        left = session.execute(select(Call.caller, Call.caller_hash, Call.erased_at)).all()
    assert set(left) == {(None, None, NOON)}


@pytest.mark.parametrize("is_theirs", [True, False])
def test_answers_that_name_a_call_or_a_number_of_theirs_are_forgotten(
    services: Services, company: Company, is_theirs: bool
) -> None:
    theirs, other = new_id(), new_id()
    told = [{"id": str(theirs)}, {"calls": [{"id": str(other)}, {"id": str(theirs)}]}, {"to": CALLER}]
    with services.db.tenant(company.id) as session:
        session.add_all(
            IdempotencyKey(
                company_id=company.id, key=f"key {place}", request_hash=b"", status=200, answer=answer,
                created_at=NOON,
            )
            for place, answer in enumerate([*told, {"id": str(other), "words": "no 39347"}])
        )  # fmt: skip
    whose = ([CALLER], [theirs]) if is_theirs else (["+393470000000"], [new_id()])
    with services.db.tenant(company.id) as session:
        _forget_answers(session, company.id, *whose)
        left = set(session.scalars(select(IdempotencyKey.key)))
    assert left == ({"key 3"} if is_theirs else {f"key {place}" for place in range(4)})


def test_very_many_browsers_of_one_person_are_renamed_together(services: Services, company: Company) -> None:
    visit = make_visit(services, company, region="IT-62")
    make_lease(services, company, visit, company.number_ids[0])
    with services.db.tenant(company.id) as session:
        copy_row(session, "visit", 50, "id", "visitor_id")
        copy_row(session, "lease", 50, "id", "visit_id", "visitor_id")
        visitors = set(session.scalars(select(Visit.visitor_id)))
        with statements(services.db.engine) as sent:
            count, instead = erase_visits(session, company.id, visitors)
            rename_holders(session, company.id, instead)
    assert (count, set(instead)) == (51, visitors)
    assert len(sent) < 12
    with services.db.tenant(company.id) as session:
        visits = {row.id: row for row in session.scalars(select(Visit))}
        leases = session.scalars(select(Lease)).all()
    assert {row.visitor_id for row in visits.values()} == set(instead.values())
    assert {(row.click_ids == {}, row.user_agent, row.region) for row in visits.values()} == {
        (True, "", None)
    }
    assert all(row.visitor_id == visits[row.visit_id].visitor_id for row in leases)
