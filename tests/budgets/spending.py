"""Rows of spend and credit for tests: campaigns of ad accounts, what each cost by day and brought."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert

from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key
from calltrack.reports.credit_model import CampaignCreditDay
from calltrack.spend.model import SpendAccount, SpendCampaign, SpendDay
from calltrack.wiring import Services
from tests.builders import NOON, Company

MONDAY = date(2026, 11, 16)  # The week of NOON has begun and is not over.


def key_of(campaign: str, source: str = "google", medium: str = "cpc") -> str:
    return campaign_key(source, medium, campaign)


@dataclass
class Spending:
    """Collects rows of one company and writes them."""

    company: Company
    read_at: datetime = NOON
    accounts: list[dict[str, object]] = field(default_factory=list)
    campaigns: list[dict[str, object]] = field(default_factory=list)
    days: list[dict[str, object]] = field(default_factory=list)
    credit: dict[tuple[date, str, str], list[float]] = field(default_factory=dict)

    def account(
        self, platform: str = "google_ads", external_id: str = "1234567890", destination: UUID | None = None
    ) -> UUID:
        id_ = new_id()
        self.accounts.append({
            "company_id": self.company.id, "id": id_, "platform": platform, "external_id": external_id,
            "name": f"{platform} account", "currency": "EUR", "timezone": "Europe/Rome",
            "destination_id": destination, "created_at": NOON, "due_at": None, "read_at": self.read_at,
            "status": "active",
        })  # fmt: skip
        return id_

    def campaign(self, account: UUID, name: str, key: str, budget: str = "", *, shared: bool = False) -> UUID:
        id_ = new_id()
        self.campaigns.append({
            "company_id": self.company.id, "id": id_, "account_id": account, "external_id": id_.hex[-10:],
            "name": name, "campaign_key": key, "matched_by": "name" if key else "", "budget_id": budget,
            "budget_micros": None, "is_budget_shared": shared,
        })  # fmt: skip
        return id_

    def cost(self, campaign: UUID, day: date, minor: int | None) -> None:
        self.days.append({
            "company_id": self.company.id, "campaign_id": campaign, "day": day,
            "cost_micros": (minor or 100) * 10_000, "cost_minor": minor, "clicks": 1, "impressions": 10,
            "read_at": self.read_at,
        })  # fmt: skip

    def earn(self, key: str, day: date, conversions: float, value: float = 0, kind: str = "purchase") -> None:
        found = self.credit.setdefault((day, kind, key), [0.0, 0.0])
        found[0] += conversions
        found[1] += value

    def week(
        self, campaign: UUID, key: str, monday: date, spend: int, conversions: float, value: float
    ) -> None:
        """Spread a week over its days; what does not divide falls on the Monday."""
        for day in range(7):
            self.cost(campaign, monday + timedelta(days=day), spend // 7 + (spend % 7 if not day else 0))
        self.earn(key, monday + timedelta(days=2), conversions, value)

    def write(self, services: Services) -> None:
        rows = [
            {"company_id": self.company.id, "day": day, "kind": kind, "campaign_key": key,
             "conversions": both[0], "value_minor": both[1]}
            for (day, kind, key), both in self.credit.items()
        ]  # fmt: skip
        with services.db.tenant(self.company.id) as session:
            for table, values in (
                (SpendAccount, self.accounts),
                (SpendCampaign, self.campaigns),
                (SpendDay, self.days),
                (CampaignCreditDay, rows),
            ):
                if values:
                    session.execute(insert(table), values)


def usual(
    company: Company,
    rates: Sequence[tuple[str, float]] = (("roma", 9.0), ("milano", 6.0), ("preventivo", 1.5)),
    weeks: int = 20,
    spend: int = 70_000,
    end: date = MONDAY,
    destination: UUID | None = None,
) -> Spending:
    """Return campaigns of one account that bring exactly their rate a week, spending more by turns."""
    made = Spending(company)
    account = made.account(destination=destination)
    for place, (name, rate) in enumerate(rates):
        key = key_of(name)
        campaign = made.campaign(account, name.title(), key, budget=f"{8001 + place}")
        for week in range(weeks):
            swing = 1 + (0.25 if (week + place) % 2 else -0.25)
            count = rate * swing
            made.week(
                campaign,
                key,
                end - timedelta(weeks=weeks - week),
                round(spend * swing),
                count,
                count * 60_000,
            )
    return made
