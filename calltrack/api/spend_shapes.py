"""How spend looks in requests and answers of the API."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from calltrack.kernel.origin import campaign_key, words_of
from calltrack.spend.page_queries import AccountRow, CampaignRow, EntryRow
from calltrack.spend.queries import CampaignSpend, DatedSpend, PartSpend

Minor = Annotated[int, Field(description="Minor units of the company's currency, at each day's rate.")]
Without = Annotated[int, Field(description="Days with a cost that is not in the sum: no rate is known.")]
Group = Literal["campaign", "day", "week", "ad_group", "keyword"]


class WordsShape(BaseModel):
    """The words of a campaign in visits; all empty: nothing matched."""

    source: str = ""
    medium: str = ""
    campaign: str = ""


class SpendQuery(BaseModel):
    """Which days, and how the figures are grouped."""

    first_day: date
    last_day: date
    by: Annotated[
        Group, Field(description="day and week: each campaign by day, or by week from its Monday.")
    ] = "campaign"


class SpendRow(BaseModel):
    """What something cost; fields that the grouping does not have are left out."""

    campaign_id: str
    account: str | None = None
    platform: str | None = None
    name: str | None = None
    day: date | None = None
    ad_group: str | None = None
    keyword: str | None = None
    match_type: str | None = None
    visits: Annotated[WordsShape, Field(description="Which visits it paid for.")]
    cost_minor: Minor
    clicks: int
    impressions: int
    days_without_rate: Without


class SpendList(BaseModel):
    """What was spent."""

    currency: str
    rows: list[SpendRow]


class NewAccount(BaseModel):
    """An ad account to be read by a destination's access."""

    destination_id: UUID
    number: Annotated[
        str, Field(max_length=40, description="Left out: the account in the destination's settings.")
    ] = ""
    back_days: Annotated[int, Field(description="How many days back to read at first.")] = 90


class AccountShape(BaseModel):
    """An account of spend."""

    id: str
    platform: str
    number: str
    name: str
    currency: str
    timezone: str
    status: Annotated[str, Field(description="active; paused: a person must do something; stopped.")]
    trouble: Annotated[str, Field(description="What the platform last refused, with the next step.")]
    read_at: datetime | None
    due_at: datetime | None
    campaigns: int
    cost_minor: Annotated[int, Field(description="Of the last 90 days, in the company's currency.")]
    days_without_rate: Without


class AccountList(BaseModel):
    """The company's accounts of spend."""

    accounts: list[AccountShape]


class MatchShape(BaseModel):
    """A campaign and the visits it paid for."""

    campaign_id: str
    account: str
    platform: str
    number: str
    name: str
    visits: WordsShape
    matched_by: Annotated[str, Field(description="id, name, person; empty: nothing did.")]
    candidates: Annotated[list[WordsShape], Field(description="What it could be, where that is not certain.")]
    cost_minor: Annotated[int, Field(description="Of the last 90 days, in the company's currency.")]


class AloneShape(BaseModel):
    """A paid campaign of visits without any spend."""

    visits: WordsShape
    count: Annotated[int, Field(description="Visits in the last 90 days.")]


class MatchList(BaseModel):
    """Both sides: campaigns that cost money, and campaigns of visits without spend."""

    campaigns: list[MatchShape]
    without_spend: list[AloneShape]


class NewMatch(BaseModel):
    """Which visits a campaign paid for."""

    visits: Annotated[
        WordsShape | None, Field(description="null: by rule again; all words empty: no visits at all.")
    ]


class NewEntry(BaseModel):
    """A cost of an offline medium."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    first_day: Annotated[str, Field(description="A day (2026-11-30), or a month (2026-11).")]
    last_day: Annotated[str, Field(description="Left out: the one day, or the whole month.")] = ""
    cost: Annotated[str, Field(max_length=40, description="In whole units, such as 1200 or 1200.50.")]
    currency: Annotated[str, Field(max_length=3)]
    visits: Annotated[WordsShape, Field(description="The words of its calls, such as a static number's.")] = (
        WordsShape()
    )
    note: Annotated[str, Field(max_length=500)] = ""


class EntryShape(BaseModel):
    """A cost somebody typed."""

    id: str
    name: str
    first_day: date
    last_day: date
    cost_minor: int
    currency: str
    visits: WordsShape
    note: str


class EntryList(BaseModel):
    """The costs people typed, the newest days first."""

    entries: list[EntryShape]


def words_shape(key: str) -> dict[str, str]:
    """Return a campaign's word as its three parts."""
    source, medium, campaign = words_of(key) if key else ("", "", "")
    return {"source": source, "medium": medium, "campaign": campaign}


def key_of(words: WordsShape) -> str:
    """Return the campaign's word of three parts; empty where all are."""
    if not (words.source or words.medium or words.campaign):
        return ""
    return campaign_key(words.source, words.medium, words.campaign)


def spend_row(row: CampaignSpend | DatedSpend | PartSpend) -> dict[str, Any]:
    """Return a row of any grouping."""
    names = ("account", "platform", "name", "day", "ad_group", "keyword", "match_type")
    told = {name: getattr(row, name) for name in names if hasattr(row, name)}
    return {
        **told, "campaign_id": str(row.campaign_id), "visits": words_shape(row.campaign_key),
        "cost_minor": row.cost_minor, "clicks": row.clicks, "impressions": row.impressions,
        "days_without_rate": row.days_without_rate,
    }  # fmt: skip


def account_shape(row: AccountRow) -> dict[str, Any]:
    """Return an account."""
    names = (
        "platform", "name", "currency", "timezone", "status", "trouble", "read_at", "due_at", "campaigns",
        "cost_minor", "days_without_rate",
    )  # fmt: skip
    return {"id": str(row.id), "number": row.external_id, **{name: getattr(row, name) for name in names}}


def match_shape(row: CampaignRow) -> dict[str, Any]:
    """Return a campaign with its match."""
    return {
        "campaign_id": str(row.id), "account": row.account, "platform": row.platform,
        "number": row.external_id, "name": row.name, "visits": words_shape(row.campaign_key),
        "matched_by": row.matched_by, "candidates": [words_shape(key) for key in row.candidates],
        "cost_minor": row.cost_minor,
    }  # fmt: skip


def entry_shape(row: EntryRow) -> dict[str, Any]:
    """Return a typed cost."""
    names = ("name", "first_day", "last_day", "cost_minor", "currency", "note")
    told = {name: getattr(row, name) for name in names}
    return {"id": str(row.id), "visits": words_shape(row.campaign_key), **told}
