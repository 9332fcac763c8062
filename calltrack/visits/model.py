"""Visits and page views, partitioned by month of their time-ordered id.

A visitor is an id kept by the browser; what we know of him are his visits, so he has no row of his own.
No foreign key points at these tables: a forgotten month is detached and dropped in an instant.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
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
