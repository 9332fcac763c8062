"""What the budget pages and the API read: the advice of now, where it can be applied, what was done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.budgets.making import newest_advice
from calltrack.budgets.model import BudgetPlan
from calltrack.budgets.spent_lately import SpentLately, spent_lately
from calltrack.delivery.model import DestinationAccount
from calltrack.kernel.money import EXPONENTS
from calltrack.spend.model import SpendAccount

PLATFORM_NAMES: Final = {
    "google_ads": "Google Ads",
    "meta": "Meta",
    "microsoft": "Microsoft Advertising",
    "file": "Imported file",
    "manual": "Typed in",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AdviceView:
    """The advice of now; amounts inside `result` are units of the currency."""

    id: UUID
    made_at: datetime
    result: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How the last look ended and when the next one is; `said` is empty before the first."""

    looked_at: datetime | None
    due_at: datetime | None
    said: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One campaign's new budget at one account; money in minor units of the company's currency."""

    unit_id: str
    name: str
    weekly_minor: int
    daily_minor: int
    before_daily_minor: int
    is_raise: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """An account at which budgets are to change: by a click where it is Google's and connected."""

    account_id: UUID
    name: str
    platform: str
    can_apply: bool
    moves: tuple[Move, ...]

    @property
    def label(self) -> str:
        """Return the platform as people call it."""
        return PLATFORM_NAMES[self.platform]


def advice_now(session: Session, company_id: UUID) -> AdviceView | None:
    """Return the newest advice."""
    row = newest_advice(session, company_id)
    return AdviceView(id=row.id, made_at=row.made_at, result=row.result) if row else None


def last_look(session: Session, company_id: UUID) -> Look:
    """Return how the last look at the weeks ended."""
    row = session.get(BudgetPlan, company_id)
    if row is None:
        return Look(looked_at=None, due_at=None, said="")
    return Look(looked_at=row.looked_at, due_at=row.due_at, said=row.said)


def places(session: Session, company_id: UUID, result: Mapping[str, Any]) -> tuple[Place, ...]:
    """Return where the recommended split changes something, account by account; Google's first."""
    moved = [one for one in result["budgets"] if one["verdict"] in ("raise", "cut")]
    if not result.get("recommended") or not moved:
        return ()
    from_week = _week(result)
    lately = spent_lately(session, company_id, from_week)
    reachable = set(
        session.scalars(
            select(DestinationAccount.id).where(
                DestinationAccount.company_id == company_id, DestinationAccount.status != "removed"
            )
        )
    )
    minor = int(10 ** EXPONENTS.get(result["currency"], 2))
    found = []
    for account in session.scalars(
        select(SpendAccount).where(SpendAccount.company_id == company_id).order_by(SpendAccount.name)
    ):
        moves = [move for one in moved if (move := _move(one, account.id, lately, minor)) is not None]
        if moves:
            can = account.platform == "google_ads" and account.destination_id in reachable
            found.append(
                Place(
                    account_id=account.id, name=account.name, platform=account.platform, can_apply=can,
                    moves=tuple(moves),
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda place: (not place.can_apply, place.label)))


def _week(result: Mapping[str, Any]) -> Any:
    return datetime.fromisoformat(result["week"]).date()


def _move(one: Mapping[str, Any], account_id: UUID, lately: SpentLately, minor: int) -> Move | None:
    here, total = lately.at_account(account_id, one["origins"]), lately.total(one["origins"])
    if not here or not total:
        return None
    weekly = round(one["recommended"] * minor * here / total)
    return Move(
        unit_id=one["id"],
        name=one["budget"],
        weekly_minor=weekly,
        daily_minor=round(weekly / 7),
        before_daily_minor=round(one["today"] * minor * here / total / 7),
        is_raise=one["verdict"] == "raise",
    )
