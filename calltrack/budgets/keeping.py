"""What a company wants kept when its budget is divided: read, changed, put into the words of the rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.budgets.limits import MOST_CHANGE, Constraints
from calltrack.budgets.model import BudgetPlan
from calltrack.budgets.units import Unit
from calltrack.kernel.errors import BadFields
from calltrack.kernel.money import LARGEST_MINOR

COUNTS: Final = ("auto", "lead", "purchase")
HUNDREDTHS: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """What one budget must keep to, a week, in minor units."""

    floor: int | None = None
    cap: int | None = None
    locked: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what is stored: only what was set."""
        found: dict[str, Any] = {"floor": self.floor, "cap": self.cap, "locked": self.locked or None}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What a company wants kept; shares in hundredths of a percent, amounts in minor units a week."""

    counts: str = "auto"
    total_minor: int | None = None
    most_change: int = 3000
    late_share: int = 0
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """Campaign's word -> its limit."""


def kept_by(session: Session, company_id: UUID) -> Kept:
    """Return what the company wants kept; the usual where it never said."""
    row = session.get(BudgetPlan, company_id)
    if row is None:
        return Kept()
    return Kept(
        counts=row.counts,
        total_minor=row.total_minor,
        most_change=row.most_change,
        late_share=row.late_share,
        limits={key: Limit(**value) for key, value in row.limits.items()},
    )


def keep(session: Session, company_id: UUID, wanted: Kept, now: datetime, *, by: str) -> None:
    """Store what the company wants kept; advice is due at once.

    Raises:
        BadFields: an amount, share or word makes no sense; the text names each.
    """
    problems = _problems(wanted)
    if problems:
        raise BadFields(" ".join(problems.values()), problems)
    session.execute(insert(BudgetPlan).values(company_id=company_id).on_conflict_do_nothing())
    row = session.scalars(
        select(BudgetPlan).where(BudgetPlan.company_id == company_id).with_for_update()
    ).one()
    row.counts, row.total_minor = wanted.counts, wanted.total_minor
    row.most_change, row.late_share = wanted.most_change, wanted.late_share
    row.limits = {key: stored for key, limit in wanted.limits.items() if (stored := limit.to_json())}
    row.changed_by, row.changed_at, row.due_at, row.tries = by, now, now, 0
    audit.note(session, company_id, by, "budget.limits", "", now, limits=len(row.limits))


def constraints_for(units: tuple[Unit, ...], kept: Kept) -> Constraints:
    """Return the constraints by the budgets' names; members' floors and caps add up, one lock holds all."""
    floors, caps, locked = {}, {}, set()
    for unit in units:
        mine = [kept.limits[key] for key in unit.keys if key in kept.limits]
        if any(limit.floor is not None for limit in mine):
            floors[unit.name] = sum(limit.floor or 0 for limit in mine)
        if any(limit.cap is not None for limit in mine):
            caps[unit.name] = sum(limit.cap for limit in mine if limit.cap is not None)
        if any(limit.locked for limit in mine):
            locked.add(unit.name)
    return Constraints(
        floors=floors,
        caps=caps,
        locked=frozenset(locked),
        groups={unit.name: unit.labels for unit in units if unit.is_shared},
        most_change=Fraction(kept.most_change, HUNDREDTHS),
        late_share=kept.late_share / HUNDREDTHS,
    )


def _problems(wanted: Kept) -> dict[str, str]:
    found = {}
    if wanted.counts not in COUNTS:
        found["counts"] = f"What counts is one of {', '.join(COUNTS)}."
    if wanted.total_minor is not None and not 0 < wanted.total_minor <= LARGEST_MINOR:
        found["total"] = "The total is an amount above 0, or nothing for what was spent last week."
    if not 0 < wanted.most_change <= MOST_CHANGE * HUNDREDTHS:
        found["most_change"] = "The most change is a share above 0 and up to 30 %."
    if not 0 <= wanted.late_share <= 9000:
        found["late_share"] = "The share told late is from 0 to 90 %."
    for key, limit in wanted.limits.items():
        if not all(0 <= each <= LARGEST_MINOR for each in (limit.floor, limit.cap) if each is not None):
            found[f"limit:{key}"] = "Floors and caps are amounts from 0 on."
        elif limit.floor is not None and limit.cap is not None and limit.floor > limit.cap:
            found[f"limit:{key}"] = "A floor is above its cap; change one of them."
    return found
