"""Applying advice at Google: checked by a dry run, shown, confirmed by a person, sent once, settled, undone.

A change is written down as intended before it is sent. Where no answer comes, it is looked up by reading the
budgets, never sent again by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.budgets.changes import LOOKED_UP_AFTER, get_change, lines_in, words_of
from calltrack.budgets.making import newest_advice
from calltrack.budgets.model import BudgetAdvice, BudgetChange
from calltrack.budgets.reaching import Reach, reach
from calltrack.budgets.spent_lately import LATELY, spent_lately
from calltrack.budgets.wishes import Line, Wish, lines_of, wishes_of
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.infra.turns import take_turn
from calltrack.kernel.errors import BadInput, Conflict
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import EXPONENTS
from calltrack.wiring import Services

VALID_FOR: Final = timedelta(minutes=30)
"""How long a check may be confirmed: later, somebody may have changed the budgets."""
ADVICE_HOLDS: Final = timedelta(days=8)
Named = Mapping[str, Sequence[str]]


def check(
    services: Services,
    company_id: UUID,
    account_id: UUID,
    units: Sequence[str],
    named: Named,
    *,
    by: str,
) -> UUID:
    """Have the newest advice checked at one account, for the named units only; returns the change's id.

    Nothing is changed. Shared budgets wait for a person to name every campaign on them.

    Raises:
        BadInput: no unit is chosen.
        Conflict: there is no advice to follow, it is too old, or Google gave no verdict; the text says what
            to do.
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
        advice_id = advice.id
    if not wishes:
        raise BadInput("Choose at least one campaign whose budget is to change at this account.")
    return _checked(to, wishes, named, by, advice_id=advice_id)


def check_undo(
    services: Services, company_id: UUID, change_id: UUID, named: Named | None = None, *, by: str
) -> UUID:
    """Have it checked that a change is taken back: every budget gets its former amount; returns the new id.

    Raises:
        NotFound: the company has no such change.
        Conflict: it was never carried out.
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
    return _checked(to, wishes, known, by, undoes_id=change_id)


def name_campaigns(services: Services, company_id: UUID, change_id: UUID, named: Named, *, by: str) -> UUID:
    """Check a change again, now that a person named the campaigns on its shared budgets.

    Raises:
        NotFound: the company has no such change.
        Conflict: it is past that.
    """
    with services.db.tenant(company_id) as session:
        row = get_change(session, company_id, change_id)
        if row.state not in ("checked", "refused"):
            raise Conflict("This change was decided already; begin a new one.")
        undoes, account_id = row.undoes_id, row.account_id
        units = sorted({line.unit for line in lines_in(row)})
    # Where Google gives no verdict now, the change that was checked stays, and can be tried again.
    checked = (
        check(services, company_id, account_id, units, named, by=by)
        if undoes is None
        else check_undo(services, company_id, undoes, named, by=by)
    )
    with services.db.tenant(company_id) as session:
        row = get_change(session, company_id, change_id, lock=True)
        if row.state in ("checked", "refused"):
            row.state, row.said, row.settled_at = "dropped", "Checked again.", services.clock()
    return checked


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
    """Put a change aside that was checked and not confirmed; nothing was sent.

    Raises:
        NotFound: the company has no such change.
        Conflict: it was confirmed.
    """
    with services.db.tenant(company_id) as session:
        row = get_change(session, company_id, change_id, lock=True)
        if row.state not in ("checked", "refused", "dropped"):
            raise Conflict("This change was confirmed already; undo it instead.")
        row.state, row.settled_at, row.said = "dropped", services.clock(), f"Put aside by {by}."


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


def _checked(
    to: Reach,
    wishes: Sequence[Wish],
    named: Named,
    by: str,
    *,
    advice_id: UUID | None = None,
    undoes_id: UUID | None = None,
) -> UUID:
    """Read the budgets, have the change checked by a dry run, keep what came of it."""
    now = to.services.clock()
    found = to.read([wish.budget_id for wish in wishes])
    if isinstance(found, Outcome):
        raise Conflict(f"Nothing was changed. {words_of(found)}")
    lines = lines_of(wishes, found, named)
    amounts = {line.budget_id: line.wanted for line in lines if line.is_change}
    state, said = "checked", "Google would carry out this change."
    if not amounts:
        state, said = "refused", _nothing(lines)
    else:
        outcome = to.change(amounts, validate_only=True)
        if outcome.class_ is Class.LATER:
            # No verdict: the same check may pass in a minute, so nothing is kept that says it was refused.
            raise Conflict(f"Nothing was changed. {words_of(outcome)}")
        if outcome.class_ is not Class.DONE:
            state, said = "refused", words_of(outcome)
    row = BudgetChange(
        company_id=to.company_id,
        id=new_id(now),
        account_id=to.account_id,
        advice_id=advice_id,
        undoes_id=undoes_id,
        state=state,
        currency=next((one.currency for one in found.values()), ""),
        lines=[asdict(line) for line in lines],
        asked_by=by,
        asked_at=now,
        said=said,
        settled_at=now if state == "refused" else None,
    )
    with to.services.db.tenant(to.company_id) as session:
        session.add(row)
        session.flush()
        return row.id


def _nothing(lines: Sequence[Line]) -> str:
    if any(line.fate == "shared" for line in lines):
        return "What is left to change is shared by several campaigns; name them all to go on."
    return "There is nothing to change: see what is said beside each budget."


def _may_go(row: BudgetChange, now: datetime) -> None:
    if row.state != "checked":
        raise Conflict("This change is not waiting to be confirmed.")
    if now - row.asked_at > VALID_FOR:
        raise Conflict("This was checked more than half an hour ago; check it again first.")


def _is_alone(session: Session, row: BudgetChange) -> None:
    other = select(BudgetChange.id).where(
        BudgetChange.company_id == row.company_id,
        BudgetChange.account_id == row.account_id,
        BudgetChange.due_at.is_not(None),
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
