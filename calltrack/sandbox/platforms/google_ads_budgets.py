"""The twin's campaign budgets: read by search, changed whole or not at all, refused as Google refuses.

The account of the demo has a budget for each campaign. A file keeps what was changed, so that a restart of
the sandbox forgets nothing. Only plain values come in and go out.
"""

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from calltrack.sandbox.platforms.accounts import CUSTOMER_ID
from calltrack.sandbox.platforms.google_ads_checks import Fault

FILE: Final = "google-ads-budgets.json"
CURRENCY: Final = "EUR"
STEP: Final = 10_000
LEAST: Final = 100_000
LARGEST: Final = 10**13
_NAME: Final = re.compile(r"customers/([0-9]{10})/campaignBudgets/([0-9]{1,20})")
_ASKED: Final = re.compile(r"campaign_budget\.id IN \(([0-9, ]+)\)")
_BUDGET: Final = "campaign_budget_error"


@dataclass
class Budget:
    """A budget of the account: millionths a day, and the campaigns that spend from it, by number."""

    id: str
    name: str
    amount_micros: int
    campaigns: dict[str, str]
    explicitly_shared: bool = False
    is_removed: bool = False


# Number, name and daily amount of the campaigns of the demo company's account.
DEMO: Final = (
    ("21450000001", "Ricerca | Traslochi Roma", 13_000_000),
    ("21450000002", "Ricerca | Traslochi Milano", 14_000_000),
    ("21450000003", "preventivo-trasloco", 30_000_000),
    ("21450000004", "Marchio Aurelia", 2_000_000),
    ("21450000005", "Display | Prova creatività", 3_000_000),
)


def budget_of(campaign: str) -> Budget:
    """Return the budget of one of the demo's campaigns."""
    name, micros = next((name, micros) for id_, name, micros in DEMO if id_ == campaign)
    return Budget(str(int(campaign) + 9_000_000_000), name, micros, {campaign: name})


def demo_budgets() -> list[Budget]:
    """Return the budgets of the demo company's account, one for each campaign."""
    return [budget_of(campaign) for campaign, _, _ in DEMO]


class BudgetBook:
    """The budgets of the twin's accounts. Thread-safe."""

    def __init__(self, folder: Path | None) -> None:
        """Start from what an earlier run kept in the folder."""
        self._lock = threading.Lock()
        self._file = folder / FILE if folder is not None else None
        self._accounts: dict[str, dict[str, Budget]] = {}
        self.set(CUSTOMER_ID, demo_budgets())
        if self._file is not None and self._file.exists():
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            self._accounts = {
                customer: {id_: Budget(**one) for id_, one in budgets.items()}
                for customer, budgets in kept.items()
            }

    def set(self, customer: str, budgets: Sequence[Budget]) -> None:
        """Give an account these budgets in place of its own."""
        with self._lock:
            self._accounts[customer] = {one.id: one for one in budgets}

    def of_campaign(self, customer: str, campaign: str) -> Budget | None:
        """Return the budget that a campaign spends from; None: it is not known here."""
        with self._lock:
            budgets = self._accounts.get(customer, {}).values()
            return next((one for one in budgets if campaign in one.campaigns and not one.is_removed), None)

    def asked(self, customer: str, query: str) -> list[tuple[Budget, str, str]] | None:
        """Return budget, campaign number and name by row; None: the question is not about budgets."""
        found = _ASKED.search(query)
        if found is None or "campaign_budget.reference_count" not in query:
            return None
        wanted = {one.strip() for one in found[1].split(",")}
        with self._lock:
            return [
                (budget, *campaign)
                for budget in self._accounts.get(customer, {}).values()
                if budget.id in wanted and not budget.is_removed
                for campaign in budget.campaigns.items()
            ]

    def change(
        self, customer: str, amounts: Sequence[tuple[str, int, Sequence[str]]], *, dry_run: bool
    ) -> dict[int, Fault]:
        """Carry out all operations (resource name, amount, mask), or none; returns the faults by place."""
        with self._lock:
            mine = self._accounts.get(customer, {})
            faults = {
                place: fault
                for place, one in enumerate(amounts)
                if (fault := _fault(customer, mine, *one)) is not None
            }
            names = [name for name, _, _ in amounts]
            for place, name in enumerate(names):
                if names.index(name) < place:
                    twice = "Twice in this request."
                    faults[place] = Fault("mutate_error", "ID_EXISTS_IN_MULTIPLE_MUTATES", "", twice)
            if not faults and not dry_run:
                for name, micros, _ in amounts:
                    mine[name.rpartition("/")[2]].amount_micros = micros
                self._keep()
        return faults

    def plain(self) -> dict[str, Any]:
        """Return all accounts as plain values."""
        with self._lock:
            return self._plain()

    def _plain(self) -> dict[str, Any]:
        return {
            customer: {id_: asdict(one) for id_, one in budgets.items()}
            for customer, budgets in self._accounts.items()
        }

    def _keep(self) -> None:
        if self._file is not None:
            beside = self._file.with_suffix(".new")
            beside.write_text(json.dumps(self._plain()), encoding="utf-8")
            beside.replace(self._file)


def _fault(
    customer: str, mine: Mapping[str, Budget], name: str, micros: int, mask: Sequence[str]
) -> Fault | None:
    """Return the first thing wrong with an operation."""
    found = _NAME.fullmatch(name)
    budget = mine.get(found[2]) if found is not None and found[1] == customer else None
    if budget is None:
        return Fault("mutate_error", "RESOURCE_NOT_FOUND", "resource_name", "No such budget.")
    if not mask:
        return Fault("field_mask_error", "FIELD_MASK_MISSING", "update_mask", "Name the fields.")
    if list(mask) != ["amount_micros"]:
        code = "CANNOT_MODIFY_FIELD_OF_IMPLICITLY_SHARED_CAMPAIGN_BUDGET"
        return Fault(_BUDGET, code, "update_mask", "Only the amount may change here.")
    code = _wrong_amount(micros) if not budget.is_removed else "CAMPAIGN_BUDGET_REMOVED"
    return Fault(_BUDGET, code, "amount_micros", "The budget cannot be set so.") if code else None


def _wrong_amount(micros: int) -> str:
    if micros <= 0:
        return "NEGATIVE_MONEY_AMOUNT"
    if micros % STEP:
        return "NON_MULTIPLE_OF_MINIMUM_CURRENCY_UNIT"
    if micros > LARGEST:
        return "MONEY_AMOUNT_TOO_LARGE"
    return "BUDGET_BELOW_PER_DAY_MINIMUM" if micros < LEAST else ""
