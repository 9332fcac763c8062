"""Calls judged before anybody knew of their visits: judged anew, each is credited to another one."""

from datetime import timedelta

from calltrack.attribution.service import attribute_call
from calltrack.calls.model import Call
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_lease, make_visit

MINUTE = timedelta(minutes=1)


def calls_without_visits(services: Services, company: Company, count: int) -> list[Call]:
    """Make calls an hour apart, judge them, and store a visit for each afterwards."""
    calls = []
    for place in range(count):
        at = NOON + place * timedelta(hours=1)
        call = make_call(
            services, company, number_id=company.number_ids[place], caller=f"+3934700000{place}", at=at
        )
        with services.db.tenant(company.id) as session:
            attribute_call(session, company.id, call.id, at + MINUTE)
        visit = make_visit(services, company, at=at - MINUTE, campaign=f"campaign-{place}")
        make_lease(services, company, visit, company.number_ids[place])
        calls.append(call)
    return calls
