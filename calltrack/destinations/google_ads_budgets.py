"""Budgets of a Google Ads account: the question for them, the change of amounts, and what the answers mean.

`request`s are in REST form, as everywhere; the google-ads client carries them over gRPC. Amounts are
millionths of the account's currency a day. A change is one request that is carried out whole or not at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from calltrack.destinations.google_ads import VERSION
from calltrack.destinations.google_ads_answers import read_trial
from calltrack.destinations.google_settings import GoogleAdsSettings
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.money import EXPONENTS

MICROS: Final = 1_000_000
_FIELDS: Final = (
    "campaign.id", "campaign.name", "campaign_budget.id", "campaign_budget.name",
    "campaign_budget.amount_micros", "campaign_budget.explicitly_shared", "campaign_budget.reference_count",
    "campaign_budget.period", "campaign_budget.status", "customer.currency_code",
)  # fmt: skip
CHECKED: Final = Outcome(Class.DONE, "VALID", "Google would carry out this change.")
CHANGED: Final = Outcome(Class.DONE, "OK", "Google has changed the budgets.")
# Code -> what it means and what to do.
REASONS: Final[dict[str, tuple[str, str]]] = {
    "CAMPAIGN_BUDGET_REMOVED": ("A budget was removed at Google.", "Read the spend again, then try anew."),
    "CANNOT_MODIFY_FIELD_OF_IMPLICITLY_SHARED_CAMPAIGN_BUDGET": (
        "Google keeps a budget for its one campaign and does not let this be changed.",
        "Change it in Google Ads by hand.",
    ),
    "MONEY_AMOUNT_IN_WRONG_CURRENCY": (
        "The amount is in another currency than the account.",
        "Read the spend again, then try anew.",
    ),
    "MONEY_AMOUNT_LESS_THAN_CURRENCY_MINIMUM_CPC": (
        "An amount is less than the least that a click costs.",
        "Set a floor for this campaign.",
    ),
    "MONEY_AMOUNT_TOO_LARGE": ("An amount is larger than Google takes.", "Set a cap for this campaign."),
    "NEGATIVE_MONEY_AMOUNT": ("An amount is not above 0.", "Set a floor for this campaign."),
    "NON_MULTIPLE_OF_MINIMUM_CURRENCY_UNIT": (
        "An amount is finer than the smallest unit of the account's currency.",
        "Ask whoever runs calltrack to look at it.",
    ),
    "BUDGET_BELOW_PER_DAY_MINIMUM": (
        "A budget would be less a day than Google allows.",
        "Set a floor for this campaign.",
    ),
    "RESOURCE_NOT_FOUND": ("A budget is not there any more.", "Read the spend again, then try anew."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetNow:
    """A budget as it stands at Google; campaigns by id and name, removed ones left out."""

    id: str
    name: str
    amount_micros: int
    currency: str
    is_daily: bool
    explicitly_shared: bool
    reference_count: int
    campaigns: tuple[tuple[str, str], ...]

    @property
    def is_shared(self) -> bool:
        """Whether a change of it may reach more than one campaign."""
        return self.explicitly_shared or self.reference_count > 1 or len(self.campaigns) > 1


def unit_micros(currency: str) -> int:
    """Return the smallest step of amounts in a currency: 10 000 where it has two decimals."""
    return int(MICROS // 10 ** EXPONENTS.get(currency, 2))


def rounded(micros: float, currency: str) -> int:
    """Return the nearest amount that the currency can hold, at least one step."""
    step = unit_micros(currency)
    return max(round(micros / step), 1) * step


def read_request(settings: GoogleAdsSettings, budgets: Sequence[str], token: str | None) -> HttpRequest:
    """Ask for budgets by their numbers, with every campaign that spends from them."""
    wanted = ", ".join(str(int(one)) for one in budgets)
    query = (
        f"SELECT {', '.join(_FIELDS)} FROM campaign "  # noqa: S608 - numbers only
        f"WHERE campaign.status != 'REMOVED' AND campaign_budget.id IN ({wanted})"
    )
    url = f"{_base(settings)}/googleAds:searchStream"
    return HttpRequest("POST", url, _headers(settings, token), msgspec.json.encode({"query": query}))


def change_request(
    settings: GoogleAdsSettings, amounts: Mapping[str, int], token: str | None, *, validate_only: bool
) -> HttpRequest:
    """Ask for new amounts by budget; all of them or none. `validate_only` has them checked, not changed."""
    operations = [
        {
            "updateMask": "amountMicros",
            "update": {
                "resourceName": f"customers/{settings.customer_id}/campaignBudgets/{int(budget)}",
                "amountMicros": str(micros),
            },
        }
        for budget, micros in sorted(amounts.items())
    ]
    body = msgspec.json.encode({"operations": operations, "validateOnly": validate_only})
    return HttpRequest("POST", f"{_base(settings)}/campaignBudgets:mutate", _headers(settings, token), body)


class _Budget(msgspec.Struct):
    id: str
    name: str = ""
    amountMicros: str = "0"  # noqa: N815 (Google's spelling, here and below)
    explicitlyShared: bool = False  # noqa: N815
    referenceCount: str = "0"  # noqa: N815
    period: str = "DAILY"
    status: str = "ENABLED"


class _Campaign(msgspec.Struct):
    id: str
    name: str = ""


class _Customer(msgspec.Struct):
    currencyCode: str = ""  # noqa: N815


class _Row(msgspec.Struct):
    campaign: _Campaign
    campaignBudget: _Budget  # noqa: N815
    customer: _Customer = msgspec.field(default_factory=_Customer)


class _Page(msgspec.Struct):
    results: list[_Row] = []


def read_budgets(answer: HttpAnswer) -> dict[str, BudgetNow] | Outcome:
    """Return the budgets by number; an outcome says why there are none."""
    if answer.status != 200:
        return refusal(answer)
    try:
        pages = msgspec.json.decode(answer.body, type=list[_Page])
        together: dict[str, list[_Row]] = {}
        for row in (row for page in pages for row in page.results):
            if row.campaignBudget.status != "REMOVED":
                together.setdefault(row.campaignBudget.id, []).append(row)
        return {id_: _budget(rows) for id_, rows in together.items()}
    except (msgspec.MsgspecError, ValueError):
        return Outcome(Class.LATER, "UNREADABLE", "Google's answer could not be read.", "Try again.")


def read_change(answer: HttpAnswer, *, validate_only: bool) -> Outcome:
    """Return what became of a change: DONE, UNKNOWN (look at the budgets), or why it was refused whole."""
    if answer.status == 200:
        if validate_only:
            return CHECKED
        return CHANGED if answer.body.lstrip().startswith(b"{") else _unread()
    return refusal(answer)


def refusal(answer: HttpAnswer) -> Outcome:
    """Return why Google refused a question or a change; nothing was changed."""
    code = _budget_code(answer)
    if code in REASONS:
        message, hint = REASONS[code]
        return Outcome(Class.ROW, code, message, hint)
    found = read_trial(answer, 1)[0]
    if found.class_ in (Class.LATER, Class.CONFIG):
        return found
    named = code or found.code
    return Outcome(
        Class.ROW, named, f"Google refused it ({named}).", "Change the budget in Google Ads by hand."
    )


def _unread() -> Outcome:
    return Outcome(Class.UNKNOWN, "UNREADABLE_200", "Google's answer could not be read.")


def _budget(rows: Sequence[_Row]) -> BudgetNow:
    budget = rows[0].campaignBudget
    return BudgetNow(
        id=budget.id,
        name=budget.name,
        amount_micros=int(budget.amountMicros),
        currency=rows[0].customer.currencyCode,
        is_daily=budget.period == "DAILY",
        explicitly_shared=budget.explicitlyShared,
        reference_count=int(budget.referenceCount),
        campaigns=tuple(sorted((one.campaign.id, one.campaign.name) for one in rows)),
    )


class _Error(msgspec.Struct):
    errorCode: dict[str, str | int] = {}  # noqa: N815


class _Failure(msgspec.Struct):
    errors: list[_Error] = []


class _Status(msgspec.Struct):
    details: list[_Failure] = []


class _Refused(msgspec.Struct):
    error: _Status = msgspec.field(default_factory=_Status)


def _budget_code(answer: HttpAnswer) -> str:
    """Return the first code about budgets in a refusal; nothing where Google speaks of something else."""
    try:
        said = msgspec.json.decode(answer.body, type=_Refused)
    except (msgspec.MsgspecError, RecursionError):
        return ""
    codes = [code for one in said.error.details for error in one.errors for code in error.errorCode.items()]
    return next(
        (
            str(code)
            for enum, code in codes
            if enum in ("campaignBudgetError", "mutateError", "fieldMaskError")
        ),
        "",
    )


def _base(settings: GoogleAdsSettings) -> str:
    return f"{settings.base_url.rstrip('/')}/{VERSION}/customers/{settings.customer_id}"


def _headers(settings: GoogleAdsSettings, token: str | None) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    if settings.login_customer_id is not None:
        headers["login-customer-id"] = settings.login_customer_id
    if token:
        headers["authorization"] = f"Bearer {token}"
    return headers
