"""Advice for a company: made from its weeks and limits, kept with the fingerprint of these inputs."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.budgets.advice import Advice, Outlook, advise, outlook
from calltrack.budgets.history import history_of
from calltrack.budgets.keeping import Kept, constraints_for, kept_by
from calltrack.budgets.model import BudgetAdvice
from calltrack.budgets.record import forget_superseded, look_back
from calltrack.budgets.showing import Json, Printer, shown
from calltrack.budgets.units import Unit
from calltrack.budgets.weekly import Weeks, read_weeks
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import EXPONENTS
from calltrack.kernel.origin import words_of
from calltrack.wiring import Services

METHOD: Final = "curves-2"
"""Changes with the method: what was advised by another one is advised anew."""
NO_SPEND: Final = (
    "No campaign with spend is matched with the campaigns of your visits yet, or no whole week is over."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """What advice is made from: the weeks, what is to be kept, and the curves fitted to both."""

    currency: str
    zone: str
    weeks: Weeks
    kept: Kept
    seen: Outlook | None
    """None: the newest week cost nothing and no total was chosen, so there is nothing to divide."""

    @property
    def minor(self) -> int:
        """Return how many minor units the currency's unit has."""
        return int(10 ** EXPONENTS.get(self.currency, 2))


def advise_now(services: Services, company_id: UUID) -> str:
    """Make and keep the company's advice, look back on past ones; returns what came of it, in words.

    Twice is harmless: the same inputs are the same advice. No transaction is open while it computes.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        asked = ask(session, company_id, now)
        if asked is not None:
            look_back(session, company_id, asked.zone, asked.weeks.end, now)
            forget_superseded(session, company_id, now)
    if asked is None:
        return NO_SPEND
    if asked.seen is None:
        return "Nothing was spent in the newest week, so there is nothing to divide; or choose a total."
    mark = fingerprint(asked)
    result = as_kept(asked, asked.seen, advise(asked.seen))
    with services.db.tenant(company_id) as session:
        keep_advice(session, company_id, asked, mark, result, now)
    return str(result["reasons"][0]["text"])


def ask(session: Session, company_id: UUID, now: datetime) -> Asked | None:
    """Read what advice is made from; None where there is no matched spend."""
    company = session.get_one(Company, company_id)
    kept = kept_by(session, company_id)
    weeks = read_weeks(session, company_id, company.timezone, kept.counts, now)
    if weeks is None or not weeks.rows:
        return None
    constraints = constraints_for(weeks.units, kept)
    history = history_of(weeks.rows, constraints.groups)
    total = kept.total_minor or sum(history.today())
    minor = int(10 ** EXPONENTS.get(company.currency, 2))
    return Asked(
        currency=company.currency,
        zone=company.timezone,
        weeks=weeks,
        kept=kept,
        seen=outlook(history, total, constraints, minor) if total and any(history.today()) else None,
    )


def fingerprint(asked: Asked) -> str:
    """Return the SHA-256 of all that the advice follows from, in hex."""
    weeks = asked.weeks
    inputs = {
        "method": METHOD,
        "currency": asked.currency,
        "first": weeks.first.isoformat(),
        "counts": weeks.counts,
        "units": [[unit.name, unit.keys, [str(one.id) for one in unit.campaigns]] for unit in weeks.units],
        "rows": [[row.week, row.campaign, row.spend, row.conversions, row.value] for row in weeks.rows],
        "kept": asdict(asked.kept) | {"limits": {k: v.to_json() for k, v in asked.kept.limits.items()}},
        "beside": asdict(weeks.beside),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def as_kept(asked: Asked, seen: Outlook, advice: Advice) -> Json:
    """Return the advice as it is stored, shown and answered by the API."""
    result = shown(seen, advice, asked.currency)
    to = Printer(seen.history.names, asked.currency)
    units = {unit.name: unit for unit in asked.weeks.units}
    split = advice.recommended
    for place, (name, row) in enumerate(zip(seen.history.names, result["budgets"], strict=True)):
        today = seen.history.today()[place]
        row |= _of_unit(units[name], asked.kept)
        row["today"] = to.amount(today)
        row["unchanged"] = to.amount(advice.unchanged[place] if advice.unchanged else today)
        row["recommended"] = to.amount(split[place]) if split else None
        # From what was spent, not from its share of another total: that is what a person will see change.
        row["change"] = to.amount(split[place] - today) if split else None
        row["verdict"] = _verdict(row)
    result["week"] = asked.weeks.newest.isoformat()
    result["first_week"] = asked.weeks.first.isoformat()
    result["counts"] = asked.weeks.counts
    result["beside"] = _beside(asked, to)
    return result


def keep_advice(
    session: Session, company_id: UUID, asked: Asked, mark: str, result: Json, now: datetime
) -> UUID:
    """Keep the advice and return its id; from the same inputs it is the one kept before, and newest again."""
    statement = insert(BudgetAdvice).values(
        company_id=company_id, id=new_id(now), week=asked.weeks.newest, made_at=now, fingerprint=mark,
        counts=asked.weeks.counts, result=result,
    )  # fmt: skip
    found = session.execute(
        statement.on_conflict_do_update(
            index_elements=["company_id", "week", "fingerprint"], set_={"made_at": now}
        ).returning(BudgetAdvice.id)
    )
    return found.scalar_one()


def newest_advice(session: Session, company_id: UUID) -> BudgetAdvice | None:
    """Return the company's advice of now."""
    return session.scalars(
        select(BudgetAdvice)
        .where(BudgetAdvice.company_id == company_id)
        .order_by(BudgetAdvice.made_at.desc(), BudgetAdvice.id.desc())
        .limit(1)
    ).first()


def _of_unit(unit: Unit, kept: Kept) -> Json:
    limits = [kept.limits[key] for key in unit.keys if key in kept.limits]
    return {
        "id": unit.id,
        "is_shared": unit.is_shared,
        "is_locked": any(limit.locked for limit in limits),
        "origins": [
            dict(zip(("source", "medium", "campaign"), words_of(key), strict=True)) for key in unit.keys
        ],
        "platforms": sorted({one.platform for one in unit.campaigns}),
    }


def _verdict(row: Json) -> str:
    if not row["today"]:
        return "off"
    if row["is_locked"]:
        return "locked"
    change = row["change"] or 0
    # Less than a hundredth is no move worth a person's time.
    if abs(change) < 0.01 * max(row["today"], 0.01):
        return "keep"
    return "raise" if change > 0 else "cut"


def _beside(asked: Asked, to: Printer) -> dict[str, Any]:
    beside = asked.weeks.beside
    return asdict(beside) | {
        "unmatched": [{"name": name, "amount": to.amount(minor)} for name, minor in beside.unmatched],
        "unmatched_amount": to.amount(beside.unmatched_minor),
        "without_campaign": round(beside.without_campaign, 1),
        "without_spend": round(beside.without_spend, 1),
        "of_campaigns": round(beside.of_campaigns, 1),
        "stale": list(beside.stale),
    }
