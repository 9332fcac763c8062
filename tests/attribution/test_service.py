from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from calltrack.attribution.model import Attribution
from calltrack.attribution.service import attribute_call
from calltrack.calls.model import Call
from calltrack.infra.outbox import Fact
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import TrackingNumber
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_company, make_lease, make_visit


def attribute(services: Services, company: Company, call: Call) -> Attribution:
    with services.db.tenant(company.id) as session:
        attribute_call(session, company.id, call.id, NOON + timedelta(hours=1))
    return current(services, company, call.id)


def current(services: Services, company: Company, call_id: UUID) -> Attribution:
    with services.db.tenant(company.id) as session:
        return session.scalars(
            select(Attribution).where(Attribution.call_id == call_id, Attribution.is_current)
        ).one()


def verdicts(services: Services, company: Company) -> int:
    with services.db.tenant(company.id) as session:
        return session.scalar(select(func.count()).select_from(Attribution)) or 0


def shown(services: Services, company: Company, number: int, before: timedelta, **more: object) -> Visit:
    visit = make_visit(services, company, at=NOON - before, **more)  # type: ignore[arg-type]  # builder's own
    make_lease(services, company, visit, company.number_ids[number])
    return visit


def test_the_visit_that_was_looking_is_stored_with_its_reasons(services: Services, company: Company) -> None:
    visit = shown(services, company, 0, timedelta(minutes=1))
    shown(services, company, 0, timedelta(days=2))
    shown(services, company, 1, timedelta(minutes=1))
    verdict = attribute(services, company, make_call(services, company))
    assert verdict.visit_id == visit.id
    assert (verdict.source, verdict.medium, verdict.campaign) == ("google", "cpc", "traslochi-roma")
    assert len(verdict.candidates) == 2
    assert verdict.reasons[0] == "Was looking at the number when the call began."


def test_a_repetition_changes_nothing(services: Services, company: Company) -> None:
    shown(services, company, 0, timedelta(minutes=1))
    call = make_call(services, company)
    first = attribute(services, company, call)
    assert attribute(services, company, call).id == first.id
    assert verdicts(services, company) == 1
    with services.db.tenant(company.id) as session:
        facts = session.scalars(select(Fact.kind)).all()
    assert facts == ["call.attributed"]


def test_a_new_verdict_keeps_the_old_one(services: Services, company: Company) -> None:
    call = make_call(services, company)
    assert attribute(services, company, call).visit_id is None
    visit = shown(services, company, 0, timedelta(minutes=1))
    assert attribute(services, company, call).visit_id == visit.id
    assert verdicts(services, company) == 2


def test_a_static_number_credits_its_campaign(services: Services, company: Company) -> None:
    with services.db.tenant(company.id) as session:
        number = session.get_one(TrackingNumber, (company.id, company.number_ids[2]))
        number.kind, number.source, number.medium, number.campaign = "static", "billboard", "offline", "EUR"
    call = make_call(services, company, number_id=company.number_ids[2])
    verdict = attribute(services, company, call)
    assert (verdict.visit_id, verdict.source, verdict.p_campaign) == (None, "billboard", 1.0)


def test_late_news_of_an_earlier_call_reaches_the_later_one(services: Services, company: Company) -> None:
    visit = shown(services, company, 0, timedelta(days=20))
    first = make_call(services, company, at=NOON - timedelta(days=20) + timedelta(minutes=1))
    again = make_call(services, company, at=first.started_at + timedelta(hours=3))
    assert attribute(services, company, again).visit_id == visit.id
    alone = current(services, company, again.id).probability
    attribute(services, company, first)
    late = current(services, company, again.id)
    assert late.reasons[0].startswith("This caller called 3 hours before")
    assert late.probability > alone
    attribute(services, company, again)
    assert current(services, company, again.id).id == late.id


def test_a_known_visitor_is_recognised_on_another_number(services: Services, company: Company) -> None:
    before = shown(services, company, 0, timedelta(days=4))
    attribute(services, company, make_call(services, company, at=NOON - timedelta(days=4)))
    again = shown(services, company, 1, timedelta(hours=3), visitor_id=before.visitor_id)
    shown(services, company, 1, timedelta(hours=2))
    verdict = attribute(services, company, make_call(services, company, number_id=company.number_ids[1]))
    assert verdict.visit_id == again.id
    assert "An earlier call showed that this visitor is this caller." in verdict.reasons


def test_a_foreign_call_does_not_exist(services: Services, company: Company) -> None:
    foreign = make_call(services, make_company(services))
    for call_id in (foreign.id, new_id()):
        with pytest.raises(NotFound), services.db.tenant(company.id) as session:
            attribute_call(session, company.id, call_id, NOON)
