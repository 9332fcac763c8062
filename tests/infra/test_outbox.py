"""Facts are due until handled, by one worker at a time, for ever."""

from datetime import timedelta

from sqlalchemy import select

from calltrack.infra import outbox
from calltrack.infra.outbox import Fact
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import NOON, Company


def record(services: Services, company: Company, kind: str = "call.ended") -> None:
    with services.db.tenant(company.id) as session:
        outbox.record(session, company.id, kind, new_id(), NOON)


def test_a_fact_of_a_transaction_that_failed_was_never_true(services: Services, company: Company) -> None:
    try:
        with services.db.tenant(company.id) as session:
            outbox.record(session, company.id, "call.ended", new_id(), NOON)
            session.flush()
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    with services.db.tenant(company.id) as session:
        assert outbox.claim(session, company.id, NOON) == []


def test_a_claimed_fact_is_nobody_elses_until_the_lease_ends(services: Services, company: Company) -> None:
    record(services, company)
    with services.db.tenant(company.id) as session:
        assert [fact.kind for fact in outbox.claim(session, company.id, NOON)] == ["call.ended"]
    with services.db.tenant(company.id) as session:
        assert outbox.claim(session, company.id, NOON + outbox.LEASE / 2) == []
    with services.db.tenant(company.id) as session:
        assert len(outbox.claim(session, company.id, NOON + outbox.LEASE)) == 1


def test_two_workers_at_once_share_the_facts_out(services: Services, company: Company) -> None:
    for _ in range(6):
        record(services, company)
    with services.db.tenant(company.id) as one, services.db.tenant(company.id) as other:
        mine = outbox.claim(one, company.id, NOON, most=4)
        theirs = outbox.claim(other, company.id, NOON, most=4)
    assert (len(mine), len(theirs)) == (4, 2)
    assert not {fact.id for fact in mine} & {fact.id for fact in theirs}


def test_a_handled_fact_is_done_and_a_failed_one_comes_back_later(
    services: Services, company: Company
) -> None:
    record(services, company, "a")
    record(services, company, "b")
    with services.db.tenant(company.id) as session:
        done, failed = sorted(outbox.claim(session, company.id, NOON), key=lambda fact: fact.kind)
        outbox.settle(session, [done], NOON)
        outbox.postpone(session, failed, "HTTP 503", NOON)
    with services.db.tenant(company.id) as session:
        rows = {fact.kind: fact for fact in session.scalars(select(Fact))}
        assert rows["a"].done_at == NOON
        assert (rows["b"].failures, rows["b"].due_at) == (1, NOON + timedelta(seconds=outbox.STEPS[0]))


def test_the_sweeper_names_each_company_with_due_facts_once(services: Services, company: Company) -> None:
    record(services, company)
    record(services, company)
    with services.db.system() as system:
        assert outbox.companies_with_due_facts(system, NOON).count(company.id) == 1
        assert company.id not in outbox.companies_with_due_facts(system, NOON - timedelta(seconds=1))
