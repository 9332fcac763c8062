"""A company whose calls, visits and spend of some months are written down, and the words to write more."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from calltrack.attribution.model import Attribution
from calltrack.conversions.model import Conversion
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key
from calltrack.reports.keeping import keep_reports
from calltrack.spend.model import SpendAccount, SpendCampaign, SpendDay
from calltrack.wiring import Services
from tests.builders import Company, make_call, make_company, make_visit

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 11, tzinfo=UTC)
ROMA = ("google", "cpc", "traslochi-roma")


def brought(
    services: Services,
    company: Company,
    at: datetime,
    words: tuple[str, str, str],
    *kinds: str,
    value: int | None = None,
    number: int = 0,
    level: str = "campaign",
    currency: str = "EUR",
    visit_id: UUID | None = None,
) -> None:
    """Store a call of that moment, credited to the words, and what it brought."""
    call = make_call(services, company, at=at, number_id=company.number_ids[number])
    base: dict[str, Any] = {"company_id": company.id, "call_id": call.id}
    verdict = base | {
        "id": new_id(), "is_current": True, "decided_at": at, "model": "test", "level": level,
        "probability": 0.9, "p_campaign": 0.9, "p_nobody": 0.0, "candidates": [], "reasons": [],
        "by_campaign": {campaign_key(*words): 1.0}, "visit_id": visit_id,
        **dict(zip(("source", "medium", "campaign"), words, strict=True)),
    }  # fmt: skip
    made = [
        base | {
            "id": new_id(at), "kind": kind, "status": "counted", "currency": currency, "occurred_at": at,
            "value_minor": value if kind == "purchase" else None, "decided_by": "test", "reason": "",
            "created_at": at, "changed_at": at,
        } for kind in kinds
    ]  # fmt: skip
    with services.db.tenant(company.id) as session:
        session.execute(insert(Attribution), [verdict])
        if made:
            session.execute(insert(Conversion), made)


def spend(services: Services, company: Company, key: str, costs: Mapping[date, int | None]) -> None:
    """Store a campaign that cost so much, in minor units; None: its currency has no rate."""
    account, campaign = new_id(), new_id()
    base: dict[str, Any] = {"company_id": company.id}
    with services.db.tenant(company.id) as session:
        session.execute(insert(SpendAccount), [base | {
            "id": account, "platform": "manual", "external_id": account.hex, "name": "Typed",
            "currency": "EUR", "timezone": "Europe/Rome", "created_at": NOW,
        }])  # fmt: skip
        session.execute(insert(SpendCampaign), [base | {
            "id": campaign, "account_id": account, "external_id": "1", "name": "One", "campaign_key": key,
        }])  # fmt: skip
        session.execute(insert(SpendDay), [base | {
            "campaign_id": campaign, "day": day, "cost_minor": cost, "cost_micros": 10_000 * (cost or 1),
            "read_at": NOW,
        } for day, cost in costs.items()])  # fmt: skip


def count(services: Services, company: Company, now: datetime = NOW) -> None:
    for wait in (0, 20):
        then = now + timedelta(seconds=wait)
        while keep_reports(replace(services, clock=then.astimezone), company.id, threading.Event()):
            pass


def told_company(services: Services) -> Company:
    """A company with calls in three months, two locations of origin, and spend."""
    company = make_company(services, numbers=3)
    for back in (1, 2, 3, 40, 45, 70):
        at = NOW - timedelta(days=back)
        make_visit(services, company, at=at - timedelta(minutes=5))
        brought(services, company, at, ROMA, "lead", "purchase", value=10_000 * back, number=back % 2)
    brought(services, company, NOW - timedelta(days=2), ("bing", "cpc", ""), "lead", level="source")
    brought(services, company, NOW - timedelta(days=2), ("", "", ""), level="unknown", number=2)
    brought(services, company, NOW - timedelta(days=3), ROMA, "purchase", value=5_000, currency="USD")
    days = {TODAY - timedelta(days=back): 700 for back in range(60)}
    spend(services, company, campaign_key(*ROMA), days)
    spend(services, company, "", {TODAY - timedelta(days=2): 333, TODAY - timedelta(days=3): None})
    count(services, company)
    return company
