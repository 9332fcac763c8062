"""What pages and the API read of accounts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.model import (
    ApiKey,
    AuditEntry,
    Company,
    Location,
    LoginSession,
    Membership,
    Site,
    User,
)
from calltrack.accounts.rules import CompanySettings, settings_of
from calltrack.infra.db import Database


@dataclass(frozen=True)
class CompanyRow:
    """A company as its members know it."""

    id: UUID
    name: str
    country: str
    timezone: str
    currency: str
    is_demo: bool
    settings: CompanySettings


@dataclass(frozen=True)
class Choice:
    """A company a user may switch to."""

    id: UUID
    name: str
    role: str
    is_demo: bool


@dataclass(frozen=True)
class LocationRow:
    """A branch and how its calls are put through."""

    id: UUID
    name: str
    city: str
    forward_to: str
    ring_seconds: int
    announcement: str
    language: str
    whisper: bool
    voicemail: bool
    record: bool


@dataclass(frozen=True)
class SiteRow:
    """A website and its public key."""

    id: UUID
    name: str
    key: str
    origins: tuple[str, ...]


@dataclass(frozen=True)
class MemberRow:
    """Somebody who may see the company."""

    user_id: UUID
    name: str
    email: str
    role: str
    is_active: bool


@dataclass(frozen=True)
class KeyRow:
    """An API key without its secret."""

    id: UUID
    name: str
    role: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class LoginRow:
    """A signed-in browser of a user."""

    token_hash: bytes
    created_at: datetime
    last_seen_at: datetime
    user_agent: str


@dataclass(frozen=True)
class AuditRow:
    """A line of the audit trail."""

    id: UUID
    at: datetime
    actor: str
    action: str
    subject: str


def companies_of(db: Database, user_id: UUID) -> tuple[Choice, ...]:
    """Return the companies a user belongs to, by name."""
    with db.system() as session:
        rows = session.execute(
            select(Company.id, Company.name, Membership.role, Company.is_demo)
            .join(Membership, Membership.company_id == Company.id)
            .where(Membership.user_id == user_id)
            .order_by(Company.name, Company.id)
        )
        return tuple(Choice(*row) for row in rows)


def company_as(session: Session, company_id: UUID, user_id: UUID) -> tuple[CompanyRow, str] | None:
    """Return the company and the user's role in it; None when it is not his or does not exist."""
    row = session.execute(
        select(Company, Membership.role)
        .join(Membership, Membership.company_id == Company.id)
        .where(Company.id == company_id, Membership.user_id == user_id)
    ).one_or_none()
    return (company_row(row[0]), row[1]) if row else None


def company(session: Session, company_id: UUID) -> CompanyRow | None:
    """Return a company (no membership asked: for machines that proved their right otherwise)."""
    found = session.get(Company, company_id)
    return company_row(found) if found else None


def company_row(found: Company) -> CompanyRow:
    """Return the frozen row of a company."""
    return CompanyRow(
        found.id,
        found.name,
        found.country,
        found.timezone,
        found.currency,
        found.is_demo,
        settings_of(found.settings),
    )


def locations(session: Session, company_id: UUID) -> tuple[LocationRow, ...]:
    """Return the company's locations by name."""
    rows = session.execute(
        select(
            Location.id,
            Location.name,
            Location.city,
            Location.forward_to,
            Location.ring_seconds,
            Location.announcement,
            Location.language,
            Location.whisper,
            Location.voicemail,
            Location.record,
        )
        .where(Location.company_id == company_id)
        .order_by(Location.name, Location.id)
    )
    return tuple(LocationRow(**row._mapping) for row in rows)


def sites(session: Session, company_id: UUID) -> tuple[SiteRow, ...]:
    """Return the company's websites by name."""
    rows = session.execute(
        select(Site.id, Site.name, Site.key, Site.origins)
        .where(Site.company_id == company_id)
        .order_by(Site.name, Site.id)
    )
    return tuple(SiteRow(row.id, row.name, row.key, tuple(row.origins)) for row in rows)


def members(session: Session, company_id: UUID) -> tuple[MemberRow, ...]:
    """Return who belongs to the company, by name."""
    rows = session.execute(
        select(User.id, User.name, User.email, Membership.role, User.is_active)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.company_id == company_id)
        .order_by(User.name, User.id)
    )
    return tuple(MemberRow(*row) for row in rows)


def api_keys(session: Session, company_id: UUID) -> tuple[KeyRow, ...]:
    """Return the company's API keys, newest first."""
    rows = session.execute(
        select(
            ApiKey.id,
            ApiKey.name,
            ApiKey.role,
            ApiKey.prefix,
            ApiKey.created_at,
            ApiKey.last_used_at,
            ApiKey.revoked_at,
        )
        .where(ApiKey.company_id == company_id)
        .order_by(ApiKey.id.desc())
    )
    return tuple(KeyRow(*row) for row in rows)


def open_logins(session: Session, user_id: UUID, now: datetime) -> tuple[LoginRow, ...]:
    """Return a user's sessions that have not ended, last used first."""
    rows = session.execute(
        select(
            LoginSession.token_hash,
            LoginSession.created_at,
            LoginSession.last_seen_at,
            LoginSession.user_agent,
        )
        .where(
            LoginSession.user_id == user_id, LoginSession.ended_at.is_(None), LoginSession.expires_at > now
        )
        .order_by(LoginSession.last_seen_at.desc())
        .limit(50)
    )
    return tuple(LoginRow(*row) for row in rows)


def audit_trail(
    session: Session, company_id: UUID, most: int = 50, before: UUID | None = None
) -> tuple[AuditRow, ...]:
    """Return the newest lines of the audit trail, or those that are older than a line."""
    query = select(
        AuditEntry.id, AuditEntry.at, AuditEntry.actor, AuditEntry.action, AuditEntry.subject
    ).where(AuditEntry.company_id == company_id)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    rows = session.execute(query.order_by(AuditEntry.id.desc()).limit(most))
    return tuple(AuditRow(*row) for row in rows)
