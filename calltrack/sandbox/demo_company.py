"""The demo company: an Italian mover with two towns, ready to be visited and called."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.api_keys import create_api_key
from calltrack.accounts.carrier import change_carrier, connect_carrier
from calltrack.accounts.model import Company, Site
from calltrack.accounts.service import (
    CallFlow,
    NewCompany,
    add_member,
    change_site,
    create_agency,
    create_company,
    create_location,
    create_site,
    create_user,
)
from calltrack.audiences.conditions import READY
from calltrack.audiences.service import connect_list, create_audience
from calltrack.config import DEMO_EMAIL, DEMO_PASSWORD, SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN
from calltrack.delivery.accounts import change_destination, connect_destination
from calltrack.delivery.model import DestinationAccount
from calltrack.infra.db import enter_tenant
from calltrack.numbers.service import (
    add_overflow_number,
    add_pool_numbers,
    add_static_number,
    add_target,
    create_pool,
)
from calltrack.sandbox.demo_spend import bring_spend
from calltrack.sandbox.platforms.accounts import SETTINGS
from calltrack.wiring import Services

NAME = "Traslochi Aurelia"
# Fictitious: no line of these blocks is given to subscribers of the demo.
ROME, MILAN = "+390669940001", "+390280880001"
POOL_SIZE = 12


# The destinations of the demo, each connected to its twin.
CONNECTED = (
    ("google_data_manager", "Google Ads"),
    ("meta", "Meta"),
    ("microsoft", "Microsoft Advertising"),
    ("webhook", "CRM webhook"),
)

# Customer lists at the twins that the demo's audience is kept in step with.
LISTS = {"google_data_manager": "777001", "meta": "777002"}


@dataclass(frozen=True)
class Branch:
    """A town of the mover and the block its tracking numbers come from."""

    name: str
    forward_to: str
    block: str


BRANCHES = (Branch("Roma", ROME, "+39069480"), Branch("Milano", MILAN, "+39028450"))
# (last digits in the Rome block, source, medium, campaign): one number for one source.
STATICS = (
    ("0901", "billboard", "offline", "Tangenziale Est"),
    ("0902", "google", "call_asset", "Estensione di chiamata"),
    ("0903", "paginegialle", "directory", ""),
)


def ensure_demo_company(services: Services, note: dict[str, Any]) -> dict[str, Any]:
    """Make the demo company unless it is there, and return what the sandbox must know of it."""
    company_id = find_demo_company(services)
    if company_id is None or "api_key" not in note:
        note = _make(services) if company_id is None else _renew_key(services, company_id, note)
    follow_origin(services, UUID(note["company_id"]))
    return note


def find_demo_company(services: Services) -> UUID | None:
    """Return the demo company's id, None before the first seed."""
    with services.db.shared() as session:
        return session.scalar(select(Company.id).where(Company.is_demo).order_by(Company.id).limit(1))


def follow_origin(services: Services, company_id: UUID) -> None:
    """Let site and destinations follow this run's origin (another PORT, another PUBLIC_BASE_URL)."""
    settings, now = services.settings, services.clock()
    origins = sorted(
        {settings.base_url, f"http://127.0.0.1:{settings.port}", f"http://localhost:{settings.port}"}
    )
    with services.db.tenant(company_id) as session:
        site = session.scalars(select(Site).where(Site.company_id == company_id)).one()
        change_site(session, company_id, site.id, site.name, origins)
        change_carrier(session, services.vault, company_id, *_carrier_pair(services), now)
        for kind, name, twin in twin_settings(services):
            of_this_kind = (DestinationAccount.company_id == company_id, DestinationAccount.kind == kind)
            found = session.scalars(select(DestinationAccount).where(*of_this_kind)).first()
            if found is None:
                # A demo of an earlier release: the platform was added since.
                connect_destination(session, services.vault, company_id, kind, name, twin, now, sandbox=True)
            elif any(found.settings.get(key, value) != value for key, value in twin.items()):
                change_destination(
                    session, services.vault, company_id, found.id, name, twin, now, sandbox=True
                )
        session.flush()
        bring_spend(session, services.vault, company_id, now)


def _make(services: Services) -> dict[str, Any]:
    now = services.clock()
    with services.db.shared() as session:
        agency_id = create_agency(session, "Agenzia Demo", now)
        company_id = create_company(session, NewCompany(agency_id, NAME, is_demo=True), now)
        user_id = create_user(session, DEMO_EMAIL, "Demo", DEMO_PASSWORD, now)
        # One transaction: a start that is interrupted leaves no half of a company.
        enter_tenant(session, company_id)
        add_member(session, company_id, user_id, "owner")
        key = create_api_key(session, company_id, "Simulator", "owner", now)
        carrier_id = connect_carrier(session, services.vault, company_id, *_carrier_pair(services), now)
        site_id, site_key = create_site(
            session, company_id, "www.traslochi-aurelia.test", [services.settings.base_url], now
        )
        for branch in BRANCHES:
            _open_branch(session, company_id, carrier_id, site_id, branch, now)
        _connect_twins(services, session, company_id, now)
    return {
        "company_id": company_id.hex,
        "api_key": key.text,
        "site_key": site_key,
        "targets": [branch.forward_to for branch in BRANCHES],
    }


def _renew_key(services: Services, company_id: UUID, note: dict[str, Any]) -> dict[str, Any]:
    """Make a new key for a company whose note was lost; everything else can be read again."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        key = create_api_key(session, company_id, "Simulator", "owner", now)
        site = session.scalars(select(Site).where(Site.company_id == company_id)).one()
    return note | {
        "company_id": company_id.hex,
        "api_key": key.text,
        "site_key": site.key,
        "targets": [branch.forward_to for branch in BRANCHES],
    }


def _carrier_pair(services: Services) -> tuple[str, str]:
    settings = services.settings
    token = settings.twilio_auth_token.get_secret_value() or SANDBOX_AUTH_TOKEN
    return settings.twilio_account_sid or SANDBOX_ACCOUNT_SID, token


def _open_branch(
    session: Session, company_id: UUID, carrier_id: UUID, site_id: UUID, branch: Branch, now: datetime
) -> None:
    flow = CallFlow(name=branch.name, forward_to=branch.forward_to, city=branch.name)
    location_id = create_location(session, company_id, "IT", flow, now)
    pool_id = create_pool(session, company_id, location_id, f"Sito {branch.name}", now)
    numbers = [f"{branch.block}{line:04d}" for line in range(101, 101 + POOL_SIZE)]
    add_pool_numbers(session, company_id, pool_id, carrier_id, numbers, now)
    add_overflow_number(session, company_id, pool_id, carrier_id, f"{branch.block}0100", now)
    add_target(session, company_id, site_id, branch.forward_to, location_id, pool_id)
    if branch.forward_to == ROME:
        for digits, source, medium, campaign in STATICS:
            add_static_number(
                session,
                company_id,
                location_id,
                carrier_id,
                f"{branch.block}{digits}",
                source,
                medium,
                campaign,
                now,
            )


def _connect_twins(services: Services, session: Session, company_id: UUID, now: datetime) -> None:
    made = {
        kind: connect_destination(
            session, services.vault, company_id, kind, name, settings, now, sandbox=True
        )
        for kind, name, settings in twin_settings(services)
    }
    name, condition = READY["called_not_bought"]
    audience_id = create_audience(session, company_id, name, condition, now)
    for kind in LISTS:
        connect_list(session, company_id, audience_id, made[kind], LISTS[kind], now)


def twin_settings(services: Services) -> list[tuple[str, str, dict[str, Any]]]:
    """Return kind, name and settings of the demo's destinations: the twins of this machine."""
    origin = services.settings.local_origin or services.settings.base_url
    return [(kind, f"{name} (sandbox twin)", SETTINGS[kind](origin)) for kind, name in CONNECTED]
