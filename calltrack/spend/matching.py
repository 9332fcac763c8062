"""Matches campaigns with visits, again and again or as a person says; converts where the currency changed."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.origin import BETWEEN
from calltrack.spend.currencies import convert_all
from calltrack.spend.match_model import SpendWatch
from calltrack.spend.matching_rules import Campaign, Match, match_all
from calltrack.spend.model import SpendAccount, SpendCampaign
from calltrack.spend.shares import write_costs
from calltrack.spend.sightings import BACK, evidence, look_on
from calltrack.wiring import Services

EVERY: Final = timedelta(minutes=10)
LONGEST_KEY: Final = 800


def watch(session: Session, company_id: UUID, now: datetime, *, at_once: bool = True) -> None:
    """Have the company's campaigns matched from now on; with `at_once` the next look is due now."""
    fresh = {"company_id": company_id, "due_at": now, "visits_until": now - BACK, "converted_to": ""}
    statement = insert(SpendWatch).values(**fresh)
    session.execute(
        statement.on_conflict_do_update(index_elements=["company_id"], set_={"due_at": now})
        if at_once
        else statement.on_conflict_do_nothing()
    )


def companies_to_match(system: Session, now: datetime) -> list[UUID]:
    """Name the companies whose campaigns are to be matched at that moment (system role)."""
    return list(system.scalars(text("SELECT company_id FROM spend_watch WHERE due_at <= :now"), {"now": now}))


def match_due(services: Services, company_id: UUID) -> bool:
    """Look at visits that are new, then match; tells whether there is more to look at.

    Each stretch of visits is counted in a transaction of its own, with the place to go on from: a fault in
    the middle counts nothing twice.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        write_costs(session, company_id)
        row = session.scalar(
            select(SpendWatch)
            .where(SpendWatch.company_id == company_id, SpendWatch.due_at <= now)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return False
        company = session.get_one(Company, company_id)
        if look_on(session, row, company.timezone, now):
            return True
        if row.converted_to != company.currency:
            convert_all(session, company_id)
            row.converted_to = company.currency
        match(session, company_id, now)
        row.due_at = now + EVERY
    return False


def match(session: Session, company_id: UUID, now: datetime) -> dict[UUID, Match]:
    """Match every campaign by what is known of visits; returns each one's match."""
    found = match_all(campaigns_of(session, company_id), evidence(session, company_id, (now - BACK).date()))
    rows = [(id_, one.campaign_key, one.by) for id_, one in found.items() if one.by != "person"]
    if rows:
        session.execute(
            _STORE,
            {
                "company_id": company_id, "ids": [row[0] for row in rows], "keys": [row[1] for row in rows],
                "by": [row[2] for row in rows],
            },
        )  # fmt: skip
    return found


def match_by_hand(
    session: Session, company_id: UUID, campaign_id: UUID, campaign_key: str | None, by: str, now: datetime
) -> None:
    """Match a campaign as a person says: with a word of visits, with none (""), or by rule again (None).

    Raises:
        NotFound: the company has no such campaign.
        BadInput: the word is none of a campaign.
    """
    write_costs(session, company_id)
    row = session.get(SpendCampaign, (company_id, campaign_id), with_for_update=True)
    if row is None:
        raise NotFound("There is no such campaign.")
    if campaign_key and (campaign_key.count(BETWEEN) != 2 or len(campaign_key) > LONGEST_KEY):
        raise BadInput("Choose a campaign of your visits.")
    if campaign_key is None:
        row.campaign_key, row.matched_by = "", ""
        session.flush()
        match(session, company_id, now)
    else:
        row.campaign_key, row.matched_by = campaign_key, "person"
    audit.note(session, company_id, by, "spend.matched", str(campaign_id), now, key=campaign_key or "")


def campaigns_of(session: Session, company_id: UUID) -> list[Campaign]:
    """Return the company's campaigns as they are matched."""
    rows = session.execute(
        select(
            SpendCampaign.id, SpendAccount.platform, SpendCampaign.external_id, SpendCampaign.name,
            SpendCampaign.campaign_key, SpendCampaign.matched_by,
        )
        .join(
            SpendAccount,
            (SpendAccount.company_id == SpendCampaign.company_id)
            & (SpendAccount.id == SpendCampaign.account_id),
        )
        .where(SpendCampaign.company_id == company_id)
        .order_by(SpendCampaign.id)
    )  # fmt: skip
    return [Campaign(*row) for row in rows]


_STORE = text(
    """
    UPDATE spend_campaign c SET campaign_key = t.key, matched_by = t.by
    FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:by AS text[])) t(id, key, by)
    WHERE c.company_id = :company_id AND c.id = t.id AND c.matched_by <> 'person'
      AND (c.campaign_key, c.matched_by) IS DISTINCT FROM (t.key, t.by)
    """
)
