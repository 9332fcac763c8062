"""Campaigns with keywords that cost something, stored by the code that stores what platforms tell."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key
from calltrack.spend.days import keep_campaigns, keep_days
from calltrack.spend.detail_model import SpendClick
from calltrack.spend.model import SpendAccount, SpendCampaign
from calltrack.spend.parts import keep_parts
from calltrack.spend.told import CampaignTold, Days, DayTold, PartTold
from calltrack.wiring import Services
from tests.builders import Company, make_company, make_visit
from tests.reports.world import NOW, ROMA, TODAY, brought, count

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


def ad_company(services: Services) -> Company:
    """Two campaigns with an ad group of one name and one keyword in common; a click that is told later."""
    company = make_company(services, numbers=2)
    account = spend_account(services, company)
    roma = spend_campaign(services, company, "Ricerca Roma", campaign_key(*ROMA), account)
    also = spend_campaign(services, company, "Ricerca Lazio", campaign_key("google", "cpc", "lazio"), account)
    video = spend_campaign(services, company, "Video", campaign_key("google", "cpc", "video"), account)
    day = TODAY - timedelta(days=2)
    euros = {"Ricerca Roma": 90, "Ricerca Lazio": 30, "Video": 12}
    cost(services, company, account, [(name, day, n * 1_000_000) for name, n in euros.items()])
    million = 1_000_000
    cost_parts(
        services, company, account,
        [
            ("Ricerca Roma", "Annunci", "", day, 60 * million),
            ("Ricerca Roma", "Annunci", "Traslochi Roma", day, 60 * million),
            ("Ricerca Roma", "Marchio", "", day, 30 * million),
            ("Ricerca Roma", "Marchio", "traslochi aurelia", day, 30 * million),
            ("Ricerca Lazio", "Annunci", "", day, 30 * million),
            ("Ricerca Lazio", "Annunci", "traslochi roma", day, 20 * million),
        ],
        Days(day, day),
    )  # fmt: skip
    at = NOW - timedelta(days=2)

    def called(words: tuple[str, str, str], term: str = "", content: str = "", minutes: int = 0) -> UUID:
        row = make_visit(
            services, company, at=at + timedelta(minutes=minutes), source=words[0], medium=words[1],
            campaign=words[2], term=term, content=content, click_ids={"gclid": f"Cj{minutes}"},
        )  # fmt: skip
        brought(
            services, company, at + timedelta(minutes=minutes + 1), words, "lead", "purchase",
            value=10_000, level="visit", visit_id=row.id,
        )  # fmt: skip
        return row.id

    first = called(ROMA, minutes=0)
    click(services, company, first, roma, "Annunci", "traslochi roma")
    called(ROMA, term=" TRASLOCHI  roma", content="annunci", minutes=10)
    called(ROMA, content="Marchio NUMBER", minutes=20)
    called(("google", "cpc", "lazio"), term="traslochi roma", content="Annunci", minutes=30)
    called(("bing", "cpc", "altro"), content="Annunci", minutes=40)
    shown = called(("google", "cpc", "video"), minutes=50)
    click(services, company, shown, video, "", "")
    assert also != roma
    count(services, company)
    return company
