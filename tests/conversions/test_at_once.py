"""Two workers handle the same caller's calls at the same moment: still one lead, one person, one verdict."""

import threading
from collections import Counter
from datetime import timedelta

from sqlalchemy import select

from calltrack.attribution.model import Attribution
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.infra import outbox
from calltrack.infra.outbox import Fact
from calltrack.journeys.model import Person
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_lease, make_visit
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

WORKERS, CALLS = 4, 8


def test_calls_of_one_caller_handled_at_once_make_one_lead(services: Services, company: Company) -> None:
    visit = make_visit(services, company, at=NOON - timedelta(minutes=1))
    make_lease(services, company, visit, company.number_ids[0])
    calls = [make_call(services, company, at=NOON + timedelta(hours=hour)) for hour in range(CALLS)]
    with services.db.tenant(company.id) as session:
        for call in reversed(calls):
            for kind in ("call.started", "call.ended", "call.ended"):
                outbox.record(session, company.id, kind, call.id, NOON)
    stop = threading.Event()
    workers = [
        threading.Thread(target=drain, args=(services, SUBSCRIPTIONS, company.id, stop))
        for _ in range(WORKERS)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(Fact.last_error).where(Fact.done_at.is_(None))).all() == []
        leads = session.scalars(select(Conversion.call_id).where(Conversion.status == "counted")).all()
        assert leads == [calls[0].id]
        assert len(session.scalars(select(Person)).all()) == 1
        current = session.scalars(select(Attribution.call_id).where(Attribution.is_current)).all()
        assert Counter(current) == Counter(call.id for call in calls)
        numbers = session.execute(select(ConversionChange.conversion_id, ConversionChange.sequence)).all()
        assert len(set(numbers)) == len(numbers)


def test_a_purchase_sent_by_many_at_once_is_counted_once(services: Services, company: Company) -> None:
    call = make_call(services, company)
    errors: list[Exception] = []

    def buy() -> None:
        outcome = Outcome(kind="purchase", by="api", value_minor=85_000)
        try:
            with services.db.tenant(company.id) as session:
                set_outcome(session, company.id, call.id, outcome, NOON)
        except Exception as problem:  # noqa: BLE001 - shown below
            errors.append(problem)

    threads = [threading.Thread(target=buy) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(ConversionChange.action)).all() == ["create"]
