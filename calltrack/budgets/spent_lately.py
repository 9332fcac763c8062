"""What each budget at a platform cost in four weeks: how a campaign's amount is divided among its budgets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.kernel.origin import campaign_key

LATELY: Final = timedelta(weeks=4)
Origins = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class SpentLately:
    """Rows of (word, account, budget, millionths of the account's currency, minor units).

    The word is empty for campaigns that nobody matched: they are nobody's part, but may share a budget.
    """

    rows: tuple[tuple[str, UUID, str, int, int], ...]

    def at(self, account_id: UUID, origins: Origins) -> dict[str, tuple[int, int]]:
        """Return what each budget of an account cost for the campaigns of these origins."""
        keys, found = _keys(origins), dict[str, tuple[int, int]]()
        for key, account, budget, micros, minor in self.rows:
            if account == account_id and budget and key in keys:
                before = found.get(budget, (0, 0))
                found[budget] = (before[0] + micros, before[1] + minor)
        return found

    def beside(self, account_id: UUID, budget: str, origins: Origins) -> int:
        """Return what other campaigns spent from a budget, in millionths; those nobody matched, too."""
        keys = _keys(origins)
        return sum(
            micros
            for key, account, id_, micros, _ in self.rows
            if account == account_id and id_ == budget and key not in keys
        )

    def at_account(self, account_id: UUID, origins: Origins) -> int:
        """Return what the campaigns of these origins cost at one account, in minor units."""
        keys = _keys(origins)
        return sum(minor for key, account, _, _, minor in self.rows if account == account_id and key in keys)

    def total(self, origins: Origins) -> int:
        """Return what the campaigns of these origins cost at all accounts, in minor units."""
        keys = _keys(origins)
        return sum(minor for key, _, _, _, minor in self.rows if key in keys)


def spent_lately(session: Session, company_id: UUID, week: date) -> SpentLately:
    """Return what budgets cost in the four weeks up to the end of this one."""
    until = week + timedelta(weeks=1)
    rows = session.execute(_SPENT, {"company_id": company_id, "first": until - LATELY, "until": until})
    return SpentLately(tuple((*row[:3], int(row.micros), int(row.minor)) for row in rows))


def _keys(origins: Origins) -> set[str]:
    return {campaign_key(one["source"], one["medium"], one["campaign"]) for one in origins}


_SPENT = text(
    """
    SELECT c.campaign_key, c.account_id, c.budget_id, sum(d.cost_micros) AS micros,
           sum(d.cost_minor) AS minor
    FROM spend_day d JOIN spend_campaign c ON c.company_id = d.company_id AND c.id = d.campaign_id
    WHERE d.company_id = :company_id AND d.day >= :first AND d.day < :until AND d.cost_minor IS NOT NULL
    GROUP BY 1, 2, 3
    """
)
