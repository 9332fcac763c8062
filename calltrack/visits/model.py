"""Visits and page views, partitioned by month of their time-ordered id.

A visitor is an id kept by the browser; what we know of him are his visits, so he has no row of his own.
No foreign key points at these tables: a forgotten month is detached and dropped in an instant.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

PARTITIONED = {"postgresql_partition_by": "RANGE (id)"}


class Visit(Base):
    """One session of a visitor on a site, with the touch that brought him."""

    __tablename__ = "visit"
    __table_args__ = (Index("ix_visit_visitor", "company_id", "visitor_id"), PARTITIONED)
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visitor_id: Mapped[UUID]
    site_id: Mapped[UUID]
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    source: Mapped[str]
    medium: Mapped[str]
    campaign: Mapped[str]
    term: Mapped[str]
    content: Mapped[str]
    click_ids: Mapped[dict[str, Any]]
    ad_cookies: Mapped[dict[str, Any]]
    referrer: Mapped[str]
    landing_url: Mapped[str]
    consent: Mapped[dict[str, Any] | None]
    user_agent: Mapped[str]
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    # What tells how likely it is to call. device: mobile, tablet, desktop, or '' (it did not say).
    device: Mapped[str] = mapped_column(server_default=text("''"))
    is_returning: Mapped[bool] = mapped_column(server_default=text("false"))
    # How long its pages were visible, as its browser told; never longer than the visit.
    visible_ms: Mapped[int] = mapped_column(server_default=text("0"))
    saw_contact: Mapped[bool] = mapped_column(server_default=text("false"))
    # ISO 3166-2 (`IT-25`), as a proxy of ours said when it began; None: nobody said.
    region: Mapped[str | None]


class PageView(Base):
    """A page a visit looked at (origin and path only)."""

    __tablename__ = "page_view"
    __table_args__ = (Index("ix_page_view_visit", "company_id", "visit_id"), PARTITIONED)
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID]
    at: Mapped[datetime]
    page: Mapped[str]
    title: Mapped[str]
    # contact: the page is there to be called from; else ''.
    kind: Mapped[str] = mapped_column(server_default=text("''"))


class VisitorPhone(Base):
    """A phone number a visitor typed into a form, with consent; `phone` seals it (`visitor_phone.phone`)."""

    __tablename__ = "visitor_phone"
    __table_args__ = (
        UniqueConstraint("company_id", "visitor_id", "phone_hash"),
        Index("ix_visitor_phone_hash", "company_id", "phone_hash"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visitor_id: Mapped[UUID]
    visit_id: Mapped[UUID]
    phone_hash: Mapped[bytes]
    phone: Mapped[bytes]
    told_at: Mapped[datetime]


class VisitorEmail(Base):
    """An e-mail address a visitor typed into a form, with consent; sealed (`visitor_email.email`)."""

    __tablename__ = "visitor_email"
    __table_args__ = (
        UniqueConstraint("company_id", "visitor_id", "email_hash"),
        Index("ix_visitor_email_hash", "company_id", "email_hash"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    visitor_id: Mapped[UUID]
    visit_id: Mapped[UUID]
    email_hash: Mapped[bytes]
    email: Mapped[bytes]
    told_at: Mapped[datetime]


class InstallCheck(Base):
    """A look at how the snippet stands on a page: as our server read it, as a browser met it, from inside it.

    `seen` grows by what the edge answered the marked page view; `fetched` and `inside` come once.
    """

    __tablename__ = "install_check"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "site_id"], ["site.company_id", "site.id"], ondelete="CASCADE"),
        Index("ix_install_check_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    page: Mapped[str]
    asked_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    fetched: Mapped[dict[str, Any] | None]
    seen: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    inside: Mapped[dict[str, Any] | None]
    # When a worker reads the page; none once it was read.
    due_at: Mapped[datetime | None]


class SnippetBuild(Base):
    """A build of the snippet that was served (a table of no tenant); `version` is made of its bytes."""

    __tablename__ = "snippet_build"
    version: Mapped[str] = mapped_column(primary_key=True)
    script: Mapped[bytes]
    first_served_at: Mapped[datetime]
    last_served_at: Mapped[datetime]
