"""The reports of the Google Ads twin: SearchStream over campaigns, ad groups, keywords and clicks.

It refuses what Google refuses: a click_view question must be about exactly one day of the last 90, fields
and resources must exist, and an account has so many operations in 24 hours.
"""

import importlib
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec

from calltrack.sandbox.platforms.google_ads_budgets import BudgetBook
from calltrack.sandbox.platforms.spend_book import Campaign, Click, Figures, SpendBook

PLATFORM: Final = "google_ads"
RESOURCES: Final = ("customer", "campaign", "ad_group", "keyword_view", "click_view")
_searches = importlib.import_module("google.ads.googleads.v26.services.types.google_ads_service")
_ROW: Final = _searches.GoogleAdsRow.pb()
_FROM: Final = re.compile(r"\bFROM ([a-z_]+)\b")
_RANGE: Final = re.compile(r"segments\.date BETWEEN '(\d{4}-\d\d-\d\d)' AND '(\d{4}-\d\d-\d\d)'")
_ONE_DAY: Final = re.compile(r"segments\.date = '(\d{4}-\d\d-\d\d)'")
_SELECT: Final = re.compile(r"SELECT (.*?) FROM ", re.DOTALL)

Fault = tuple[str, str]


class Reports:
    """Answers the questions of one twin. Thread-safe."""

    def __init__(self, book: SpendBook, budgets: BudgetBook) -> None:
        self._book = book
        self._budgets = budgets
        self._lock = threading.Lock()
        self._asked: deque[datetime] = deque()

    def refusal(self, query: str, now: datetime, most_a_day: float) -> Fault | None:
        """Return the enum and code by which Google refuses a question; None: it is answered."""
        with self._lock:
            while self._asked and now - self._asked[0] > timedelta(hours=24):
                self._asked.popleft()
            if len(self._asked) >= most_a_day:
                return "quota_error", "RESOURCE_EXHAUSTED"
            self._asked.append(now)
        found = _FROM.search(query)
        if found is None or found[1] not in RESOURCES:
            return "query_error", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"
        selected = _SELECT.search(query)
        if selected is None or not all(_exists(name.strip()) for name in selected[1].split(",")):
            return "query_error", "UNRECOGNIZED_FIELD"
        if found[1] == "click_view":
            return _about_one_day(query, now)
        is_by_day = "segments.date" in selected[1] or "metrics." in selected[1] or found[1] == "keyword_view"
        if is_by_day and _RANGE.search(query) is None and _ONE_DAY.search(query) is None:
            return "query_error", "EXPECTED_FILTERS_ON_DATE_RANGE"
        return None

    def answer(self, customer: str, query: str, now: datetime, rows_per_batch: int) -> Iterator[Any]:
        """Yield the batches of an answer, as Google cuts them; one empty batch where there are no rows."""
        response = _searches.SearchGoogleAdsStreamResponse.pb()()
        for fill in self._rows(customer, query, now):
            if len(response.results) >= rows_per_batch:
                yield response
                response = _searches.SearchGoogleAdsStreamResponse.pb()()
            fill(response.results.add())
        yield response

    def _as_budgeted(self, customer: str, one: Campaign) -> Campaign:
        """Return the campaign with the budget it has now, where the account's budgets name it."""
        budget = self._budgets.of_campaign(customer, one.id)
        if budget is None or not self._book.is_made(PLATFORM):
            return one
        shared = budget.explicitly_shared or len(budget.campaigns) > 1
        return msgspec.structs.replace(one, budget_micros=budget.amount_micros, is_shared=shared)

    def _rows(self, customer: str, query: str, now: datetime) -> Iterator[Callable[[Any], None]]:
        resource = (_FROM.search(query) or [""] * 2)[1]
        if resource == "customer":
            yield partial(self._customer, customer=customer)
            return
        first, last = _days(query)
        if resource == "click_view":
            for click in self._book.clicks(PLATFORM, first):
                yield partial(_click, customer=customer, one=click)
            return
        campaigns = {
            id_: self._as_budgeted(customer, one) for id_, one in self._book.campaigns(PLATFORM).items()
        }
        if not first:
            for campaign in campaigns.values():
                yield partial(_campaign, campaign=campaign)
            return
        figures = (
            self._book.days(PLATFORM, first, last, now)
            if resource == "campaign"
            else self._book.parts(PLATFORM, first, last, now, keywords=resource == "keyword_view")
        )
        for one in figures:
            yield partial(_figures, campaign=campaigns[one.campaign], one=one)

    def _customer(self, row: Any, customer: str) -> None:
        told = self._book.account(PLATFORM)
        row.customer.id, row.customer.descriptive_name = int(customer), told.name
        row.customer.currency_code, row.customer.time_zone = told.currency, told.timezone
        row.customer.manager = customer.startswith("999")


def _about_one_day(query: str, now: datetime) -> Fault | None:
    day = _ONE_DAY.search(query)
    if day is None:
        return "query_error", "EXPECTED_FILTERS_ON_DATE_RANGE"
    if now.date() - date.fromisoformat(day[1]) > timedelta(days=90):
        return "query_error", "DATE_RANGE_TOO_WIDE"
    return None


def _exists(name: str) -> bool:
    """Tell whether a row has the field (`metrics.cost_micros`)."""
    message = _ROW.DESCRIPTOR
    for part in name.split("."):
        field = message.fields_by_name.get(part) if message is not None else None
        if field is None:
            return False
        message = field.message_type
    return True


def _days(query: str) -> tuple[str, str]:
    stretch = _RANGE.search(query)
    if stretch is not None:
        return stretch[1], stretch[2]
    day = (_ONE_DAY.search(query) or ["", ""])[1]
    return day, day


def _figures(row: Any, campaign: Campaign, one: Figures) -> None:
    row.segments.date = one.day
    row.metrics.cost_micros, row.metrics.clicks = one.cost_micros, one.clicks
    row.metrics.impressions = one.impressions
    if not one.ad_group_id:
        _campaign(row, campaign)
        return
    row.campaign.id, row.campaign.name = int(one.campaign), campaign.name
    row.ad_group.id, row.ad_group.name = int(one.ad_group_id), one.ad_group
    if one.criterion:
        row.ad_group_criterion.criterion_id = int(one.criterion)
        _keyword(row.ad_group_criterion.keyword, one.keyword, one.match_type)


def _campaign(row: Any, campaign: Campaign) -> None:
    row.campaign.id, row.campaign.name = int(campaign.id), campaign.name
    budget = row.campaign_budget
    budget.id, budget.amount_micros = int(campaign.id) + 9_000_000_000, campaign.budget_micros
    budget.explicitly_shared, budget.reference_count = campaign.is_shared, 2 if campaign.is_shared else 1


def _click(row: Any, customer: str, one: Click) -> None:
    row.click_view.resource_name = f"customers/{customer}/clickViews/{one.day}~{one.gclid}"
    row.click_view.gclid, row.segments.date = one.gclid, one.day
    row.campaign.id = int(one.campaign)
    if one.ad_group_id:
        row.ad_group.id, row.ad_group.name = int(one.ad_group_id), one.ad_group
    if one.keyword:
        _keyword(row.click_view.keyword_info, one.keyword, one.match_type)


def _keyword(info: Any, text: str, match_type: str) -> None:
    info.text = text
    values = info.DESCRIPTOR.fields_by_name["match_type"].enum_type.values_by_name
    info.match_type = values[match_type or "EXACT"].number
