"""Costs that people type: a billboard's month, a radio week. Spread over their days to the minor unit."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.rules import display_name
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import Money
from calltrack.kernel.origin import BETWEEN
from calltrack.spend.accounts import make_account
from calltrack.spend.days import campaign_ids, keep_campaigns, keep_days
from calltrack.spend.matching import LONGEST_KEY
from calltrack.spend.model import SpendAccount, SpendCampaign, SpendDay
from calltrack.spend.rules import MOST_MINOR, micros_of, spread
from calltrack.spend.told import CampaignTold, Days, DayTold
from calltrack.spend.typed_model import SpendEntry

ACCOUNT: Final = "Offline media"
LONGEST_NOTE: Final = 500


def add_entry(
    session: Session,
    company_id: UUID,
    name: str,
    campaign_key: str,
    days: Days,
    cost: Money,
    note: str,
    by: str,
    now: datetime,
) -> UUID:
    """Add a cost for a medium, from one day to another; several entries of one medium add up.

    `campaign_key` names the campaign of the calls it brings (such as a static number's), or is empty.

    Raises:
        BadInput: no name, no cost, too long a note, or no such word of a campaign.
    """
    title = display_name(name)
    if not 0 < cost.minor <= MOST_MINOR:
        raise BadInput("Write what it cost, more than nothing and no absurd amount.")
    if len(note) > LONGEST_NOTE:
        raise BadInput(f"A note has at most {LONGEST_NOTE} characters.")
    if campaign_key and (campaign_key.count(BETWEEN) != 2 or len(campaign_key) > LONGEST_KEY):
        raise BadInput("Choose a campaign of your numbers or visits.")
    account = _account(session, company_id, cost.currency, now)
    keep_campaigns(session, account, [CampaignTold(title, title, campaign_key=campaign_key)], now)
    campaign_id = campaign_ids(session, account)[title]
    entry = SpendEntry(
        company_id=company_id, id=new_id(now), campaign_id=campaign_id, first_day=days.first,
        last_day=days.last, cost_minor=cost.minor, note=note.strip(), created_at=now, created_by=by,
    )  # fmt: skip
    session.add(entry)
    session.flush()
    _spread_again(session, account, campaign_id, now)
    audit.note(session, company_id, by, "spend.entry_added", str(entry.id), now, name=title)
    return entry.id


def remove_entry(session: Session, company_id: UUID, entry_id: UUID, by: str, now: datetime) -> None:
    """Take an entry back with its costs; the days keep what they were as history.

    Raises:
        NotFound: the company has no such entry.
    """
    entry = locked_entry(session, company_id, entry_id)
    campaign = session.get_one(SpendCampaign, (company_id, entry.campaign_id))
    account = session.get_one(SpendAccount, (company_id, campaign.account_id))
    session.delete(entry)
    session.flush()
    _spread_again(session, account, entry.campaign_id, now)
    audit.note(session, company_id, by, "spend.entry_removed", str(entry_id), now, name=campaign.name)


def locked_entry(session: Session, company_id: UUID, entry_id: UUID) -> SpendEntry:
    """Return an entry, held until the transaction ends; raises NotFound."""
    entry = session.get(SpendEntry, (company_id, entry_id), with_for_update=True)
    if entry is None:
        raise NotFound("There is no such entry.")
    return entry


def costs_by_day(entries: list[tuple[date, date, int]]) -> dict[date, int]:
    """Return the sum of entries (first day, last day, minor units) for each day; pure, and exact."""
    sums: Counter[date] = Counter()
    for first, last, cost in entries:
        length = (last - first).days + 1
        for number, part in enumerate(spread(cost, length)):
            sums[first + timedelta(days=number)] += part
    return dict(sums)


def _account(session: Session, company_id: UUID, currency: str, now: datetime) -> SpendAccount:
    return make_account(session, company_id, "manual", f"{ACCOUNT} ({currency})", currency, now)


def _spread_again(session: Session, account: SpendAccount, campaign_id: UUID, now: datetime) -> None:
    """Write the days of a medium as the sum of its entries; a day without any cost nothing."""
    # One at a time: two entries for one medium at once must both be in the sum.
    campaign = session.get_one(SpendCampaign, (account.company_id, campaign_id), with_for_update=True)
    entries = session.execute(
        select(SpendEntry.first_day, SpendEntry.last_day, SpendEntry.cost_minor).where(
            SpendEntry.company_id == account.company_id, SpendEntry.campaign_id == campaign_id
        )
    )
    wanted = costs_by_day([(row.first_day, row.last_day, row.cost_minor) for row in entries])
    known = set(
        session.scalars(
            select(SpendDay.day).where(
                SpendDay.company_id == account.company_id, SpendDay.campaign_id == campaign_id
            )
        )
    )
    rows = [
        DayTold(campaign.external_id, day, micros_of(wanted.get(day, 0), account.currency))
        for day in sorted(wanted.keys() | known)
    ]
    keep_days(session, account, rows, now, grows=False)
    session.execute(
        delete(SpendDay).where(
            SpendDay.company_id == account.company_id, SpendDay.campaign_id == campaign_id,
            SpendDay.cost_micros == 0,
        )
    )  # fmt: skip
