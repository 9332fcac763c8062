"""Campaigns with keywords that cost something, stored by the code that stores what platforms tell."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from calltrack.kernel.ids import new_id
from calltrack.spend.days import keep_campaigns, keep_days
from calltrack.spend.detail_model import SpendClick
from calltrack.spend.model import SpendAccount, SpendCampaign
from calltrack.spend.parts import keep_parts
from calltrack.spend.told import CampaignTold, Days, DayTold, PartTold
from calltrack.wiring import Services
from tests.builders import Company

AT = datetime(2026, 11, 20, 11, tzinfo=UTC)


def spend_account(services: Services, company: Company, currency: str = "EUR") -> SpendAccount:
    id_ = new_id()
    with services.db.tenant(company.id) as session:
        row = SpendAccount(
            company_id=company.id, id=id_, platform="google_ads", external_id=id_.hex, name="Ads",
            currency=currency, timezone="Europe/Rome", created_at=AT,
        )  # fmt: skip
        session.add(row)
        session.flush()
        session.expunge(row)
    return row


def spend_campaign(
    services: Services, company: Company, name: str, key: str = "", account: SpendAccount | None = None
) -> UUID:
    """Store a campaign; its number is its name."""
    account = account or spend_account(services, company)
    with services.db.tenant(company.id) as session:
        keep_campaigns(session, account, [CampaignTold(name, name, campaign_key=key)], AT)
        found = session.query(SpendCampaign).filter_by(account_id=account.id, external_id=name).one()
        return found.id


def cost(
    services: Services, company: Company, account: SpendAccount, rows: Sequence[tuple[str, date, int]]
) -> None:
    """Store what campaigns cost: name, day, millionths."""
    with services.db.tenant(company.id) as session:
        told = [DayTold(name, day, micros) for name, day, micros in rows]
        keep_days(session, account, told, AT, grows=True)


Part = tuple[str, str, str, date, int]


def cost_parts(
    services: Services, company: Company, account: SpendAccount, rows: Sequence[Part], days: Days
) -> None:
    """Store what parts cost: campaign, ad group, keyword (empty: all of it), day, millionths."""
    told = [
        PartTold(
            name, f"{group.lower()} number", group, f"{word} criterion" if word else "", word,
            "exact" if word else "", day, micros, 0, 0,
        )
        for name, group, word, day, micros in rows
    ]  # fmt: skip
    with services.db.tenant(company.id) as session:
        keep_parts(session, account, days, told, AT)


def click(
    services: Services, company: Company, visit_id: UUID, campaign: UUID, group: str, word: str
) -> None:
    """Store what Google told of a visit's click."""
    with services.db.tenant(company.id) as session:
        session.add(
            SpendClick(
                company_id=company.id, visit_id=visit_id, campaign_id=campaign, day=AT.date(),
                ad_group_id=f"{group.lower()} number" if group else "", ad_group=group, keyword=word,
                match_type="exact" if word else "",
            )
        )  # fmt: skip
