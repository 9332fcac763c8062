"""Visits, calls, verdicts and conversions of persons as rows, without going through carriers and browsers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key, source_key, words_of
from calltrack.reports.credit.counting import count_credit_due
from calltrack.reports.credit.marking import mark_credit_of_changes, plan_look
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.builders import Company, make_call, make_visit

GOOGLE = campaign_key("google", "cpc", "traslochi-roma")
META = campaign_key("meta", "cpc", "estate")
ORGANIC = campaign_key("google", "organic", "")
DIRECT = campaign_key("direct", "none", "")
RADIO = campaign_key("radio", "offline", "spot")


@dataclass(frozen=True)
class Told:
    """A suspect of a verdict: the visit (with its campaign) and how likely it made the call."""

    visit: Visit
    p: float


def visit_by(
    services: Services, company: Company, key: str, at: datetime, visitor: UUID | None = None
) -> Visit:
    """Store a visit of a campaign."""
    source, medium, campaign = words_of(key)
    return make_visit(
        services, company, at=at, visitor_id=visitor, source=source, medium=medium, campaign=campaign
    )


def key_of(visit: Visit) -> str:
    """Return the word of a visit's campaign."""
    return campaign_key(visit.source, visit.medium, visit.campaign)


def judged_call(
    services: Services,
    company: Company,
    at: datetime,
    suspects: Sequence[Told] = (),
    *,
    also: Mapping[str, float] | None = None,
    model: str = "shipped",
    caller: str | None = None,
) -> Call:
    """Store a call with its verdict: its suspects, and campaigns that have no visit of their own."""
    call = make_call(services, company, at=at, caller=caller)
    by_campaign: dict[str, float] = dict(also or {})
    for one in suspects:
        by_campaign[key_of(one.visit)] = by_campaign.get(key_of(one.visit), 0.0) + one.p
    by_source: dict[str, float] = {}
    for key, p in by_campaign.items():
        source, medium, _ = words_of(key)
        by_source[source_key(source, medium)] = by_source.get(source_key(source, medium), 0.0) + p
    most = max(suspects, key=lambda one: one.p, default=None)
    likeliest = max(by_campaign, key=lambda key: by_campaign[key], default="")
    source, medium, campaign = words_of(likeliest)
    verdict = Attribution(
        company_id=company.id, id=new_id(at), call_id=call.id, is_current=True, decided_at=at, model=model,
        level="campaign" if likeliest else "unknown", visit_id=most.visit.id if most else None,
        probability=most.p if most else 0.0, p_campaign=0.0,
        p_nobody=max(1.0 - sum(by_campaign.values()), 0.0), source=source, medium=medium, campaign=campaign,
        candidates=[
            [one.visit.id.hex, one.visit.visitor_id.hex, key_of(one.visit), one.p, 0.0] for one in suspects
        ],
        by_campaign=by_campaign, by_source=by_source, reasons=[],
    )  # fmt: skip
    with services.db.tenant(company.id) as session:
        session.add(verdict)
    return call


def converted(
    services: Services,
    company: Company,
    call: Call,
    *,
    kind: str = "lead",
    value_minor: int | None = None,
    after: timedelta = timedelta(),
    person: UUID | None = None,
    currency: str = "EUR",
) -> UUID:
    """Store a counted conversion of a call; returns the id of its change."""
    now = call.started_at + after
    conversion, change = new_id(now), new_id(now)
    told = {"value_minor": value_minor, "currency": currency, "reason": "", "via": "rule"}
    with services.db.tenant(company.id) as session:
        session.add(
            Conversion(
                company_id=company.id, id=conversion, call_id=call.id, person_id=person, kind=kind,
                status="counted", occurred_at=now, decided_by="rule", created_at=now, changed_at=now, **told,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            ConversionChange(
                company_id=company.id, id=change, conversion_id=conversion, sequence=0, action="create",
                changed_at=now, changed_by="rule", **told,
            )
        )  # fmt: skip
    return change


def a_person(
    services: Services,
    company: Company,
    at: datetime,
    browsers: Mapping[UUID, float],
    call: Call,
    caller: Call | None = None,
) -> UUID:
    """Store a person with browsers known from a call, and the number of a call."""
    person = new_id(at)
    with services.db.tenant(company.id) as session:
        session.add(Person(company_id=company.id, id=person, created_at=at))
        session.flush()
        for visitor, p in browsers.items():
            session.add(
                PersonVisitor(
                    company_id=company.id, visitor_id=visitor, person_id=person, call_id=call.id,
                    probability=p, linked_at=at,
                )
            )  # fmt: skip
        if caller is not None and caller.caller_hash is not None:
            session.add(
                PersonCaller(
                    company_id=company.id, caller_hash=caller.caller_hash, person_id=person, phone=b"",
                    linked_at=at,
                )
            )  # fmt: skip
    return person


def count(services: Services, company: Company, now: datetime, *changes: UUID) -> int:
    """Let workers hear of the changes and count what is due a while later; returns how many days."""
    later = replace(services, clock=lambda: now + timedelta(minutes=1))
    with services.db.tenant(company.id) as session:
        plan_look(session, company.id, now)
    if changes:
        mark_credit_of_changes(replace(services, clock=lambda: now), company.id, changes)
    return count_credit_due(later, company.id)
