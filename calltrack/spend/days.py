"""Stores what was spent: campaigns, their days, and what was told otherwise before.

One transaction of the caller's holds all of an answer, so a fault leaves no half of it. The same again
changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.kernel.ids import new_id
from calltrack.spend.currencies import rates_of
from calltrack.spend.model import SpendAccount
from calltrack.spend.shares import share_out, write_costs
from calltrack.spend.told import CampaignTold, DayTold, Spent


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the told days."""

    new: int = 0
    changed: int = 0
    same: int = 0


def keep_spent(session: Session, account: SpendAccount, spent: Spent, now: datetime) -> Kept:
    """Store all that an account spent in some days; a day that is named no more cost nothing."""
    keep_campaigns(session, account, spent.campaigns, now)
    named = {(row.campaign_id, row.day) for row in spent.rows}
    known = session.execute(
        _KNOWN,
        {
            "company_id": account.company_id, "account_id": account.id, "first": spent.days.first,
            "last": spent.days.last,
        },
    )  # fmt: skip
    gone = [DayTold(row.external_id, row.day, 0) for row in known if (row.external_id, row.day) not in named]
    return keep_days(session, account, [*spent.rows, *gone], now, grows=True)


def keep_campaigns(
    session: Session, account: SpendAccount, campaigns: Sequence[CampaignTold], now: datetime
) -> None:
    """Store campaigns under their ids; names and budgets follow what is told, matches stay."""
    unique = {one.external_id: one for one in campaigns}
    if not unique:
        return
    told = list(unique.values())
    write_costs(session, account.company_id)
    session.execute(
        _CAMPAIGNS,
        {
            "company_id": account.company_id, "account_id": account.id,
            "uuids": [new_id(now) for _ in told], "ids": [one.external_id for one in told],
            "names": [one.name for one in told], "budgets": [one.budget_id for one in told],
            "micros": [one.budget_micros for one in told],
            "shared": [one.is_budget_shared for one in told],
            "keys": [one.campaign_key for one in told],
        },
    )  # fmt: skip


def keep_days(
    session: Session, account: SpendAccount, rows: Sequence[DayTold], now: datetime, *, grows: bool
) -> Kept:
    """Store days of known campaigns, in the place of what was told before; then convert the currency.

    With `grows` a day that was not over at the account's last look has only grown since; else every other
    figure than before is kept as a change.
    """
    write_costs(session, account.company_id)
    campaigns = campaign_ids(session, account)
    rows = [row for row in rows if row.campaign_id in campaigns]
    if not rows:
        return Kept()
    rates = rates_of(session, account.company_id, account.id)
    given: dict[str, Any] = {
        "company_id": account.company_id, "now": now, "grows": grows, "zone": account.timezone,
        "looked": account.read_at, "power": rates.power,
        "ids": [campaigns[row.campaign_id] for row in rows], "days": [row.day for row in rows],
        "costs": [row.cost_micros for row in rows], "clicks": [row.clicks for row in rows],
        "impressions": [row.impressions for row in rows], "rates": [rates.on(row.day) for row in rows],
    }  # fmt: skip
    session.execute(_CHANGES, given)
    written = session.execute(_DAYS, given).all()
    changed, days = {row.campaign_id for row in written}, {row.day for row in written}
    share_out(session, account.company_id, changed, days)
    new = sum(row.is_new for row in written)
    return Kept(new, len(written) - new, len(rows) - len(written))


def campaign_ids(session: Session, account: SpendAccount) -> dict[str, UUID]:
    """Return our id of each campaign of an account by the platform's."""
    rows = session.execute(
        text(
            "SELECT external_id, id FROM spend_campaign WHERE company_id = :company_id AND account_id = :id"
        ),
        {"company_id": account.company_id, "id": account.id},
    )
    return {row.external_id: row.id for row in rows}


_CAMPAIGNS = text(
    """
    INSERT INTO spend_campaign AS c (company_id, id, account_id, external_id, name, campaign_key, matched_by,
                                     budget_id, budget_micros, is_budget_shared)
    SELECT :company_id, t.uuid, :account_id, t.id, t.name, t.key, CASE t.key WHEN '' THEN '' ELSE 'id' END,
           t.budget, t.micros, t.shared
    FROM unnest(CAST(:uuids AS uuid[]), CAST(:ids AS text[]), CAST(:names AS text[]),
                CAST(:budgets AS text[]), CAST(:micros AS bigint[]), CAST(:shared AS boolean[]),
                CAST(:keys AS text[]))
         AS t(uuid, id, name, budget, micros, shared, key)
    ON CONFLICT (company_id, account_id, external_id) DO UPDATE
    SET name = excluded.name, budget_id = excluded.budget_id, budget_micros = excluded.budget_micros,
        is_budget_shared = excluded.is_budget_shared,
        campaign_key = CASE WHEN excluded.campaign_key = '' OR c.matched_by = 'person'
                            THEN c.campaign_key ELSE excluded.campaign_key END,
        matched_by = CASE WHEN excluded.campaign_key = '' OR c.matched_by = 'person'
                          THEN c.matched_by ELSE 'id' END
    WHERE (c.name, c.budget_id, c.budget_micros, c.is_budget_shared)
          IS DISTINCT FROM (excluded.name, excluded.budget_id, excluded.budget_micros,
                            excluded.is_budget_shared)
       OR excluded.campaign_key NOT IN ('', c.campaign_key)
    """
)
# Each row is looked up by the primary key, whatever the planner thinks of a table that was just empty.
_CHANGES = text(
    """
    INSERT INTO spend_change (company_id, campaign_id, day, seen_at, old_cost_micros, new_cost_micros,
                              old_clicks, new_clicks, old_impressions, new_impressions)
    SELECT :company_id, t.id, t.day, :now, d.cost_micros, t.cost, d.clicks, t.clicks,
           d.impressions, t.impressions
    FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[]), CAST(:costs AS bigint[]),
                CAST(:clicks AS bigint[]), CAST(:impressions AS bigint[]))
         AS t(id, day, cost, clicks, impressions)
    CROSS JOIN LATERAL (
        SELECT * FROM spend_day one
        WHERE one.company_id = (SELECT :company_id) AND one.campaign_id = t.id AND one.day = t.day LIMIT 1) d
    WHERE (d.cost_micros, d.clicks, d.impressions) IS DISTINCT FROM (t.cost, t.clicks, t.impressions)
      -- A day that was last read before it was over has only grown: that is no restatement.
      AND (NOT :grows OR (CAST(:looked AS timestamptz) AT TIME ZONE :zone)::date > t.day)
    ON CONFLICT DO NOTHING
    """
)
_DAYS = text(
    """
    INSERT INTO spend_day AS d (company_id, campaign_id, day, cost_micros, cost_minor, clicks, impressions,
                                read_at)
    SELECT :company_id, t.id, t.day, t.cost, round(t.cost * t.rate * :power), t.clicks, t.impressions, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[]), CAST(:costs AS bigint[]),
                CAST(:clicks AS bigint[]), CAST(:impressions AS bigint[]), CAST(:rates AS numeric[]))
         AS t(id, day, cost, clicks, impressions, rate)
    ON CONFLICT (company_id, campaign_id, day) DO UPDATE
    SET cost_micros = excluded.cost_micros, cost_minor = excluded.cost_minor, clicks = excluded.clicks,
        impressions = excluded.impressions, read_at = excluded.read_at
    WHERE (d.cost_micros, d.clicks, d.impressions)
          IS DISTINCT FROM (excluded.cost_micros, excluded.clicks, excluded.impressions)
    RETURNING d.campaign_id, d.day, (xmax = 0) AS is_new
    """
)
_KNOWN = text(
    """
    SELECT c.external_id, d.day FROM spend_campaign c
    CROSS JOIN LATERAL (
        SELECT one.day FROM spend_day one
        WHERE one.company_id = c.company_id AND one.campaign_id = c.id AND one.day BETWEEN :first AND :last
          AND (one.cost_micros, one.clicks, one.impressions) IS DISTINCT FROM (0, 0, 0)
        OFFSET 0) d
    WHERE c.company_id = :company_id AND c.account_id = :account_id
    """
)
