"""Builders with defaults: a company ready to receive visits and calls, and rows around it."""

import itertools
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert

from calltrack.accounts.model import Agency, CarrierAccount, Location, Site
from calltrack.accounts.model import Company as CompanyRow
from calltrack.calls.model import Call
from calltrack.infra.crypto import new_token
from calltrack.infra.db import Base
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key
from calltrack.kernel.region import region_of_phone
from calltrack.numbers.model import Lease, NumberClaim, Pool, SiteTarget, Slot, TrackingNumber
from calltrack.visits.model import Visit
from calltrack.wiring import Services

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_lines = itertools.count(random.SystemRandom().randrange(0, 8_000_000))


@dataclass(frozen=True)
class Company:
    """Ids and numbers of a company that a builder made."""

    id: UUID
    agency_id: UUID
    location_id: UUID
    site_id: UUID
    site_key: str
    origin: str
    target: str
    pool_id: UUID
    number_ids: list[UUID]
    numbers: list[str]
    overflow_id: UUID
    overflow: str
    account_sid: str
    auth_token: str


def fresh_e164() -> str:
    """Return an Italian landline number nobody else in this process has."""
    return f"+390694{next(_lines) % 10_000_000:07d}"


def make_company(
    services: Services,
    *,
    numbers: int = 5,
    name: str = "Traslochi Prova",
    lease_seconds: int = 150,
    cooldown_seconds: int = 60,
    settings: dict[str, object] | None = None,
) -> Company:
    """Store a company with one location, one site, one pool of free numbers and its overflow number."""
    ids = {what: new_id() for what in ("agency", "company", "location", "site", "pool", "carrier")}
    company_id = ids["company"]
    target, account_sid, auth_token = fresh_e164(), "AC" + new_id().hex, new_token()
    now, origin, key = datetime.now(UTC), "https://www.prova.test", new_token(16)
    company = Company(
        company_id, ids["agency"], ids["location"], ids["site"], key, origin, target, ids["pool"],
        [new_id() for _ in range(numbers)], [fresh_e164() for _ in range(numbers)], new_id(), fresh_e164(),
        account_sid, auth_token,
    )  # fmt: skip
    of_company = {"company_id": company_id}
    named = of_company | {"created_at": now}
    rows: list[tuple[type[Base], list[dict[str, object]]]] = [
        (Agency, [{"id": ids["agency"], "name": "Agenzia", "created_at": now}]),
        (CompanyRow, [{
            "id": company_id, "agency_id": ids["agency"], "name": name, "country": "IT",
            "timezone": "Europe/Rome", "currency": "EUR", "settings": settings or {}, "created_at": now,
        }]),
        (CarrierAccount, [named | {
            "id": ids["carrier"], "carrier": "twilio", "account_sid": account_sid,
            "auth_token": services.vault.seal(company_id, "carrier_account.auth_token", auth_token),
        }]),
        (Location, [named | {"id": ids["location"], "name": "Roma", "city": "Roma", "forward_to": target}]),
        (Site, [named | {"id": ids["site"], "name": "Sito", "key": key, "origins": [origin]}]),
        (Pool, [named | {
            "id": ids["pool"], "location_id": ids["location"], "name": "Sito Roma",
            "lease_seconds": lease_seconds, "cooldown_seconds": cooldown_seconds,
        }]),
        (SiteTarget, [of_company | {
            "site_id": ids["site"], "target": target, "location_id": ids["location"], "pool_id": ids["pool"],
        }]),
        (NumberClaim, [of_company | {"e164": e164} for e164 in (company.overflow, *company.numbers)]),
        (TrackingNumber, [
            named | {
                "id": id_, "e164": e164, "kind": kind, "pool_id": ids["pool"],
                "location_id": ids["location"], "carrier_account_id": ids["carrier"],
            }
            for id_, e164, kind in (
                (company.overflow_id, company.overflow, "overflow"),
                *((id_, e164, "pool") for id_, e164 in zip(company.number_ids, company.numbers, strict=True)),
            )
        ]),
        (Slot, [
            of_company | {"number_id": id_, "pool_id": ids["pool"], "busy_until": LONG_AGO}
            for id_ in company.number_ids
        ]),
    ]  # fmt: skip
    with services.db.tenant(company_id) as session:
        for table, values in rows:
            if values:
                session.execute(insert(table), values)
    return company


def make_visit(
    services: Services,
    company: Company,
    *,
    at: datetime = NOON,
    seconds: int = 120,
    visitor_id: UUID | None = None,
    source: str = "google",
    medium: str = "cpc",
    campaign: str = "traslochi-roma",
    term: str = "",
    content: str = "",
    click_ids: dict[str, str] | None = None,
    region: str | None = None,
) -> Visit:
    """Store a visit that began at `at` and gave its last sign of life `seconds` later."""
    visit = Visit(
        company_id=company.id,
        id=new_id(at),
        visitor_id=visitor_id or new_id(at),
        site_id=company.site_id,
        started_at=at,
        last_seen_at=at + timedelta(seconds=seconds),
        source=source,
        medium=medium,
        campaign=campaign,
        term=term,
        content=content,
        click_ids={"gclid": f"Cj0-{new_id().hex}"} if click_ids is None else click_ids,
        ad_cookies={},
        referrer="",
        landing_url=f"{company.origin}/",
        consent={"ad": True, "measure": True},
        user_agent="test",
        region=region,
    )
    with services.db.tenant(company.id) as session:
        session.add(visit)
    return visit


def make_lease(
    services: Services, company: Company, visit: Visit, number_id: UUID, *, tapped_at: datetime | None = None
) -> Lease:
    """Store that the number was shown to the visit for as long as it lasted (plus 150 s)."""
    lease = Lease(
        company_id=company.id,
        id=new_id(visit.started_at),
        number_id=number_id,
        visit_id=visit.id,
        shown_from=visit.started_at,
        last_seen_at=visit.last_seen_at,
        shown_until=visit.last_seen_at + timedelta(seconds=150),
        is_overflow=number_id == company.overflow_id,
        tapped_at=tapped_at,
        visitor_id=visit.visitor_id,
        origin=campaign_key(visit.source, visit.medium, visit.campaign),
        device=visit.device or "",
        is_returning=bool(visit.is_returning),
        region=visit.region,
    )
    with services.db.tenant(company.id) as session:
        session.add(lease)
    return lease


def make_call(
    services: Services,
    company: Company,
    *,
    number_id: UUID | None = None,
    caller: str | None = "+393471234567",
    at: datetime = NOON,
    talk_seconds: int = 180,
    outcome: str | None = "answered",
) -> Call:
    """Store a finished call (answered and talked for three minutes unless told otherwise)."""
    bridged = outcome == "answered"
    call = Call(
        company_id=company.id,
        id=new_id(at),
        call_sid="CA" + new_id().hex,
        number_id=number_id or company.number_ids[0],
        location_id=company.location_id,
        caller=services.vault.seal(company.id, "call.caller", caller) if caller else None,
        caller_hash=services.vault.look_up(company.id, caller) if caller else None,
        caller_region=region_of_phone(caller) or None,
        status="completed" if bridged else "no_answer",
        outcome=outcome,
        started_at=at,
        answered_at=at + timedelta(seconds=8) if bridged else None,
        ended_at=at + timedelta(seconds=8 + talk_seconds) if outcome else None,
        ring_seconds=8,
        duration_seconds=8 + talk_seconds if bridged else 20,
        talk_seconds=talk_seconds if bridged else 0,
        is_bridged=bridged,
        changed_at=at + timedelta(seconds=8 + talk_seconds),
    )
    with services.db.tenant(company.id) as session:
        session.add(call)
    return call
