"""Stored changes of budgets: their lines, and the words of outcomes beside them."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.budgets.model import BudgetChange
from calltrack.budgets.wishes import Line
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.kernel.errors import NotFound

# Longer than a request to Google may take: whoever sent it has settled it by then, or is dead.
LOOKED_UP_AFTER: Final = timedelta(seconds=90)
SHOWN: Final = 20
VALID_FOR: Final = timedelta(minutes=30)
"""How long a check may be confirmed: later, somebody may have changed the budgets."""


def recent_changes(session: Session, company_id: UUID) -> tuple[BudgetChange, ...]:
    """Return the newest changes, without those that were put aside or never checked."""
    rows = select(BudgetChange).where(
        BudgetChange.company_id == company_id,
        BudgetChange.state.not_in(("dropped", "refused", "checking", "unanswered")),
    )
    return tuple(session.scalars(rows.order_by(BudgetChange.asked_at.desc()).limit(SHOWN)))


def is_too_old(row: BudgetChange, now: datetime) -> bool:
    """Tell whether a check can be confirmed no more."""
    return row.state == "checked" and now - (row.checked_at or row.asked_at) > VALID_FOR


def open_checks(session: Session, company_id: UUID, now: datetime) -> dict[UUID, BudgetChange]:
    """Return by account the newest check that is under way or waits to be confirmed."""
    rows = session.scalars(
        select(BudgetChange)
        .where(
            BudgetChange.company_id == company_id,
            BudgetChange.state.in_(("checking", "checked")),
            BudgetChange.asked_at > now - 2 * VALID_FOR,
        )
        .order_by(BudgetChange.asked_at)
    )
    return {row.account_id: row for row in rows if not is_too_old(row, now)}


def applied_at(session: Session, company_id: UUID, advice_id: UUID) -> datetime | None:
    """Return when a change that follows this advice was last carried out; None: never, or it was undone.

    An undo that was undone itself counts no more.
    """
    done = (BudgetChange.company_id == company_id, BudgetChange.state == "done")
    undone_by: dict[UUID | None, list[UUID]] = {}
    undos = select(BudgetChange.id, BudgetChange.undoes_id).where(*done)
    for id_, undoes in session.execute(undos.where(BudgetChange.undoes_id.is_not(None))):
        undone_by.setdefault(undoes, []).append(id_)

    def stands(id_: UUID) -> bool:
        return not any(stands(one) for one in undone_by.get(id_, ()))

    followed = select(BudgetChange.id, BudgetChange.settled_at).where(*done)
    rows = session.execute(followed.where(BudgetChange.advice_id == advice_id))
    return max((row.settled_at for row in rows if stands(row.id)), default=None)


def lines_in(row: BudgetChange) -> tuple[Line, ...]:
    """Return the lines of a stored change."""
    return tuple(
        Line(**(one | {"campaigns": tuple(map(tuple, one["campaigns"])), "named": tuple(one["named"])}))
        for one in row.lines
    )


def words_of(outcome: Outcome, *, is_asked_again: bool = False) -> str:
    """Return what happened and the next step, in words; only a look-up is asked again by itself."""
    is_persons = outcome.class_ is Class.LATER and not is_asked_again
    hint = "Try it again in some minutes." if is_persons else outcome.hint
    return f"{outcome.message} {hint}".strip()


def get_change(session: Session, company_id: UUID, change_id: UUID, *, lock: bool = False) -> BudgetChange:
    """Return a change, locked until the end of the transaction if wished.

    Raises:
        NotFound: the company has no such change.
    """
    row = session.get(BudgetChange, (company_id, change_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("There is no such change.")
    return row
