"""What was spent, for reports and budgets: by campaign, and by campaign and day or week.

Costs are minor units of the company's currency at each day's rate. Days without a rate cost something that is
not in the sum: `days_without_rate` counts them, and who shows a sum says so.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class CampaignSpend:
    """What a campaign cost in a stretch of days. `campaign_key` is empty where nothing matched it."""

    campaign_id: UUID
    account_id: UUID
    account: str
    platform: str
    name: str
    campaign_key: str
    cost_minor: int
    clicks: int
    impressions: int
    days_without_rate: int


@dataclass(frozen=True, slots=True)
class DatedSpend:
    """The same for one day, or for the week that begins on this Monday."""

    day: date
    campaign_id: UUID
    campaign_key: str
    cost_minor: int
    clicks: int
    impressions: int
    days_without_rate: int


@dataclass(frozen=True, slots=True)
class PartSpend:
    """What an ad group (empty keyword) or a keyword cost in a stretch of days."""

    campaign_id: UUID
    campaign: str
    campaign_key: str
    ad_group_id: str
    ad_group: str
    keyword: str
    match_type: str
    cost_minor: int
    clicks: int
    impressions: int
    days_without_rate: int


def spend_by_campaign(
    session: Session, company_id: UUID, first_day: date, last_day: date
) -> tuple[CampaignSpend, ...]:
    """Return each campaign with figures in these days, both included; the dearest first."""
    rows = session.execute(_BY_CAMPAIGN, _given(company_id, first_day, last_day))
    return tuple(CampaignSpend(**row._mapping) for row in rows)


def spend_by_day(
    session: Session, company_id: UUID, first_day: date, last_day: date, *, most: int | None = None
) -> tuple[DatedSpend, ...]:
    """Return each campaign's figures of each day, by day; at most so many rows."""
    rows = session.execute(_BY_DAY, {**_given(company_id, first_day, last_day), "most": most})
    return tuple(DatedSpend(**row._mapping) for row in rows)


def spend_by_week(
    session: Session, company_id: UUID, first_day: date, last_day: date
) -> tuple[DatedSpend, ...]:
    """Return each campaign's figures of each week, under its Monday; only days of the stretch are in it."""
    rows = session.execute(_BY_WEEK, _given(company_id, first_day, last_day))
    return tuple(DatedSpend(**row._mapping) for row in rows)


def spend_by_part(
    session: Session,
    company_id: UUID,
    first_day: date,
    last_day: date,
    *,
    keywords: bool,
    most: int | None = None,
) -> tuple[PartSpend, ...]:
    """Return the figures of ad groups, or of keywords; the dearest first, at most so many."""
    given = {**_given(company_id, first_day, last_day), "keywords": keywords, "most": most}
    return tuple(PartSpend(**row._mapping) for row in session.execute(_BY_PART, given))


def _given(company_id: UUID, first_day: date, last_day: date) -> dict[str, Any]:
    return {"company_id": company_id, "first": first_day, "last": last_day}


_SUMS = """
    COALESCE(sum(d.cost_minor), 0)::bigint AS cost_minor, sum(d.clicks)::bigint AS clicks,
    sum(d.impressions)::bigint AS impressions,
    count(*) FILTER (WHERE d.cost_minor IS NULL AND d.cost_micros <> 0) AS days_without_rate
"""
_IN_DAYS = "d.company_id = :company_id AND d.day BETWEEN :first AND :last"
_BY_CAMPAIGN = text(
    f"""
    SELECT c.id AS campaign_id, a.id AS account_id, a.name AS account, a.platform, c.name, c.campaign_key,
           s.cost_minor, s.clicks, s.impressions, s.days_without_rate
    FROM (SELECT d.campaign_id, {_SUMS} FROM spend_day d WHERE {_IN_DAYS} GROUP BY d.campaign_id) s
    JOIN spend_campaign c ON c.company_id = :company_id AND c.id = s.campaign_id
    JOIN spend_account a ON a.company_id = c.company_id AND a.id = c.account_id
    ORDER BY s.cost_minor DESC, c.name, c.id
    """  # noqa: S608 (constants)
)
_BY_DAY = text(
    f"""
    SELECT d.day, c.id AS campaign_id, c.campaign_key, {_SUMS}
    FROM spend_day d JOIN spend_campaign c ON c.company_id = d.company_id AND c.id = d.campaign_id
    WHERE {_IN_DAYS} GROUP BY d.day, c.id, c.campaign_key ORDER BY d.day, c.id LIMIT :most
    """  # noqa: S608 (constants)
)
_BY_WEEK = text(
    f"""
    SELECT date_trunc('week', d.day)::date AS day, c.id AS campaign_id, c.campaign_key, {_SUMS}
    FROM spend_day d JOIN spend_campaign c ON c.company_id = d.company_id AND c.id = d.campaign_id
    WHERE {_IN_DAYS} GROUP BY 1, c.id, c.campaign_key ORDER BY 1, c.id
    """  # noqa: S608 (constants)
)
_BY_PART = text(
    f"""
    SELECT c.id AS campaign_id, c.name AS campaign, c.campaign_key, p.ad_group_id, p.ad_group, p.keyword,
           p.match_type, s.cost_minor, s.clicks, s.impressions, s.days_without_rate
    FROM (SELECT d.part_id, {_SUMS} FROM spend_part_day d WHERE {_IN_DAYS} GROUP BY d.part_id) s
    JOIN spend_part p ON p.company_id = :company_id AND p.id = s.part_id
                     AND (p.criterion_id <> '') = :keywords
    JOIN spend_campaign c ON c.company_id = p.company_id AND c.id = p.campaign_id
    ORDER BY s.cost_minor DESC, p.ad_group, p.keyword, p.id LIMIT :most
    """  # noqa: S608 (constants)
)
