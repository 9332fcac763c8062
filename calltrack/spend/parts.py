"""Stores what ad groups and keywords cost by day; the same again changes nothing."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.kernel.ids import new_id
from calltrack.spend.currencies import rates_of
from calltrack.spend.days import campaign_ids
from calltrack.spend.model import SpendAccount
from calltrack.spend.shares import share_out, write_costs
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
    write_costs(session, account.company_id)
    campaigns = campaign_ids(session, account)
    known = [row for row in rows if row.campaign_id in campaigns]
    parts = _keep_names(session, account, campaigns, known, now)
    rates = rates_of(session, account.company_id, account.id)
    here: dict[str, Any] = {"company_id": account.company_id, "power": rates.power}
    changed: set[tuple[UUID, date]] = set()
    for start in range(0, len(known), AT_ONCE):
        some = known[start : start + AT_ONCE]
        told = {
            **here, "ids": [parts[_key(row, campaigns)] for row in some], "days": [row.day for row in some],
            "costs": [row.cost_micros for row in some], "clicks": [row.clicks for row in some],
            "impressions": [row.impressions for row in some], "rates": [rates.on(row.day) for row in some],
        }  # fmt: skip
        changed |= {(row.part_id, row.day) for row in session.execute(_DAYS, told)}
    named = {(parts[_key(row, campaigns)], row.day) for row in known}
    stood = session.execute(_STOOD, {**here, "first": days.first, "last": days.last})
    ours = set(parts.values())
    gone = [
        (row.part_id, row.day) for row in stood if row.part_id in ours and (row.part_id, row.day) not in named
    ]
    if gone:
        pairs = {"ids": [id_ for id_, _ in gone], "days": [day for _, day in gone]}
        session.execute(_FORGET, {**here, **pairs})
    changed |= set(gone)
    whose = {id_: key[0] for key, id_ in parts.items()}
    share_out(session, account.company_id, {whose[id_] for id_, _ in changed}, {day for _, day in changed})
    return len(changed)


Key = tuple[UUID, str, str]


def _key(row: PartTold, campaigns: Mapping[str, UUID]) -> Key:
    return campaigns[row.campaign_id], row.ad_group_id, row.criterion_id


def _keep_names(
    session: Session,
    account: SpendAccount,
    campaigns: Mapping[str, UUID],
    rows: Sequence[PartTold],
    now: datetime,
) -> dict[Key, UUID]:
    """Store ad groups and keywords; returns our id of each part of the account."""
    told = list({_key(row, campaigns): row for row in rows}.values())
    for start in range(0, len(told), AT_ONCE):
        some = told[start : start + AT_ONCE]
        session.execute(
            _PARTS,
            {
                "company_id": account.company_id, "uuids": [new_id(now) for _ in some],
                "campaigns": [campaigns[row.campaign_id] for row in some],
                "groups": [row.ad_group_id for row in some], "names": [row.ad_group for row in some],
                "criteria": [row.criterion_id for row in some], "keywords": [row.keyword for row in some],
                "types": [row.match_type for row in some],
            },
        )  # fmt: skip
    found = session.execute(_IDS, {"company_id": account.company_id, "campaigns": list(campaigns.values())})
    return {(row.campaign_id, row.ad_group_id, row.criterion_id): row.id for row in found}


_PARTS = text(
    """
    INSERT INTO spend_part AS p (company_id, id, campaign_id, ad_group_id, ad_group, criterion_id, keyword,
                                 match_type)
    SELECT :company_id, t.* FROM unnest(
        CAST(:uuids AS uuid[]), CAST(:campaigns AS uuid[]), CAST(:groups AS text[]), CAST(:names AS text[]),
        CAST(:criteria AS text[]), CAST(:keywords AS text[]), CAST(:types AS text[])) AS t
    ON CONFLICT (company_id, campaign_id, ad_group_id, criterion_id) DO UPDATE
    SET ad_group = excluded.ad_group, keyword = excluded.keyword, match_type = excluded.match_type
    WHERE (p.ad_group, p.keyword, p.match_type)
          IS DISTINCT FROM (excluded.ad_group, excluded.keyword, excluded.match_type)
    """
)
_IDS = text(
    """
    SELECT id, campaign_id, ad_group_id, criterion_id FROM spend_part
    WHERE company_id = :company_id AND campaign_id = ANY(CAST(:campaigns AS uuid[]))
    """
)
_DAYS = text(
    """
    INSERT INTO spend_part_day AS d (company_id, part_id, day, cost_micros, cost_minor, clicks, impressions)
    SELECT :company_id, t.id, t.day, t.cost, round(t.cost * t.rate * :power), t.clicks, t.impressions
    FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[]), CAST(:costs AS bigint[]),
                CAST(:clicks AS bigint[]), CAST(:impressions AS bigint[]), CAST(:rates AS numeric[]))
         AS t(id, day, cost, clicks, impressions, rate)
    ON CONFLICT (company_id, part_id, day) DO UPDATE
    SET cost_micros = excluded.cost_micros, cost_minor = excluded.cost_minor, clicks = excluded.clicks,
        impressions = excluded.impressions
    WHERE (d.cost_micros, d.clicks, d.impressions)
          IS DISTINCT FROM (excluded.cost_micros, excluded.clicks, excluded.impressions)
    RETURNING d.part_id, d.day
    """
)
_STOOD = text(
    "SELECT part_id, day FROM spend_part_day WHERE company_id = :company_id AND day BETWEEN :first AND :last"
)
_FORGET = text(
    """
    DELETE FROM spend_part_day d USING unnest(CAST(:ids AS uuid[]), CAST(:days AS date[])) t(id, day)
    WHERE d.company_id = :company_id AND d.part_id = t.id AND d.day = t.day
    """
)
