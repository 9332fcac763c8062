"""Use cases of accounts: agencies, companies, locations, sites, users and memberships.

Functions over tables of no company take a session of `Database.shared()`, the others one of
`Database.tenant(company_id)`.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from calltrack.accounts import sessions
from calltrack.accounts.model import Agency, Company, Location, Membership, Site, User
from calltrack.accounts.passwords import check_strength, hash_password
from calltrack.accounts.protection import check_forwarding
from calltrack.accounts.rules import (
    CompanySettings,
    Role,
    country_code,
    display_name,
    email_address,
    settings_of,
    site_origin,
    time_zone,
)
from calltrack.accounts.wrong_settings import refused
from calltrack.infra.crypto import new_token
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import currency_code
from calltrack.kernel.phone import to_e164


@dataclass(frozen=True)
class NewCompany:
    """What a company needs to begin."""

    agency_id: UUID
    name: str
    country: str = "IT"
    timezone: str = "Europe/Rome"
    currency: str = "EUR"
    is_demo: bool = False


@dataclass(frozen=True)
class CallFlow:
    """A location and how its calls are put through."""

    name: str
    forward_to: str
    city: str = ""
    ring_seconds: int = 18
    announcement: str = ""
    language: str = "it-IT"
    whisper: bool = True
    voicemail: bool = True
    record: bool = False

    def checked(self, country: str) -> "CallFlow":
        """Return it in stored form; raises BadInput with what to change."""
        if not 5 <= self.ring_seconds <= 120:
            raise BadInput("Let the phone ring for 5 to 120 seconds.")
        if len(self.announcement) > 500:
            raise BadInput("An announcement has at most 500 characters; nobody listens longer.")
        return replace(
            self,
            name=display_name(self.name),
            forward_to=to_e164(self.forward_to, country),
            city=" ".join(self.city.split())[:80],
            announcement=" ".join(self.announcement.split()),
        )


def create_agency(session: Session, name: str, now: datetime) -> UUID:
    """Open an agency and return its id."""
    agency = Agency(id=new_id(now), name=display_name(name), created_at=now)
    session.add(agency)
    session.flush()
    return agency.id


def create_company(session: Session, new: NewCompany, now: datetime) -> UUID:
    """Open a company of an agency and return its id."""
    company = Company(
        id=new_id(now),
        agency_id=new.agency_id,
        name=display_name(new.name),
        country=country_code(new.country),
        timezone=time_zone(new.timezone),
        currency=currency_code(new.currency),
        settings=settings_of({}).model_dump(),
        is_demo=new.is_demo,
        created_at=now,
    )
    session.add(company)
    session.flush()
    return company.id


def change_company(
    session: Session, company_id: UUID, name: str, timezone: str, settings: dict[str, Any]
) -> None:
    """Change a company's name, time zone and limits; raises BadInput with what to change."""
    company = session.get(Company, company_id)
    if company is None:
        raise NotFound("There is no such company.")
    if settings.get("safe_forward_to"):
        safe = to_e164(settings["safe_forward_to"], company.country)
        if safe != company.settings.get("safe_forward_to"):
            check_forwarding(session, company_id, safe)
        settings = settings | {"safe_forward_to": safe}
    try:
        limits = CompanySettings.model_validate(settings)
    except ValidationError as problem:
        raise refused(problem, CompanySettings) from None
    company.name, company.timezone = display_name(name), time_zone(timezone)
    company.settings = company.settings | limits.model_dump()


def create_location(session: Session, company_id: UUID, country: str, flow: CallFlow, now: datetime) -> UUID:
    """Add a branch that answers the phone and return its id; raises BadInput with what to change."""
    checked = flow.checked(country)
    check_forwarding(session, company_id, checked.forward_to)
    location = Location(company_id=company_id, id=new_id(now), created_at=now, **asdict(checked))
    session.add(location)
    session.flush()
    return location.id


def change_location(
    session: Session, company_id: UUID, location_id: UUID, country: str, flow: CallFlow
) -> None:
    """Change how a location's calls are put through; phones follow within 15 seconds.

    Raises:
        BadInput: what to change; calls may not be put through to a new number.
        NotFound: the company has no such location.
    """
    checked = flow.checked(country)
    location = session.get(Location, (company_id, location_id), with_for_update=True)
    if location is None:
        raise NotFound("There is no such location.")
    if checked.forward_to != location.forward_to:
        check_forwarding(session, company_id, checked.forward_to)
    for name, value in asdict(checked).items():
        setattr(location, name, value)
    session.flush()


def create_site(
    session: Session, company_id: UUID, name: str, origins: list[str], now: datetime
) -> tuple[UUID, str]:
    """Add a website and return its id and the public key of its snippet tag."""
    site = Site(
        company_id=company_id,
        id=new_id(now),
        name=display_name(name),
        key=new_token(16),
        origins=_origins(origins),
        created_at=now,
    )
    session.add(site)
    session.flush()
    return site.id, site.key


def change_site(session: Session, company_id: UUID, site_id: UUID, name: str, origins: list[str]) -> None:
    """Change a website's name and the origins that may use its key."""
    site = session.get(Site, (company_id, site_id))
    if site is None:
        raise NotFound("There is no such website.")
    site.name, site.origins = display_name(name), _origins(origins)


def create_user(session: Session, email: str, name: str, password: str, now: datetime) -> UUID:
    """Add a person who can sign in; raises Conflict when the address is taken."""
    check_strength(password)
    address = email_address(email)
    if session.scalar(select(User.id).where(User.email == address)):
        raise Conflict("Somebody with this e-mail address has an account already.")
    user = User(
        id=new_id(now),
        email=address,
        name=display_name(name),
        password_hash=hash_password(password),
        is_active=True,
        created_at=now,
    )
    session.add(user)
    session.flush()
    return user.id


def set_password(session: Session, user_id: UUID, password: str, now: datetime, keep: bytes = b"") -> None:
    """Give a user a new password and end the other sessions (all but the one with hash `keep`)."""
    check_strength(password)
    session.execute(update(User).where(User.id == user_id).values(password_hash=hash_password(password)))
    sessions.end_all(session, user_id, now, keep)


def set_active(session: Session, user_id: UUID, is_active: bool, now: datetime) -> None:
    """Disable a user everywhere (open sessions end at once), or let him in again."""
    session.execute(update(User).where(User.id == user_id).values(is_active=is_active))
    if not is_active:
        sessions.end_all(session, user_id, now)


def add_member(session: Session, company_id: UUID, user_id: UUID, role: Role) -> None:
    """Let a user into a company; raises Conflict when he is a member already."""
    if session.get(Membership, (company_id, user_id)):
        raise Conflict("This person is a member already; change the role in the list.")
    session.add(Membership(company_id=company_id, user_id=user_id, role=role))
    session.flush()


def change_role(session: Session, company_id: UUID, user_id: UUID, role: Role) -> None:
    """Change what a member may do; the last owner stays owner."""
    member = _member(session, company_id, user_id)
    if role != "owner":
        _keep_an_owner(session, company_id, member)
    member.role = role


def remove_member(session: Session, company_id: UUID, user_id: UUID) -> None:
    """Take a user out of a company; the last owner stays."""
    _keep_an_owner(session, company_id, _member(session, company_id, user_id))
    session.execute(
        delete(Membership).where(Membership.company_id == company_id, Membership.user_id == user_id)
    )


def _member(session: Session, company_id: UUID, user_id: UUID) -> Membership:
    # The lock on all of the company's owners makes two who demote each other take turns.
    session.execute(
        select(Membership.user_id)
        .where(Membership.company_id == company_id, Membership.role == "owner")
        .with_for_update()
    )
    member = session.get(Membership, (company_id, user_id), populate_existing=True)
    if member is None:
        raise NotFound("There is no such member.")
    return member


def _keep_an_owner(session: Session, company_id: UUID, leaving: Membership) -> None:
    owners = session.scalar(
        select(func.count()).where(Membership.company_id == company_id, Membership.role == "owner")
    )
    if leaving.role == "owner" and owners == 1:
        raise Conflict("A company needs an owner; make somebody else owner first.")


def _origins(origins: list[str]) -> list[str]:
    found = list(dict.fromkeys(site_origin(origin) for origin in origins if origin.strip()))
    if not 1 <= len(found) <= 50:
        raise BadInput("Name at least one origin of the website, such as https://www.example.it.")
    return found
