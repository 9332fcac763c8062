"""Applying advice at Google: checked by a dry run, shown, confirmed by a person, sent once, settled, undone.

A change is written down as intended before it is sent. Where no answer comes, it is looked up by reading the
budgets, never sent again by itself.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.budgets.changes import LOOKED_UP_AFTER, get_change, is_too_old, lines_in, words_of
from calltrack.budgets.checking import Named, asked_for, begin
from calltrack.budgets.making import newest_advice
from calltrack.budgets.model import BudgetAdvice, BudgetChange
from calltrack.budgets.reaching import Reach, reach
from calltrack.budgets.spent_lately import LATELY, spent_lately
from calltrack.budgets.wishes import Line, Wish, wishes_of
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.infra.turns import take_turn
from calltrack.kernel.errors import BadInput, Conflict
from calltrack.kernel.money import EXPONENTS
from calltrack.wiring import Services

ADVICE_HOLDS: Final = timedelta(days=8)
# What came of a check and was not decided on.
OPEN: Final = ("checked", "refused", "unanswered")


def check(
    services: Services,
    company_id: UUID,
    account_id: UUID,
    units: Sequence[str],
    named: Named,
    *,
    by: str,
) -> UUID:
    """Ask for the newest advice to be checked at one account, for the named units; returns the change's id.

    Nothing is changed; a worker asks Google, and the change says what came of it. Shared budgets wait for a
    person to name every campaign on them.

    Raises:
        BadInput: no unit is chosen.
        Conflict: there is no advice to follow, it is too old, or another check is under way; the text says
            what to do.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        advice = newest_advice(session, company_id)
        if advice is None or not advice.result.get("recommended"):
            raise Conflict("There is no advice to follow now.")
        if now - advice.made_at > ADVICE_HOLDS:
            raise Conflict("The advice is more than a week old; have it made anew first.")
        to = reach(services, session, company_id, account_id)
        wishes = _wishes(session, advice, account_id, units)
        if not wishes:
            raise BadInput("Choose at least one campaign whose budget is to change at this account.")
        change_id = begin(session, to, wishes, named, by, advice_id=advice.id)
    services.nudges.wake("look_at_budgets", str(company_id))
    return change_id


def check_undo(
    services: Services, company_id: UUID, change_id: UUID, named: Named | None = None, *, by: str
) -> UUID:
    """Ask for a check that a change is taken back: every budget gets its former amount; returns the new id.

    Raises:
        NotFound: the company has no such change.
        Conflict: it was never carried out, or another check is under way.
    """
    with services.db.tenant(company_id) as session:
        row = get_change(session, company_id, change_id)
        if row.state != "done":
            raise Conflict("Only a change that was carried out can be taken back.")
        to = reach(services, session, company_id, row.account_id)
        sent = [line for line in lines_in(row) if line.is_change]
        wishes = [
            Wish(
                budget_id=line.budget_id,
                unit=line.unit,
                micros=line.before,
                is_raise=line.before > line.wanted,
                exact=True,
            )
            for line in sent
        ]
        known = {line.budget_id: line.named for line in sent} | dict(named or {})
        undo_id = begin(session, to, wishes, known, by, undoes_id=change_id)
    services.nudges.wake("look_at_budgets", str(company_id))
    return undo_id


def check_again(
    services: Services, company_id: UUID, change_id: UUID, named: Named | None = None, *, by: str
) -> UUID:
    """Ask for the same check once more, with campaigns on shared budgets a person named; returns the new id.

    Raises:
        NotFound: the company has no such change.
        Conflict: it is past that, or cannot be checked now; it stays as it is then.
    """
    with services.db.tenant(company_id) as session:
        row = get_change(session, company_id, change_id)
        if row.state not in OPEN:
            raise Conflict("This change was decided already; begin a new one.")
        undoes, account_id, (units, known) = row.undoes_id, row.account_id, asked_for(row)
    wanted = {**known, **(named or {})}
    if undoes is not None:
        again = check_undo(services, company_id, undoes, wanted, by=by)
    else:
        again = check(services, company_id, account_id, units, wanted, by=by)
    with services.db.tenant(company_id) as session:
        row = get_change(session, company_id, change_id, lock=True)
        if row.state in OPEN and row.id != again:
            row.state, row.said, row.settled_at = "dropped", "Checked again.", services.clock()
    return again


def confirm(services: Services, company_id: UUID, change_id: UUID, *, by: str) -> str:
    """Carry out a checked change; returns its state. A second call finds it decided.

    The intention comes first, then a last look at the budgets, then the change: of two people who confirm at
    once for one account, the second is refused.

    Raises:
        NotFound: the company has no such change.
        Conflict: it is not waiting, its check is too old, a budget was changed since, or another change of
            the account is under way.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        row = get_change(session, company_id, change_id)
        _may_go(row, now)
        take_turn(session, "budgets", row.account_id)
        row = get_change(session, company_id, change_id, lock=True)
        _may_go(row, now)
        _is_alone(session, row)
        to = reach(services, session, company_id, row.account_id)
        lines = [line for line in lines_in(row) if line.is_change]
        row.state, row.confirmed_by, row.sent_at = "sending", by, now
        row.due_at = now + LOOKED_UP_AFTER
        audit.note(
            session, company_id, by, "budget.confirmed", str(change_id), now,
            budgets={line.budget_id: [line.before, line.wanted] for line in lines},
        )  # fmt: skip
    if problem := _differs(to, lines):
        _give_back(to, change_id, problem)
        raise Conflict(problem.message)
    outcome = to.change({line.budget_id: line.wanted for line in lines}, validate_only=False)
    with services.db.tenant(company_id) as session:
        row = get_change(session, company_id, change_id, lock=True)
        if row.state == "sending":
            _settle(session, row, outcome, services.clock())
        return row.state


def drop(services: Services, company_id: UUID, change_id: UUID, *, by: str) -> None:
    """Put a change aside that is being checked, or was and is not confirmed; nothing was sent.

    Raises:
        NotFound: the company has no such change.
        Conflict: it was confirmed.
    """
    with services.db.tenant(company_id) as session:
        row = get_change(session, company_id, change_id, lock=True)
        if row.state not in (*OPEN, "checking", "dropped"):
            raise Conflict("This change was confirmed already; undo it instead.")
        row.state, row.settled_at, row.said = "dropped", services.clock(), f"Put aside by {by}."
        row.due_at = None


def _wishes(session: Session, advice: BudgetAdvice, account_id: UUID, units: Sequence[str]) -> list[Wish]:
    """Return what the advice wishes of the account's budgets, for the units named by id."""
    minor = int(10 ** EXPONENTS.get(advice.result["currency"], 2))
    lately = spent_lately(session, advice.company_id, advice.week)
    wishes: list[Wish] = []
    for one in advice.result["budgets"]:
        if one["id"] not in units and one["budget"] not in units:
            continue
        if one["verdict"] in ("raise", "cut"):
            here, total = lately.at(account_id, one["origins"]), lately.total(one["origins"])
            beside = {id_: lately.beside(account_id, id_, one["origins"]) / LATELY.days for id_ in here}
            weekly = round(one["recommended"] * minor)
            wishes += wishes_of(one["budget"], weekly, one["verdict"] == "raise", here, total, beside)
    return wishes


def _may_go(row: BudgetChange, now: datetime) -> None:
    if row.state != "checked":
        raise Conflict("This change is not waiting to be confirmed.")
    if is_too_old(row, now):
        raise Conflict("This was checked more than half an hour ago; check it again first.")


def _is_alone(session: Session, row: BudgetChange) -> None:
    other = select(BudgetChange.id).where(
        BudgetChange.company_id == row.company_id,
        BudgetChange.account_id == row.account_id,
        BudgetChange.due_at.is_not(None),
        BudgetChange.state != "checking",
        BudgetChange.id != row.id,
    )
    if session.scalar(other.limit(1)) is not None:
        raise Conflict("Another change of this account is under way; wait until it is settled.")


def _differs(to: Reach, lines: Sequence[Line]) -> Outcome | None:
    """Say what stands in the way of a change that was checked before; nothing was sent yet."""
    found = to.read([line.budget_id for line in lines])
    if isinstance(found, Outcome):
        return Outcome(Class.LATER, found.code, f"Nothing was changed. {words_of(found)}")
    for line in lines:
        now = found.get(line.budget_id)
        # Ids only: a campaign that was renamed is the same campaign.
        same = now is not None and {id_ for id_, _ in now.campaigns} == {id_ for id_, _ in line.campaigns}
        if now is None or now.amount_micros != line.before or not same:
            said = f"The budget {line.name} was changed at Google since the check, so nothing was sent."
            return Outcome(Class.ROW, "CHANGED_SINCE", said)
    return None


def _give_back(to: Reach, change_id: UUID, problem: Outcome) -> None:
    """End a change that was not sent, or let it wait again where Google could not be asked."""
    with to.services.db.tenant(to.company_id) as session:
        row = get_change(session, to.company_id, change_id, lock=True)
        if row.state == "sending":
            row.state = "checked" if problem.class_ is Class.LATER else "failed"
            row.said, row.due_at, row.sent_at = problem.message, None, None
            row.settled_at = to.services.clock() if row.state == "failed" else None


def _settle(session: Session, row: BudgetChange, outcome: Outcome, now: datetime) -> None:
    if outcome.class_ is Class.UNKNOWN:
        row.state, row.said = "unknown", "No answer came back; calltrack looks at the budgets and tells."
        row.due_at = now + LOOKED_UP_AFTER
        return
    row.state = "done" if outcome.class_ is Class.DONE else "failed"
    row.said, row.due_at, row.settled_at = words_of(outcome), None, now
    audit.note(session, row.company_id, "calltrack", f"budget.{row.state}", str(row.id), now)
