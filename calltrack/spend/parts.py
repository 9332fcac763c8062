"""Stores what ad groups and keywords cost by day; the same again changes nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.kernel.ids import new_id
from calltrack.spend.currencies import convert
from calltrack.spend.model import SpendAccount
from calltrack.spend.told import Days, PartTold

# So many rows go to the database in one statement.
AT_ONCE: Final = 20_000


def keep_parts(
    session: Session, account: SpendAccount, days: Days, rows: Sequence[PartTold], now: datetime
) -> int:
    """Store all parts' costs of some days; returns how many days of parts are new or changed.

    What is named no more cost nothing. Parts of campaigns we do not know are left out: their campaign is
    read first.
    """
    here: dict[str, Any] = {"company_id": account.company_id, "account_id": account.id}
    changed = 0
    for start in range(0, len(rows), AT_ONCE):
        changed += _keep(session, here, rows[start : start + AT_ONCE], now)
    told = {
        **here, "first": days.first, "last": days.last, "days": [row.day for row in rows],
        "campaigns": [row.campaign_id for row in rows], "groups": [row.ad_group_id for row in rows],
        "criteria": [row.criterion_id for row in rows],
    }  # fmt: skip
    changed += len(session.execute(_GONE, told).all())
    if changed:
        convert(session, account.company_id, account.id)
    return changed


def _keep(session: Session, here: dict[str, Any], rows: Sequence[PartTold], now: datetime) -> int:
    parts = {(row.campaign_id, row.ad_group_id, row.criterion_id): row for row in rows}
    session.execute(
        _PARTS,
        here
        | {
            "uuids": [new_id(now) for _ in parts], "campaigns": [row.campaign_id for row in parts.values()],
            "groups": [row.ad_group_id for row in parts.values()],
            "names": [row.ad_group for row in parts.values()],
            "criteria": [row.criterion_id for row in parts.values()],
            "keywords": [row.keyword for row in parts.values()],
            "types": [row.match_type for row in parts.values()],
        },
    )  # fmt: skip
    written = session.execute(
        _DAYS,
        here
        | {
            "campaigns": [row.campaign_id for row in rows], "groups": [row.ad_group_id for row in rows],
            "criteria": [row.criterion_id for row in rows], "days": [row.day for row in rows],
            "costs": [row.cost_micros for row in rows], "clicks": [row.clicks for row in rows],
            "impressions": [row.impressions for row in rows],
        },
    )  # fmt: skip
    return len(written.all())


_CAMPAIGN = """
    JOIN spend_campaign c
      ON c.company_id = :company_id AND c.account_id = :account_id AND c.external_id = t.campaign
"""
_PARTS = text(
    f"""
    INSERT INTO spend_part AS p (company_id, id, campaign_id, ad_group_id, ad_group, criterion_id, keyword,
                                 match_type)
    SELECT :company_id, t.uuid, c.id, t.ad_group_id, t.name, t.criterion, t.keyword, t.type
    FROM unnest(CAST(:uuids AS uuid[]), CAST(:campaigns AS text[]), CAST(:groups AS text[]),
                CAST(:names AS text[]), CAST(:criteria AS text[]), CAST(:keywords AS text[]),
                CAST(:types AS text[])) AS t(uuid, campaign, ad_group_id, name, criterion, keyword, type)
    {_CAMPAIGN}
    ON CONFLICT (company_id, campaign_id, ad_group_id, criterion_id) DO UPDATE
    SET ad_group = excluded.ad_group, keyword = excluded.keyword, match_type = excluded.match_type
    WHERE (p.ad_group, p.keyword, p.match_type)
          IS DISTINCT FROM (excluded.ad_group, excluded.keyword, excluded.match_type)
    """  # noqa: S608 (a constant)
)
_DAYS = text(
    f"""
    INSERT INTO spend_part_day AS d (company_id, part_id, day, cost_micros, clicks, impressions)
    SELECT :company_id, p.id, t.day, t.cost, t.clicks, t.impressions
    FROM unnest(CAST(:campaigns AS text[]), CAST(:groups AS text[]), CAST(:criteria AS text[]),
                CAST(:days AS date[]), CAST(:costs AS bigint[]), CAST(:clicks AS bigint[]),
                CAST(:impressions AS bigint[]))
         AS t(campaign, ad_group_id, criterion, day, cost, clicks, impressions)
    {_CAMPAIGN}
    JOIN spend_part p ON p.company_id = c.company_id AND p.campaign_id = c.id
                     AND p.ad_group_id = t.ad_group_id AND p.criterion_id = t.criterion
    ON CONFLICT (company_id, part_id, day) DO UPDATE
    SET cost_micros = excluded.cost_micros, clicks = excluded.clicks, impressions = excluded.impressions,
        cost_minor = CASE WHEN d.cost_micros = excluded.cost_micros THEN d.cost_minor END
    WHERE (d.cost_micros, d.clicks, d.impressions)
          IS DISTINCT FROM (excluded.cost_micros, excluded.clicks, excluded.impressions)
    RETURNING d.part_id
    """  # noqa: S608 (a constant)
)
_GONE = text(
    """
    DELETE FROM spend_part_day d USING spend_part p, spend_campaign c
    WHERE c.company_id = :company_id AND c.account_id = :account_id
      AND p.company_id = c.company_id AND p.campaign_id = c.id
      AND d.company_id = p.company_id AND d.part_id = p.id AND d.day BETWEEN :first AND :last
      AND NOT EXISTS (
        SELECT 1 FROM unnest(CAST(:campaigns AS text[]), CAST(:groups AS text[]), CAST(:criteria AS text[]),
                             CAST(:days AS date[])) t(campaign, ad_group_id, criterion, day)
        WHERE t.campaign = c.external_id AND t.ad_group_id = p.ad_group_id
          AND t.criterion = p.criterion_id AND t.day = d.day)
    RETURNING d.part_id
    """
)
