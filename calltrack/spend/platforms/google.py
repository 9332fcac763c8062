"""Google Ads: cost by campaign, ad group and keyword, and the keyword behind a click, by SearchStream.

The google-ads client carries the questions over gRPC; one question for an account and a range of days. A
stream that breaks off is no answer at all.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar, Final

import msgspec

from calltrack.destinations import DESTINATIONS
from calltrack.destinations.google_ads import VERSION
from calltrack.destinations.google_ads_answers import read_upload
from calltrack.destinations.google_settings import ADS_URL, BASE_URL, GoogleAccountSettings
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.errors import BadInput
from calltrack.spend.platforms.base import Line, Source, Waiting, trouble_of, unreadable
from calltrack.spend.told import AccountTold, CampaignTold, ClickTold, Days, DayTold, PartTold, Spent

LABEL: Final = "Google Ads"
_DAYS: Final = "segments.date BETWEEN '{first}' AND '{last}'"
_COSTS: Final = "segments.date, metrics.cost_micros, metrics.clicks, metrics.impressions"
ACCOUNT_QUERY: Final = (
    "SELECT customer.id, customer.descriptive_name, customer.currency_code, customer.time_zone,"
    " customer.manager FROM customer"
)


def _costs_of(what: str, where_from: str) -> str:
    return f"SELECT {what}, {_COSTS} FROM {where_from} WHERE {_DAYS}"  # noqa: S608 (constants and dates)


# Removed campaigns cost money before they were removed, so none is left out.
CAMPAIGN_QUERY: Final = _costs_of(
    "campaign.id, campaign.name, campaign_budget.id, campaign_budget.amount_micros,"
    " campaign_budget.explicitly_shared, campaign_budget.reference_count",
    "campaign",
)
AD_GROUP_QUERY: Final = _costs_of("campaign.id, ad_group.id, ad_group.name", "ad_group")
KEYWORD_QUERY: Final = _costs_of(
    "campaign.id, ad_group.id, ad_group.name, ad_group_criterion.criterion_id,"
    " ad_group_criterion.keyword.text, ad_group_criterion.keyword.match_type",
    "keyword_view",
)
CLICK_QUERY: Final = (
    "SELECT click_view.gclid, click_view.keyword_info.text, click_view.keyword_info.match_type,"
    " campaign.id, ad_group.id, ad_group.name, segments.date FROM click_view WHERE segments.date = '{day}'"
)


class _Campaign(msgspec.Struct):
    id: str = ""
    name: str = ""


class _Budget(msgspec.Struct):
    id: str = ""
    amountMicros: str | None = None  # noqa: N815 (Google's spelling, here and below)
    explicitlyShared: bool = False  # noqa: N815
    referenceCount: str = "0"  # noqa: N815


class _Keyword(msgspec.Struct):
    text: str = ""
    matchType: str = ""  # noqa: N815


class _Criterion(msgspec.Struct):
    criterionId: str = ""  # noqa: N815
    keyword: _Keyword = msgspec.field(default_factory=_Keyword)


class _Customer(msgspec.Struct):
    descriptiveName: str = ""  # noqa: N815
    currencyCode: str = ""  # noqa: N815
    timeZone: str = ""  # noqa: N815
    manager: bool = False


class _Segments(msgspec.Struct):
    date: str = ""


class _Metrics(msgspec.Struct):
    costMicros: str = "0"  # noqa: N815
    clicks: str = "0"
    impressions: str = "0"


class _Click(msgspec.Struct):
    gclid: str = ""
    keywordInfo: _Keyword = msgspec.field(default_factory=_Keyword)  # noqa: N815


class _Row(msgspec.Struct):
    campaign: _Campaign = msgspec.field(default_factory=_Campaign)
    campaignBudget: _Budget = msgspec.field(default_factory=_Budget)  # noqa: N815
    adGroup: _Campaign = msgspec.field(default_factory=_Campaign)  # noqa: N815
    adGroupCriterion: _Criterion = msgspec.field(default_factory=_Criterion)  # noqa: N815
    customer: _Customer = msgspec.field(default_factory=_Customer)
    segments: _Segments = msgspec.field(default_factory=_Segments)
    metrics: _Metrics = msgspec.field(default_factory=_Metrics)
    clickView: _Click = msgspec.field(default_factory=_Click)  # noqa: N815


class _Batch(msgspec.Struct):
    results: list[_Row] = []


_ANSWER: Final = msgspec.json.Decoder(list[_Batch])


class GoogleSpend(Source):
    """Spend of a Google Ads account."""

    name: ClassVar[str] = "google_ads"
    label: ClassVar[str] = LABEL
    kinds: ClassVar[tuple[str, ...]] = ("google_data_manager", "google_ads")
    carrier: ClassVar[str] = "google_ads"
    number: ClassVar[str] = "The customer number at the top right of Google Ads, such as 123-456-7890."

    def read_number(self, text: str) -> str:
        """Return ten digits."""
        digits = re.sub(r"[\s-]", "", text)
        if not re.fullmatch(r"[0-9]{10}", digits):
            raise BadInput("A Google Ads customer number has 10 digits, such as 123-456-7890.")
        return digits

    def number_in(self, settings: GoogleAccountSettings) -> str:
        """Return the customer whose conversions the destination takes."""
        return settings.customer_id

    def ask_account(self, line: Line, settings: Any, account: str) -> AccountTold:
        """Ask for the customer; a manager account has no cost of its own."""
        rows = _search(line, settings, account, ACCOUNT_QUERY)
        found = rows[0].customer if rows else _Customer()
        if found.manager:
            words = "This is the number of a manager account, which has no campaigns."
            raise trouble_of(Outcome(Class.CONFIG, "MANAGER", words), LABEL)
        if not found.currencyCode or not found.timeZone:
            raise unreadable(LABEL)
        return AccountTold(found.descriptiveName or account, found.currencyCode, found.timeZone)

    def ask_days(
        self, line: Line, settings: Any, account: str, days: Days, waiting: Waiting, *, zone: str
    ) -> Spent | Waiting:
        """Ask for every campaign's days at once."""
        rows = _search(line, settings, account, CAMPAIGN_QUERY.format(first=days.first, last=days.last))
        try:
            campaigns = {row.campaign.id: _campaign(row) for row in rows}
            return Spent(days, list(campaigns.values()), [_day(row) for row in rows])
        except ValueError:
            raise unreadable(LABEL) from None

    def ask_parts(self, line: Line, settings: Any, account: str, days: Days) -> Sequence[PartTold] | None:
        """Ask for ad groups as a whole, then for keywords."""
        found: list[PartTold] = []
        for query in (AD_GROUP_QUERY, KEYWORD_QUERY):
            rows = _search(line, settings, account, query.format(first=days.first, last=days.last))
            try:
                found += [_part(row) for row in rows]
            except ValueError:
                raise unreadable(LABEL) from None
        return found

    def ask_clicks(self, line: Line, settings: Any, account: str, day: date) -> Sequence[ClickTold] | None:
        """Ask for the clicks of exactly one day, as Google wants it; up to 90 days back."""
        rows = _search(line, settings, account, CLICK_QUERY.format(day=day))
        return [
            ClickTold(
                row.clickView.gclid, row.campaign.id, row.adGroup.id, row.adGroup.name,
                row.clickView.keywordInfo.text, row.clickView.keywordInfo.matchType.lower(),
            )
            for row in rows
            if row.clickView.gclid
        ]  # fmt: skip


def address_of(settings: GoogleAccountSettings) -> str:
    """Return where the Google Ads API is: a destination of the Data Manager API knows another address."""
    if settings.base_url in (BASE_URL, ADS_URL):
        return ADS_URL
    ours = DESTINATIONS["google_data_manager"].twin_paths["base_url"]
    twin = DESTINATIONS["google_ads"].twin_paths["base_url"]
    return settings.base_url.rstrip("/").removesuffix(ours).removesuffix(twin) + twin


def _search(line: Line, settings: GoogleAccountSettings, account: str, query: str) -> list[_Row]:
    def build(token: str | None) -> HttpRequest:
        url = f"{address_of(settings)}/{VERSION}/customers/{account}/googleAds:searchStream"
        headers = {"content-type": "application/json"}
        if settings.login_customer_id is not None:
            headers["login-customer-id"] = settings.login_customer_id
        if token:
            headers["authorization"] = f"Bearer {token}"
        return HttpRequest("POST", url, headers, msgspec.json.encode({"query": query}))

    answer = line.ask(build)
    if answer.status != 200:
        raise trouble_of(_refusal(answer), LABEL)
    try:
        return [row for batch in _ANSWER.decode(answer.body) for row in batch.results]
    except msgspec.MsgspecError:
        raise unreadable(LABEL) from None


def _refusal(answer: HttpAnswer) -> Outcome:
    """Return what a refusal means; the codes are the same as of uploads, but for those about questions."""
    outcome = read_upload(answer, 1)[0]
    about_query = b'"queryError"' in answer.body or b'"dateRangeError"' in answer.body
    if about_query:
        return Outcome(Class.BUG, outcome.code, f"{outcome.code}.")
    if outcome.class_ not in (Class.LATER, Class.CONFIG, Class.UNKNOWN):
        return Outcome(Class.BUG, outcome.code, f"{outcome.code}.")
    if outcome.code == "USER_PERMISSION_DENIED":
        return Outcome(Class.CONFIG, outcome.code, "The connected Google user may not read this account.")
    return outcome


def _campaign(row: _Row) -> CampaignTold:
    budget = row.campaignBudget
    shared = budget.explicitlyShared or int(budget.referenceCount) > 1
    amount = None if budget.amountMicros is None else int(budget.amountMicros)
    return CampaignTold(row.campaign.id, row.campaign.name, budget.id, amount, shared)


def _day(row: _Row) -> DayTold:
    metrics = row.metrics
    return DayTold(
        row.campaign.id, date.fromisoformat(row.segments.date), int(metrics.costMicros),
        int(metrics.clicks), int(metrics.impressions),
    )  # fmt: skip


def _part(row: _Row) -> PartTold:
    criterion, metrics = row.adGroupCriterion, row.metrics
    return PartTold(
        row.campaign.id, row.adGroup.id, row.adGroup.name, criterion.criterionId, criterion.keyword.text,
        criterion.keyword.matchType.lower(), date.fromisoformat(row.segments.date),
        int(metrics.costMicros), int(metrics.clicks), int(metrics.impressions),
    )  # fmt: skip
