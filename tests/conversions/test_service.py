from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from calltrack.accounts.model import AuditEntry
from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import classify_call, follow_person, set_outcome
from calltrack.infra.outbox import Fact
from calltrack.journeys.model import Person, PersonCaller
from calltrack.journeys.service import link_person
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_company

LATER = NOON + timedelta(hours=1)
DAY = timedelta(days=1)


def classify(services: Services, company: Company, call: Call) -> None:
    with services.db.tenant(company.id) as session:
        link_person(session, services.vault, company.id, call.id, LATER)
    with services.db.tenant(company.id) as session:
        classify_call(session, company.id, call.id, LATER)


def decide(services: Services, company: Company, call_id: UUID, kind: str, **more: Any) -> tuple[UUID, ...]:
    outcome = Outcome(kind=kind, **({"by": "anna"} | more))  # type: ignore[arg-type]  # the tests' own words
    with services.db.tenant(company.id) as session:
        return set_outcome(session, company.id, call_id, outcome, LATER)


def rows(services: Services, company: Company) -> list[tuple[str, str, int | None, datetime]]:
    with services.db.tenant(company.id) as session:
        query = select(Conversion.kind, Conversion.status, Conversion.value_minor, Conversion.occurred_at)
        found = session.execute(query.order_by(Conversion.occurred_at, Conversion.kind))
        return [(row.kind, row.status, row.value_minor, row.occurred_at) for row in found]


def actions(services: Services, company: Company) -> list[tuple[int, str, int | None]]:
    """The changes in the order they were made; each must be a fact of its own."""
    with services.db.tenant(company.id) as session:
        changes = session.scalars(select(ConversionChange).order_by(ConversionChange.sequence)).all()
        facts = session.scalars(select(Fact.subject_id).where(Fact.kind == "conversion.changed")).all()
    assert sorted(facts) == sorted(change.id for change in changes)
    return [(change.sequence, change.action, change.value_minor) for change in changes]


def audits(services: Services, company: Company) -> int:
    with services.db.tenant(company.id) as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def amend(services: Services, company: Company, call: Call, **values: Any) -> None:
    with services.db.tenant(company.id) as session:
        row = session.get_one(Call, (company.id, call.id))
        for name, value in values.items():
            setattr(row, name, value)


def test_a_talk_becomes_one_lead_however_often_it_is_judged(services: Services, company: Company) -> None:
    call = make_call(services, company)
    for _ in range(3):
        classify(services, company, call)
    assert rows(services, company) == [("lead", "counted", None, NOON)]
    assert actions(services, company) == [(0, "create", None)]


@pytest.mark.parametrize("more", [{"talk_seconds": 59}, {"outcome": "mailbox"}, {"outcome": "busy"}])
def test_what_is_no_talk_is_no_lead(services: Services, company: Company, more: dict[str, Any]) -> None:
    classify(services, company, make_call(services, company, **more))
    assert rows(services, company) == []


def test_the_second_call_within_the_window_is_no_new_lead(services: Services, company: Company) -> None:
    for days in (0, 4, 29, 31):
        classify(services, company, make_call(services, company, at=NOON + days * DAY))
    assert [row[3] for row in rows(services, company)] == [NOON, NOON + 31 * DAY]


def test_calls_in_any_order_end_in_the_same_leads(services: Services) -> None:
    results = []
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]):
        company = make_company(services)
        calls = [make_call(services, company, at=NOON + days * DAY) for days in (0, 20, 31, 50)]
        for place in order:
            classify(services, company, calls[place])
        results.append([row for row in rows(services, company) if row[1] == "counted"])
    assert results == [results[0]] * 4
    assert [row[3] for row in results[0]] == [NOON, NOON + 31 * DAY]


def test_withheld_callers_are_judged_on_their_own_call(services: Services, company: Company) -> None:
    for days in (0, 1):
        classify(services, company, make_call(services, company, caller=None, at=NOON + days * DAY))
    assert len(rows(services, company)) == 2


def test_a_lead_that_no_longer_holds_is_taken_back_and_may_hold_again(
    services: Services, company: Company
) -> None:
    call = make_call(services, company)
    for seconds in (180, 20, 180):
        amend(services, company, call, talk_seconds=seconds)
        classify(services, company, call)
    assert rows(services, company) == [("lead", "counted", None, NOON)]
    assert actions(services, company) == [(0, "create", None), (1, "retract", None), (2, "restate", None)]


def test_a_purchase_is_created_amended_and_taken_back(services: Services, company: Company) -> None:
    call = make_call(services, company)
    (first,) = decide(services, company, call.id, "purchase", value_minor=85_000)
    assert decide(services, company, call.id, "purchase", value_minor=85_000, by="bruno") == ()
    assert decide(services, company, call.id, "purchase", value_minor=90_000, currency="CHF") == (first,)
    assert decide(services, company, call.id, "none") == (first,)
    assert decide(services, company, call.id, "none") == ()
    assert decide(services, company, call.id, "purchase", value_minor=1) == (first,)
    assert actions(services, company) == [
        (0, "create", 85_000), (1, "restate", 90_000), (2, "retract", None), (3, "restate", 1),
    ]  # fmt: skip
    assert rows(services, company) == [("purchase", "counted", 1, NOON)]
    assert audits(services, company) == 4


def test_a_purchase_keeps_its_first_time(services: Services, company: Company) -> None:
    call = make_call(services, company)
    decide(services, company, call.id, "purchase", value_minor=1, occurred_at=NOON + DAY)
    decide(services, company, call.id, "purchase", value_minor=2, occurred_at=NOON + 2 * DAY)
    assert rows(services, company) == [("purchase", "counted", 2, NOON + DAY)]


def test_a_purchase_on_the_second_call_leaves_one_lead(services: Services, company: Company) -> None:
    first, second = (make_call(services, company, at=NOON + days * DAY) for days in (0, 4))
    for call in (first, second):
        classify(services, company, call)
    decide(services, company, second.id, "purchase", value_minor=85_000)
    amend(services, company, first, talk_seconds=30)
    for call in (first, second):
        classify(services, company, call)
    assert [row[:2] for row in rows(services, company)] == [("lead", "counted"), ("purchase", "counted")]


def test_a_persons_word_stands_above_the_rule(services: Services, company: Company) -> None:
    short, long = (
        make_call(services, company, talk_seconds=5),
        make_call(services, company, at=NOON + 40 * DAY),
    )
    decide(services, company, short.id, "lead")
    classify(services, company, short)
    classify(services, company, long)
    decide(services, company, long.id, "none")
    classify(services, company, long)
    assert [row[:2] for row in rows(services, company)] == [("lead", "counted"), ("lead", "retracted")]


def test_a_purchase_that_was_only_a_lead_becomes_one(services: Services, company: Company) -> None:
    call = make_call(services, company, talk_seconds=5)
    decide(services, company, call.id, "purchase", value_minor=5)
    decide(services, company, call.id, "lead")
    assert [row[:2] for row in rows(services, company)] == [("lead", "counted"), ("purchase", "retracted")]


def test_foreign_and_unknown_calls_are_not_found(services: Services, company: Company) -> None:
    foreign = make_call(services, make_company(services))
    for call_id in (foreign.id, new_id()):
        with pytest.raises(NotFound):
            decide(services, company, call_id, "purchase", value_minor=1)
        with pytest.raises(NotFound), services.db.tenant(company.id) as session:
            classify_call(session, company.id, call_id, NOON)


def test_conversions_follow_a_joined_person(services: Services, company: Company) -> None:
    call = make_call(services, company)
    other = make_call(services, company, caller="+393489999999")
    for one in (call, other):
        classify(services, company, one)
    stays = Person(company_id=company.id, id=new_id(), created_at=NOON)
    with services.db.tenant(company.id) as session:
        session.add(stays)
        session.flush()
        link = session.scalars(select(PersonCaller).where(PersonCaller.caller_hash == call.caller_hash)).one()
        link.person_id = stays.id
    with services.db.tenant(company.id) as session:
        follow_person(session, company.id, stays.id, LATER)
        owners = {
            row.call_id: row.person_id
            for row in session.execute(select(Conversion.call_id, Conversion.person_id))
        }
    assert owners[call.id] == stays.id
    assert owners[other.id] not in (None, stays.id)
