"""From the snippet's request and the carrier's hooks to an attributed lead, with nothing built by hand."""

import threading
from uuid import UUID

from sqlalchemy import select

from calltrack.attribution.model import Attribution
from calltrack.conversions.model import Conversion
from calltrack.journeys.model import PersonVisitor
from calltrack.wiring import Services
from tests.builders import Company
from tests.calls.conftest import Carrier, carrier, desk, new_call_sid, voice
from tests.visits.conftest import Edge, edge
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

__all__ = ["carrier", "desk", "edge", "voice"]


def work(services: Services, company: Company) -> None:
    drain(services, SUBSCRIPTIONS, company.id, threading.Event())


def test_a_visitor_who_calls_becomes_a_lead_of_her_click(
    services: Services, company: Company, edge: Edge, carrier: Carrier
) -> None:
    page = company.origin + "/?gclid=Cj0-abc&utm_source=google&utm_medium=cpc&utm_campaign=roma"
    shown = edge.visit(company, u=page)
    dialled = "+" + shown["n"][0]["n"]
    number_id = company.number_ids[company.numbers.index(dialled)]
    sid, leg = new_call_sid(), new_call_sid()

    def tell(hook: str, **more: str) -> None:
        fields = carrier.call_fields(sid, To=dialled, **more)
        assert carrier.post(hook, fields, number_id=number_id).status_code in (200, 204)

    tell("", CallStatus="ringing")
    work(services, company)
    talked = {
        "DialCallSid": leg,
        "DialCallStatus": "completed",
        "DialCallDuration": "180",
        "DialBridged": "true",
    }
    tell("/dialed", CallStatus="in-progress", **talked)
    tell("/status", CallStatus="completed", CallDuration="195", CallbackSource="call-progress-events")
    work(services, company)
    with services.db.tenant(company.id) as session:
        verdict = session.scalars(select(Attribution).where(Attribution.is_current)).one()
        lead = session.scalars(select(Conversion)).one()
        visitor = session.scalars(select(PersonVisitor)).one()
    assert verdict.visit_id == UUID(shown["s"])
    assert verdict.probability > 0.95
    assert verdict.campaign == "roma"
    assert verdict.reasons[0][0] == "on_screen"
    assert (lead.kind, lead.status, lead.call_id) == ("lead", "counted", verdict.call_id)
    assert (visitor.visitor_id, visitor.person_id) == (UUID(shown["v"]), lead.person_id)
