"""What the demo's advertising cost by day, and what each campaign earned: what the budget pages tell of.

A day's cost follows its visits: a click has its price, more or less. Credits are counted from the
seeded verdicts, in parts where a call's campaign is not certain. The billboard is a fixed sum a day.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.budgets.making import advise_now
from calltrack.budgets.months import add_pace, is_watched
from calltrack.budgets.weekly import spent_by_day
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key
from calltrack.sandbox.history_world import ROME_TIME, Visited
from calltrack.sandbox.platforms.accounts import CUSTOMER_ID, META_DATASET_ID, MICROSOFT_ACCOUNT_ID
from calltrack.sandbox.platforms.google_ads_budgets import budget_of
from calltrack.spend.model import SpendAccount, SpendCampaign, SpendDay
from calltrack.wiring import Services

CHUNK: Final = 2000
PAST_WEEKS: Final = 6


@dataclass(frozen=True)
class Bought:
    """A campaign of the demo: its number and name at the platform, the word in visits, the cost of a click.

    `daily_micros` is a fixed sum a day in place of clicks.
    """

    platform: str
    id: str
    name: str
    source: str
    medium: str
    campaign: str
    click_micros: int = 0
    daily_micros: int = 0

    @property
    def key(self) -> str:
        """Return the campaign's word in visits; nothing for one that no visit names."""
        return campaign_key(self.source, self.medium, self.campaign) if self.campaign else ""


BOUGHT: Final = (
    Bought("google_ads", "21450000001", "Ricerca | Traslochi Roma", "google", "cpc", "traslochi-roma",
           2_200_000),
    Bought("google_ads", "21450000002", "Ricerca | Traslochi Milano", "google", "cpc", "traslochi-milano",
           2_600_000),
    Bought("google_ads", "21450000003", "preventivo-trasloco", "google", "cpc", "preventivo-trasloco",
           9_500_000),
    Bought("google_ads", "21450000004", "Marchio Aurelia", "google", "cpc", "marchio-aurelia", 4_000_000),
    Bought("google_ads", "21450000005", "Display | Prova creatività", "", "", "", daily_micros=3_000_000),
    Bought("meta", "120210000000000001", "Trasloco-Estate", "facebook", "paid_social", "trasloco-estate",
           4_400_000),
    Bought("microsoft", "512000001", "Traslochi-IT", "bing", "cpc", "traslochi-it", 2_000_000),
    Bought("manual", "tangenziale-est", "Tangenziale Est", "billboard", "offline", "Tangenziale Est",
           daily_micros=18_000_000),
)  # fmt: skip
ACCOUNTS: Final = {
    "google_ads": (CUSTOMER_ID, "Traslochi Aurelia", "google_data_manager"),
    "meta": (META_DATASET_ID, "Traslochi Aurelia", "meta"),
    "microsoft": (MICROSOFT_ACCOUNT_ID, "Traslochi Aurelia", "microsoft"),
    "manual": ("affissioni", "Affissioni", ""),
}


def write_spend(
    session: Session,
    company_id: UUID,
    visits: Iterable[Visited],
    kinds: dict[UUID, str],
    chance: Random,
    now: datetime,
) -> int:
    """Write accounts, campaigns, days and credits up to yesterday; returns how many days of campaigns.

    `kinds` are the connected destinations, whose access the accounts are read by.
    """
    clicks, first = _clicks(visits)
    if first is None:
        return 0
    today = now.astimezone(ROME_TIME).date()
    campaigns = _open(session, company_id, kinds, now)
    rows = []
    for offset in range((today - first).days):
        day = first + timedelta(days=offset)
        for one in BOUGHT:
            count = clicks[(one.key, day)]
            micros = _cost(one, count, chance)
            if micros:
                rows.append({
                    "company_id": company_id, "campaign_id": campaigns[one.id], "day": day,
                    "cost_micros": micros, "cost_minor": micros // 10_000, "clicks": count,
                    "impressions": count * 31, "read_at": now,
                })  # fmt: skip
    for start in range(0, len(rows), CHUNK):
        session.execute(insert(SpendDay).on_conflict_do_nothing(), rows[start : start + CHUNK])
    session.execute(_CREDIT, {"company_id": company_id, "today": today, "zone": ROME_TIME.key})
    return len(rows)


def tell_past(services: Services, company_id: UUID) -> None:
    """Let the demo be advised on the Mondays of its last weeks, and watch a monthly budget."""
    now = services.clock()
    monday = now - timedelta(days=now.astimezone(ROME_TIME).weekday())
    for weeks in range(PAST_WEEKS, -1, -1):
        at = min(monday - timedelta(weeks=weeks) + timedelta(hours=1), now)
        advise_now(replace(services, clock=lambda at=at: at), company_id)  # type: ignore[misc]  # bound at once
    with services.db.tenant(company_id) as session:
        first = now.date() - timedelta(days=30)
        month = sum(spent_by_day(session, company_id, first, now.date(), ()))
        if month and not is_watched(session, company_id):
            amount = round(month * 1.03 / 5_000) * 5_000
            add_pace(session, company_id, "Tutta la pubblicità", amount, (), now, by="calltrack")


def remove_spend(session: Session, company_id: UUID) -> int:
    """Take the demo's spend, its credits and what was advised from them away; returns how many rows."""
    gone = 0
    for table in ("budget_advice", "budget_pace", "campaign_credit_day", "spend_account"):
        statement = text(f"DELETE FROM {table} WHERE company_id = :company_id")  # noqa: S608 - names above
        result = session.execute(statement, {"company_id": company_id})
        gone += int(getattr(result, "rowcount", 0))
    return gone


def _clicks(visits: Iterable[Visited]) -> tuple[Counter[tuple[str, date]], date | None]:
    """Count visits by campaign and day, and name the first day; a visit of an ad is a click."""
    found: Counter[tuple[str, date]] = Counter()
    first = None
    for visit in visits:
        day, origin = visit.started_at.astimezone(ROME_TIME).date(), visit.origin
        found[(campaign_key(origin.source, origin.medium, origin.campaign), day)] += 1
        first = first or day
    return found, first


def _cost(one: Bought, clicks: int, chance: Random) -> int:
    """Return a day's cost in whole cents: clicks do not all cost the same."""
    micros = one.daily_micros or round(clicks * one.click_micros * chance.uniform(0.85, 1.15))
    return micros // 10_000 * 10_000


def _open(session: Session, company_id: UUID, kinds: dict[UUID, str], now: datetime) -> dict[str, UUID]:
    """Make accounts and campaigns that are not there yet; returns the campaigns' ids by number."""
    accounts = _accounts(session, company_id, kinds, now)
    known = {
        (row.account_id, row.external_id): row.id
        for row in session.scalars(select(SpendCampaign).where(SpendCampaign.company_id == company_id))
    }
    found = {}
    for one in BOUGHT:
        account_id = accounts[one.platform]
        found[one.id] = known.get((account_id, one.id)) or new_id(now)
        if (account_id, one.id) in known:
            continue
        budget = budget_of(one.id) if one.platform == "google_ads" else None
        session.add(
            SpendCampaign(
                company_id=company_id, id=found[one.id], account_id=account_id, external_id=one.id,
                name=one.name, campaign_key=one.key, matched_by="name" if one.key else "",
                budget_id=budget.id if budget else "",
                budget_micros=budget.amount_micros if budget else None, is_budget_shared=False,
            )
        )  # fmt: skip
    session.flush()
    return found


def _accounts(session: Session, company_id: UUID, kinds: dict[UUID, str], now: datetime) -> dict[str, UUID]:
    by_kind = {kind: id_ for id_, kind in kinds.items()}
    rows = select(SpendAccount).where(SpendAccount.company_id == company_id)
    found = {row.platform: row.id for row in session.scalars(rows)}
    for platform, (external, name, kind) in ACCOUNTS.items():
        if platform not in found:
            found[platform] = new_id(now)
            session.add(
                SpendAccount(
                    company_id=company_id, id=found[platform], platform=platform, external_id=external,
                    name=name, currency="EUR", timezone=ROME_TIME.key, destination_id=by_kind.get(kind),
                    created_at=now, due_at=None, read_at=now,
                )
            )  # fmt: skip
    session.flush()
    return found


_CREDIT: Final = text(
    """
    INSERT INTO campaign_credit_day (company_id, day, kind, campaign_key, conversions, value_minor)
    WITH counted AS (
        SELECT (o.occurred_at AT TIME ZONE :zone)::date AS day, o.kind, o.value_minor,
               CASE WHEN a.by_campaign <> '{}' OR a.campaign = '' THEN a.by_campaign
                    ELSE jsonb_build_object(
                        a.source || E'\\x1f' || a.medium || E'\\x1f' || a.campaign, a.p_campaign)
               END AS by_campaign
        FROM conversion o JOIN attribution a
          ON a.company_id = o.company_id AND a.call_id = o.call_id AND a.is_current
        WHERE o.company_id = :company_id AND o.status = 'counted' AND o.is_demo
          AND (o.occurred_at AT TIME ZONE :zone)::date < :today
    ), parts AS (
        SELECT day, kind, one.key, one.value::float8 AS share, coalesce(value_minor, 0) AS value_minor
        FROM counted, jsonb_each_text(by_campaign) one WHERE split_part(one.key, E'\\x1f', 3) <> ''
        UNION ALL
        SELECT day, kind, '', greatest(1 - coalesce((
                   SELECT sum(one.value::float8) FROM jsonb_each_text(by_campaign) one
                   WHERE split_part(one.key, E'\\x1f', 3) <> ''), 0), 0), coalesce(value_minor, 0)
        FROM counted
    )
    SELECT :company_id, day, kind, key, sum(share), sum(share * value_minor) FROM parts
    GROUP BY day, kind, key HAVING sum(share) > 0
    ON CONFLICT DO NOTHING
    """
)
