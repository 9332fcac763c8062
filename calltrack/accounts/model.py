"""Who is who: agencies and users (of no tenant), companies and what belongs to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class Agency(Base):
    """Somebody who looks after companies; a company on its own has an agency of one."""

    __tablename__ = "agency"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class Company(Base):
    """A tenant. `settings` holds the fields of `accounts.rules.CompanySettings`."""

    __tablename__ = "company"
    __table_args__ = (Index("ix_company_agency_id", "agency_id"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    agency_id: Mapped[UUID] = mapped_column(ForeignKey("agency.id"))
    name: Mapped[str]
    country: Mapped[str]
    timezone: Mapped[str]
    currency: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]


class User(Base):
    """A person who signs in; may belong to many companies through memberships."""

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("email"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime]


class LoginSession(Base):
    """A signed-in browser; the cookie holds the token, this row only its hash."""

    __tablename__ = "login_session"
    __table_args__ = (Index("ix_login_session_user_id", "user_id"),)
    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    user_agent: Mapped[str]


class Membership(Base):
    """What a user may do in a company: owner, manager or viewer."""

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint("role IN ('owner', 'manager', 'viewer')", name="role"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    role: Mapped[str]


class ApiKey(Base):
    """A key for programs: `ctk_<company><key id>_<secret>`; only the secret's hash is kept."""

    __tablename__ = "api_key"
    __table_args__ = (CheckConstraint("role IN ('owner', 'manager', 'viewer')", name="role"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Location(Base):
    """A branch that answers the phone, and how its calls are put through."""

    __tablename__ = "location"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    city: Mapped[str]
    # The business's own line: where calls are put through, and the number written on the page.
    forward_to: Mapped[str]
    ring_seconds: Mapped[int] = mapped_column(server_default=text("18"))
    announcement: Mapped[str] = mapped_column(server_default=text("''"))
    language: Mapped[str] = mapped_column(server_default=text("'it-IT'"))
    whisper: Mapped[bool] = mapped_column(server_default=text("true"))
    voicemail: Mapped[bool] = mapped_column(server_default=text("true"))
    record: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]


class Site(Base):
    """A website that carries the snippet. `key` is the 128-bit public key in its tag."""

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("company_id", "key"), Index("ix_site_key", "key"))
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    key: Mapped[str]
    # Browser origins that may use the key, such as https://www.example.it
    origins: Mapped[list[str]]
    created_at: Mapped[datetime]


class CarrierAccount(Base):
    """Where a company's numbers live at the carrier; the token is sealed (`carrier_account.auth_token`)."""

    __tablename__ = "carrier_account"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    carrier: Mapped[str] = mapped_column(server_default=text("'twilio'"))
    account_sid: Mapped[str]
    auth_token: Mapped[bytes]
    created_at: Mapped[datetime]


class SipLogin(Base):
    """What a telephone system asks before it takes calls; the password is sealed (`sip_login.password`)."""

    __tablename__ = "sip_login"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    host: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    username: Mapped[str]
    password: Mapped[bytes]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]


class AuditEntry(Base):
    """Who did what, when: insert-only for the app's role."""

    __tablename__ = "audit_entry"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class IdempotencyKey(Base):
    """An API request that was answered: the same key with the same body gets the same answer again."""

    __tablename__ = "idempotency_key"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    status: Mapped[int]
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
