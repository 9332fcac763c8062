"""Meta: cost by campaign and day from the insights of an ad account (Graph API), page by page.

A day's answer counts only when its last page has come. Clicks are those that lead off Meta
(`inline_link_clicks`), as these become visits.
"""

import hashlib
import hmac
import re
from datetime import date
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from calltrack.destinations.meta import VERSION
from calltrack.destinations.meta_answers import GraphError, read_events
from calltrack.destinations.meta_settings import MetaSettings
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.errors import BadInput
from calltrack.spend.platforms.base import Line, Source, Waiting, too_much, trouble_of, unreadable, worded
from calltrack.spend.rules import micros_of_text
from calltrack.spend.told import AccountTold, CampaignTold, Days, DayTold, Spent, Trouble

LABEL: Final = "Meta"
PAGE: Final = 500
MOST_PAGES: Final = 1_000
TOO_MUCH_DATA: Final = 1_487_534
_FIELDS: Final = "campaign_id,campaign_name,spend,impressions,inline_link_clicks"


class _Account(msgspec.Struct):
    name: str = ""
    currency: str = ""
    timezone_name: str = ""


class _Row(msgspec.Struct):
    campaign_id: str
    date_start: str
    campaign_name: str = ""
    spend: str = "0"
    impressions: str = "0"
    inline_link_clicks: str = "0"


class _Cursors(msgspec.Struct):
    after: str = ""


class _Paging(msgspec.Struct):
    cursors: _Cursors = msgspec.field(default_factory=_Cursors)
    next: str = ""


class _Page(msgspec.Struct):
    data: list[_Row]
    paging: _Paging = msgspec.field(default_factory=_Paging)


class _Failed(msgspec.Struct):
    error: GraphError


class MetaSpend(Source):
    """Spend of a Meta ad account."""

    name: ClassVar[str] = "meta"
    label: ClassVar[str] = LABEL
    kinds: ClassVar[tuple[str, ...]] = ("meta",)
    carrier: ClassVar[str] = "meta"
    number: ClassVar[str] = "The number after act= in the address bar of Meta Ads Manager."

    def read_number(self, text: str) -> str:
        """Return the digits, without `act_`."""
        digits = text.strip().removeprefix("act_").removeprefix("act=")
        if not re.fullmatch(r"[0-9]{5,20}", digits):
            raise BadInput("An ad account of Meta is named by its number, the one after act= in Ads Manager.")
        return digits

    def ask_account(self, line: Line, settings: Any, account: str) -> AccountTold:
        """Ask for the account itself."""
        query = {"fields": "name,currency,timezone_name"}
        found = _decode(_get(line, settings, f"act_{account}", query), _Account)
        if not found.currency or not found.timezone_name:
            raise unreadable(LABEL)
        return AccountTold(found.name or account, found.currency, found.timezone_name)

    def ask_days(
        self, line: Line, settings: Any, account: str, days: Days, waiting: Waiting, *, zone: str
    ) -> Spent | Waiting:
        """Ask page after page; all of them, or none counts."""
        query = {
            "level": "campaign", "time_increment": "1", "fields": _FIELDS, "limit": str(PAGE),
            "time_range": f'{{"since":"{days.first}","until":"{days.last}"}}',
        }  # fmt: skip
        rows: list[_Row] = []
        for _ in range(MOST_PAGES):
            page = _decode(_get(line, settings, f"act_{account}/insights", query), _Page)
            rows += page.data
            if not page.paging.next:
                return _spent(days, rows)
            if not page.paging.cursors.after:
                raise unreadable(LABEL)
            query = {**query, "after": page.paging.cursors.after}
        raise too_much(LABEL)


def _spent(days: Days, rows: list[_Row]) -> Spent:
    try:
        told = [
            DayTold(
                row.campaign_id, date.fromisoformat(row.date_start), micros_of_text(row.spend),
                int(row.inline_link_clicks), int(row.impressions),
            )
            for row in rows
        ]  # fmt: skip
    except ValueError:
        raise unreadable(LABEL) from None
    campaigns = {row.campaign_id: CampaignTold(row.campaign_id, row.campaign_name) for row in rows}
    return Spent(days, list(campaigns.values()), told)


def _get(line: Line, settings: MetaSettings, node: str, query: dict[str, str]) -> HttpAnswer:
    token = settings.access_token.get_secret_value()
    proof: dict[str, str] = {}
    if settings.app_secret is not None:
        secret = settings.app_secret.get_secret_value()
        proof = {"appsecret_proof": hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()}
    url = f"{settings.base_url.rstrip('/')}/{VERSION}/{node}?{urlencode({**query, **proof})}"
    answer = line.ask(lambda _: HttpRequest("GET", url, {"authorization": f"Bearer {token}"}))
    if answer.status != 200:
        raise _refused(answer)
    if answer.truncated:
        raise too_much(LABEL)
    return answer


def _refused(answer: HttpAnswer) -> Trouble:
    try:
        error = msgspec.json.decode(answer.body, type=_Failed).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        error = GraphError()
    if (error.code, error.error_subcode) == (100, TOO_MUCH_DATA):
        return too_much(LABEL)
    outcome = read_events(answer, [b""], lambda _: 0)[0]
    if (error.code, error.error_subcode) == (100, 33):
        outcome = Outcome(Class.CONFIG, outcome.code, "Meta does not find this ad account.")
    elif outcome.class_ is Class.CONFIG and (error.code in (3, 10) or 200 <= error.code <= 299):
        words = "The access token may not read this ad account; it needs the permission ads_read."
        outcome = worded(outcome, words)
    elif outcome.class_ is Class.ROW:
        outcome = Outcome(Class.BUG, outcome.code, f"code {outcome.code}.")
    return trouble_of(outcome, LABEL)


def _decode(answer: HttpAnswer, type_: Any) -> Any:
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise unreadable(LABEL) from None
