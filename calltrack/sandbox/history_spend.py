"""What the demo's advertising cost in its seeded past, and what was advised from it.

The figures are those its twins tell (`platforms/spend_book.py`): a worker that reads the accounts later
finds nothing new.
"""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.budgets.making import advise_now
from calltrack.budgets.months import add_pace, is_watched
from calltrack.budgets.weekly import spent_by_day
from calltrack.infra.crypto import Vault
from calltrack.kernel.origin import campaign_key
from calltrack.reports.keeping import keep_reports, mark_all
from calltrack.sandbox.demo_spend import bring_spend
from calltrack.sandbox.history_world import ROME_TIME, Visited
from calltrack.sandbox.platforms.google_ads_budgets import budget_of
from calltrack.sandbox.platforms.spend_book import DEMO, Campaign, Click, SpendBook
from calltrack.spend.clicks import keep_clicks
from calltrack.spend.days import keep_spent
from calltrack.spend.model import SpendAccount
from calltrack.spend.parts import keep_parts
from calltrack.spend.told import CampaignTold, ClickTold, Days, DayTold, PartTold, Spent
from calltrack.wiring import Services

PAST_WEEKS: Final = 6
# The words that visits of each platform carry.
ORIGINS: Final = {
    "google_ads": ("google", "cpc"), "meta": ("facebook", "paid_social"), "microsoft": ("bing", "cpc")
}  # fmt: skip
TABLES: Final = ("budget_advice", "budget_pace", "campaign_credit_day", "spend_account")


def write_spend(
    session: Session, vault: Vault, company_id: UUID, visits: Sequence[Visited], now: datetime
) -> None:
    """Write what each campaign cost from the first visit up to now, as the twins' accounts tell it.

    So do keywords and ad groups, and what was behind the clicks of the visits.
    """
    bring_spend(session, vault, company_id, now)
    days = Days(visits[0].started_at.date(), now.astimezone(ROME_TIME).date())
    clicked: dict[date, list[tuple[str, str]]] = defaultdict(list)
    for visit in visits:
        if visit.origin.click_id == "gclid":
            clicked[visit.started_at.astimezone(ROME_TIME).date()].append(
                (visit.click_id, visit.origin.campaign)
            )
    book = SpendBook(lambda day: clicked.get(day, ()))
    for account in session.scalars(
        select(SpendAccount).where(SpendAccount.company_id == company_id, SpendAccount.platform.in_(DEMO))
    ):
        rows = [
            DayTold(one.campaign, date.fromisoformat(one.day), one.cost_micros, one.clicks, one.impressions)
            for one in book.days(account.platform, str(days.first), str(days.last), now)
        ]
        campaigns = [_told(account.platform, one) for one in DEMO[account.platform]]
        keep_spent(session, account, Spent(days=days, campaigns=campaigns, rows=rows), now)
        if account.platform == "google_ads":
            _write_parts(session, account, book, days, now)
            for day in sorted(clicked):
                told = [_click(one) for one in book.clicks(account.platform, str(day))]
                keep_clicks(session, account, day, told, now)
        account.read_at = now


def _write_parts(session: Session, account: SpendAccount, book: SpendBook, days: Days, now: datetime) -> None:
    """Write what ad groups and keywords cost."""
    told = [
        PartTold(
            one.campaign, one.ad_group_id, one.ad_group, one.criterion, one.keyword, one.match_type.lower(),
            date.fromisoformat(one.day), one.cost_micros, one.clicks, one.impressions,
        )
        for keywords in (False, True)
        for one in book.parts(account.platform, str(days.first), str(days.last), now, keywords=keywords)
    ]  # fmt: skip
    keep_parts(session, account, days, told, now)


def _click(one: Click) -> ClickTold:
    return ClickTold(
        one.gclid, one.campaign, one.ad_group_id, one.ad_group, one.keyword, one.match_type.lower()
    )


def tell_past(services: Services, company_id: UUID) -> None:
    """Count the past for reports, let the demo be advised on its last Mondays and watch a monthly budget."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        mark_all(session, company_id, now)
    while keep_reports(services, company_id, threading.Event()):
        pass
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
    for table in TABLES:
        statement = text(f"DELETE FROM {table} WHERE company_id = :company_id")  # noqa: S608 - names above
        result = session.execute(statement, {"company_id": company_id})
        gone += int(getattr(result, "rowcount", 0))
    return gone


def _told(platform: str, one: Campaign) -> CampaignTold:
    budget = budget_of(one.id) if platform == "google_ads" else None
    return CampaignTold(
        one.id, one.name, budget.id if budget else "", budget.amount_micros if budget else None, False,
        campaign_key(*ORIGINS[platform], one.utm) if one.utm else "",
    )  # fmt: skip
