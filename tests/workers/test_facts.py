import threading
from collections.abc import Sequence
from datetime import timedelta
from time import sleep
from uuid import UUID

from sqlalchemy import select

from calltrack.conversions.model import Conversion
from calltrack.infra import outbox
from calltrack.infra.outbox import Fact
from calltrack.infra.queue import QUEUE
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_lease, make_visit
from tests.workers.process import until
from workers.facts import BATCH, drain
from workers.subscriptions import SUBSCRIPTIONS, Subscriptions, Together


def record(services: Services, company: Company, kind: str, subject_id: UUID | None = None) -> None:
    with services.db.tenant(company.id) as session:
        outbox.record(session, company.id, kind, subject_id or new_id(), NOON)


def facts(services: Services, company: Company) -> list[Fact]:
    with services.db.tenant(company.id) as session:
        return list(session.scalars(select(Fact).order_by(Fact.recorded_at, Fact.id)))


def work(services: Services, company: Company, subscriptions: Subscriptions = SUBSCRIPTIONS) -> int:
    return drain(services, subscriptions, company.id, threading.Event(), turn_seconds=600)


def test_an_ended_call_becomes_an_attributed_lead_of_a_person(services: Services, company: Company) -> None:
    visit = make_visit(services, company, at=NOON - timedelta(minutes=1))
    make_lease(services, company, visit, company.number_ids[0])
    call = make_call(services, company)
    record(services, company, "call.started", call.id)
    record(services, company, "call.ended", call.id)
    work(services, company)
    found = facts(services, company)
    assert {fact.kind for fact in found} == {
        "call.started",
        "call.ended",
        "call.attributed",
        "conversion.changed",
    }
    assert [fact.kind for fact in found if fact.done_at is None] == []
    with services.db.tenant(company.id) as session:
        lead = session.scalars(select(Conversion)).one()
    assert (lead.kind, lead.call_id, lead.person_id is None) == ("lead", call.id, False)


def test_a_backlog_of_several_batches_is_drained_whole(services: Services, company: Company) -> None:
    seen: list[UUID] = []
    ids = [new_id() for _ in range(BATCH * 2 + 3)]
    for id_ in ids:
        record(services, company, "x", id_)
    assert work(services, company, {"x": (lambda services, company_id, id_: seen.append(id_),)}) == len(ids)
    assert sorted(seen) == sorted(ids)


def test_a_turn_ends_after_its_time_and_asks_for_another(services: Services, company: Company) -> None:
    for _ in range(30):
        record(services, company, "x")
    queue = f"rq:queue:{QUEUE}"
    services.nudges.connection.delete(queue)

    def slow(services: Services, company_id: UUID, subject_id: UUID) -> None:
        sleep(0.01)

    handled = drain(services, {"x": (slow,)}, company.id, threading.Event(), turn_seconds=0.1)
    assert 0 < handled < 30  # also where to claim them takes longer than the turn
    assert until(lambda: services.nudges.connection.llen(queue) == 1, 30)
    services.nudges.connection.delete(queue)
    assert work(services, company, {"x": ()}) == 30 - handled


def test_facts_of_one_kind_go_to_a_handler_that_takes_many(services: Services, company: Company) -> None:
    calls: list[list[UUID]] = []
    ids = [new_id() for _ in range(40)]
    for id_ in ids:
        record(services, company, "many", id_)
        record(services, company, "single")
    subscriptions: Subscriptions = {
        "many": (Together(lambda services, company_id, subjects: calls.append(list(subjects))),),
        "single": (lambda services, company_id, id_: None,),
    }
    assert work(services, company, subscriptions) == 80
    assert [sorted(call) for call in calls] == [sorted(ids)]


def test_one_bad_fact_among_many_is_found_and_holds_up_no_other(services: Services, company: Company) -> None:
    done: set[UUID] = set()
    ids = [new_id() for _ in range(40)]
    bad = {ids[3], ids[38]}
    for id_ in ids:
        record(services, company, "many", id_)

    def handle(services: Services, company_id: UUID, subjects: Sequence[UUID]) -> None:
        if found := bad & set(subjects):
            raise ZeroDivisionError(f"{len(found)} bad")
        done.update(subjects)

    assert work(services, company, {"many": (Together(handle),)}) == 38
    assert done == set(ids) - bad
    waiting = [fact for fact in facts(services, company) if fact.done_at is None]
    assert {fact.subject_id for fact in waiting} == bad
    assert {(fact.failures, fact.last_error) for fact in waiting} == {(1, "ZeroDivisionError: 1 bad")}


def test_a_failing_handler_postpones_its_fact_and_keeps_no_other(
    services: Services, company: Company
) -> None:
    done: list[UUID] = []

    def fail(services: Services, company_id: UUID, subject_id: UUID) -> None:
        raise ZeroDivisionError("no such luck")

    record(services, company, "bad")
    record(services, company, "good")
    assert work(services, company, {"bad": (fail,), "good": (lambda s, c, id_: done.append(id_),)}) == 1
    bad, good = sorted(facts(services, company), key=lambda fact: fact.kind)
    assert (bad.done_at, bad.failures, bad.last_error) == (None, 1, "ZeroDivisionError: no such luck")
    assert good.done_at is not None
    assert len(done) == 1


def test_an_unknown_fact_waits_for_a_newer_worker(services: Services, company: Company) -> None:
    record(services, company, "from.the.future")
    assert work(services, company) == 0
    (fact,) = facts(services, company)
    assert fact.done_at is None
    assert fact.last_error is not None
    assert fact.last_error.startswith("Nobody subscribes to from.the.future")


def test_a_stop_finishes_the_fact_in_hand_and_gives_the_others_back(
    services: Services, company: Company
) -> None:
    stop = threading.Event()
    for _ in range(3):
        record(services, company, "x")
    assert drain(services, {"x": (lambda s, c, id_: stop.set(),)}, company.id, stop) == 1
    assert work(services, company, {"x": ()}) == 2
    assert [fact.failures for fact in facts(services, company)] == [0, 0, 0]
