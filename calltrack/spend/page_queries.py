"""What the pages and the API of spend show: accounts, campaigns and their matches, entries, rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, defer

from calltrack.kernel.origin import words_of
from calltrack.numbers.uses import static_origins
from calltrack.spend.matching import campaigns_of
from calltrack.spend.matching_rules import NOT_PAID, match_all
from calltrack.spend.model import SpendAccount
from calltrack.spend.sightings import BACK, evidence
from calltrack.spend.typed_model import SpendFile


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account of spend with what it holds."""

    id: UUID
    platform: str
    external_id: str
    name: str
    currency: str
    timezone: str
    status: str
    trouble: str
    destination_id: UUID | None
    read_at: datetime | None
    due_at: datetime | None
    campaigns: int
    cost_minor: int
    first_day: date | None
    last_day: date | None
    days_without_rate: int
    is_making: bool


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign with its match and its cost in the last 90 days; `candidates`: what it could be."""

    id: UUID
    account: str
    platform: str
    external_id: str
    name: str
    campaign_key: str
    matched_by: str
    cost_minor: int
    clicks: int
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A campaign of visits that no spend is matched to, with its visits in the last 90 days."""

    campaign_key: str
    source: str
    medium: str
    campaign: str
    visits: int


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A typed cost."""

    id: UUID
    name: str
    campaign_key: str
    first_day: date
    last_day: date
    cost_minor: int
    currency: str
    note: str
    created_by: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A day that was told otherwise before; costs in the account's currency, millionths."""

    campaign: str
    account: str
    currency: str
    day: date
    old_cost_micros: int
    new_cost_micros: int
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class PairRow:
    """The rates of one pair of currencies."""

    base: str
    quote: str
    rates: int
    first_day: date
    last_day: date
    last_rate: Decimal


@dataclass(frozen=True, slots=True)
class NeedRow:
    """Days with costs in a currency, and how many of them lack a rate."""

    currency: str
    days: int
    without_rate: int
    first_without: date | None


@dataclass(frozen=True, slots=True)
class Matches:
    """Both sides of the matching page."""

    campaigns: tuple[CampaignRow, ...]
    alone: tuple[KeyRow, ...]
    keys: Mapping[str, int]

    @property
    def unmatched(self) -> tuple[CampaignRow, ...]:
        """Campaigns whose visits are not known."""
        return tuple(one for one in self.campaigns if not one.campaign_key and one.matched_by != "person")


def accounts(session: Session, company_id: UUID, now: datetime) -> tuple[AccountRow, ...]:
    """Return the company's accounts; costs are those of the last 90 days."""
    given = {"company_id": company_id, "since": (now - BACK).date()}
    return tuple(AccountRow(**row._mapping) for row in session.execute(_ACCOUNTS, given))


def matches(session: Session, company_id: UUID, now: datetime) -> Matches:
    """Return every campaign with its match, and the paid campaigns of visits without any."""
    since = (now - BACK).date()
    told = evidence(session, company_id, since)
    found = match_all(campaigns_of(session, company_id), told)
    rows = session.execute(_CAMPAIGNS, {"company_id": company_id, "since": since})
    campaigns = tuple(
        CampaignRow(**row._mapping, candidates=found[row.id].candidates if row.id in found else ())
        for row in rows
    )
    taken = {one.campaign_key for one in campaigns}
    alone = [
        KeyRow(key, *words_of(key), visits)
        for key, visits in told.by_key.items()
        if key not in taken and words_of(key)[1] not in NOT_PAID
    ]
    alone.sort(key=lambda row: (-row.visits, row.campaign_key))
    return Matches(campaigns, tuple(alone), told.by_key)


def entries(session: Session, company_id: UUID, most: int = 500) -> tuple[EntryRow, ...]:
    """Return the typed costs, the newest days first."""
    rows = session.execute(_ENTRIES, {"company_id": company_id, "most": most})
    return tuple(EntryRow(**row._mapping) for row in rows)


def entry(session: Session, company_id: UUID, entry_id: UUID) -> EntryRow:
    """Return a typed cost that is there."""
    row = session.execute(_ENTRY, {"company_id": company_id, "id": entry_id}).one()
    return EntryRow(**row._mapping)


def changes(session: Session, company_id: UUID, most: int = 50) -> tuple[ChangeRow, ...]:
    """Return the newest days that were told otherwise before."""
    rows = session.execute(_CHANGES, {"company_id": company_id, "most": most})
    return tuple(ChangeRow(**row._mapping) for row in rows)


def pairs(session: Session, company_id: UUID) -> tuple[PairRow, ...]:
    """Return the pairs of currencies that have rates."""
    rows = session.execute(_PAIRS, {"company_id": company_id})
    return tuple(PairRow(**row._mapping) for row in rows)


def needs(session: Session, company_id: UUID) -> tuple[NeedRow, ...]:
    """Return the foreign currencies of costs, and how many days lack a rate."""
    rows = session.execute(_NEEDS, {"company_id": company_id})
    return tuple(NeedRow(**row._mapping) for row in rows)


def files(session: Session, company_id: UUID, most: int = 50) -> Sequence[SpendFile]:
    """Return the uploaded files, the newest first, without their lines."""
    return session.scalars(
        select(SpendFile)
        .where(SpendFile.company_id == company_id)
        .options(defer(SpendFile.lines, raiseload=True))
        .order_by(SpendFile.id.desc())
        .limit(most)
    ).all()


def static_keys(session: Session, company_id: UUID) -> tuple[KeyRow, ...]:
    """Return the words of the company's static numbers: what an offline medium's calls come under."""
    keys = sorted(static_origins(session, company_id), key=words_of)
    return tuple(KeyRow(key, *words_of(key), 0) for key in keys)


def account_of(session: Session, company_id: UUID, account_id: UUID) -> SpendAccount | None:
    """Return an account."""
    return session.get(SpendAccount, (company_id, account_id))


# Each campaign's days are found by the primary key, so old years cost nothing.
_ACCOUNTS = text(
    """
    SELECT a.id, a.platform, a.external_id, a.name, a.currency, a.timezone, a.status, a.trouble,
           a.destination_id, a.read_at, a.due_at, a.waiting <> '{}' AS is_making,
           count(c.id) AS campaigns, COALESCE(sum(s.cost_minor), 0)::bigint AS cost_minor,
           min(e.first_day) AS first_day, max(e.last_day) AS last_day,
           COALESCE(sum(s.without), 0)::bigint AS days_without_rate
    FROM spend_account a
    LEFT JOIN spend_campaign c ON c.company_id = a.company_id AND c.account_id = a.id
    LEFT JOIN LATERAL (
        SELECT sum(d.cost_minor) AS cost_minor,
               count(*) FILTER (WHERE d.cost_minor IS NULL AND d.cost_micros <> 0) AS without
        FROM spend_day d
        WHERE d.company_id = c.company_id AND d.campaign_id = c.id AND d.day >= :since) s ON true
    LEFT JOIN LATERAL (
        SELECT min(d.day) AS first_day, max(d.day) AS last_day FROM spend_day d
        WHERE d.company_id = c.company_id AND d.campaign_id = c.id) e ON true
    WHERE a.company_id = :company_id
    GROUP BY a.company_id, a.id ORDER BY a.status = 'stopped', a.name, a.id
    """
)
_CAMPAIGNS = text(
    """
    SELECT c.id, a.name AS account, a.platform, c.external_id, c.name, c.campaign_key, c.matched_by,
           COALESCE(s.cost_minor, 0)::bigint AS cost_minor, COALESCE(s.clicks, 0)::bigint AS clicks
    FROM spend_campaign c
    JOIN spend_account a ON a.company_id = c.company_id AND a.id = c.account_id
    LEFT JOIN (SELECT d.campaign_id, sum(d.cost_minor) AS cost_minor, sum(d.clicks) AS clicks
               FROM spend_day d WHERE d.company_id = :company_id AND d.day >= :since
               GROUP BY d.campaign_id) s ON s.campaign_id = c.id
    WHERE c.company_id = :company_id
    ORDER BY COALESCE(s.cost_minor, 0) DESC, c.name, c.id
    """
)
_OF_ENTRY = """
    SELECT e.id, c.name, c.campaign_key, e.first_day, e.last_day, e.cost_minor, a.currency, e.note,
           e.created_by
    FROM spend_entry e
    JOIN spend_campaign c ON c.company_id = e.company_id AND c.id = e.campaign_id
    JOIN spend_account a ON a.company_id = c.company_id AND a.id = c.account_id
    WHERE e.company_id = :company_id
"""
_ENTRIES = text(f"{_OF_ENTRY} ORDER BY e.first_day DESC, e.id DESC LIMIT :most")
_ENTRY = text(f"{_OF_ENTRY} AND e.id = :id")
_CHANGES = text(
    """
    SELECT c.name AS campaign, a.name AS account, a.currency, h.day, h.old_cost_micros, h.new_cost_micros,
           h.seen_at
    FROM spend_change h
    JOIN spend_campaign c ON c.company_id = h.company_id AND c.id = h.campaign_id
    JOIN spend_account a ON a.company_id = c.company_id AND a.id = c.account_id
    WHERE h.company_id = :company_id ORDER BY h.seen_at DESC, h.day DESC, c.name LIMIT :most
    """
)
_PAIRS = text(
    """
    SELECT base, quote, count(*) AS rates, min(day) AS first_day, max(day) AS last_day,
           (array_agg(rate ORDER BY day DESC))[1] AS last_rate
    FROM currency_rate WHERE company_id = :company_id GROUP BY base, quote ORDER BY base, quote
    """
)
_NEEDS = text(
    """
    SELECT a.currency, count(DISTINCT d.day) AS days,
           count(DISTINCT d.day) FILTER (WHERE d.cost_minor IS NULL AND d.cost_micros <> 0) AS without_rate,
           min(d.day) FILTER (WHERE d.cost_minor IS NULL AND d.cost_micros <> 0) AS first_without
    FROM spend_account a
    JOIN company o ON o.id = a.company_id AND o.currency <> a.currency
    JOIN spend_campaign c ON c.company_id = a.company_id AND c.account_id = a.id
    JOIN spend_day d ON d.company_id = c.company_id AND d.campaign_id = c.id
    WHERE a.company_id = :company_id GROUP BY a.currency ORDER BY a.currency
    """
)
