"""Checks of changes at Google, asked for by people and made by workers: a dry run whose end the page shows.

A check changes nothing, so it may run twice; a lease brings back what a dead worker had begun. One account
has one check under way at a time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.budgets.changes import LOOKED_UP_AFTER, get_change, words_of
from calltrack.budgets.model import BudgetChange
from calltrack.budgets.reaching import Reach, reach
from calltrack.budgets.wishes import Line, Wish, lines_of
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.infra.turns import take_turn
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services

Named = Mapping[str, Sequence[str]]
# How long after a missing answer Google is asked again; then nobody waits any more.
WAITS: Final = (timedelta(seconds=5), timedelta(seconds=20), timedelta(seconds=60))


@dataclass(frozen=True)
class Verdict:
    """What came of a check: the change's state, its lines and what is said; `wait`: it is asked again."""

    state: str
    said: str
    lines: Sequence[Line] = ()
    currency: str = ""
    wait: timedelta | None = None


def begin(
    session: Session, to: Reach, wishes: Sequence[Wish], named: Named, by: str, *,
    advice_id: UUID | None = None, undoes_id: UUID | None = None,
) -> UUID:  # fmt: skip
    """Write down that a check is wanted and return the change's id; the caller wakes `look_at_budgets`.

    Who asks for the same as is under way already gets that one.

    Raises:
        Conflict: another check of the account is under way.
    """
    now, request = to.services.clock(), _request(wishes, named)
    take_turn(session, "budget checks", to.account_id)
    other = session.scalars(
        select(BudgetChange).where(
            BudgetChange.company_id == to.company_id,
            BudgetChange.account_id == to.account_id,
            BudgetChange.state == "checking",
        )
    ).one_or_none()
    if other is not None and (other.request, other.undoes_id) == (request, undoes_id):
        return other.id
    if other is not None:
        raise Conflict(
            "Another check of this account is under way. Wait for its end, which comes within minutes,"
            " or put it aside."
        )
    row = BudgetChange(
        company_id=to.company_id, id=new_id(now), account_id=to.account_id, advice_id=advice_id,
        undoes_id=undoes_id, state="checking", currency="", lines=[], request=request, asked_by=by,
        asked_at=now, due_at=now, said="Google is being asked what it would do.",
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def check_due(services: Services, company_id: UUID) -> int:
    """Make the checks that are due; returns how many were worked on. Twice is harmless."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        rows = session.scalars(
            select(BudgetChange)
            .where(
                BudgetChange.company_id == company_id,
                BudgetChange.state == "checking",
                BudgetChange.due_at <= now,
            )
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            row.due_at, row.tries = now + LOOKED_UP_AFTER, row.tries + 1
        claimed = [(row.id, row.tries) for row in rows]
    for change_id, tries in claimed:
        verdict = _check(services, company_id, change_id, tries)
        with services.db.tenant(company_id) as session:
            _settle(session, company_id, change_id, tries, verdict, services.clock())
    if claimed:
        services.nudges.show(str(company_id))
    return len(claimed)


def asked_for(row: BudgetChange) -> tuple[list[str], Named]:
    """Return the units and the named campaigns that a stored change was asked for with."""
    wishes = row.request.get("wishes") or row.lines
    named = row.request.get("named") or {one["budget_id"]: one["named"] for one in row.lines if one["named"]}
    return sorted({one["unit"] for one in wishes}), named


def _request(wishes: Sequence[Wish], named: Named) -> dict[str, Any]:
    told = {"wishes": [asdict(one) for one in wishes], "named": {id_: list(of) for id_, of in named.items()}}
    found: dict[str, Any] = json.loads(json.dumps(told))
    return found


def _check(services: Services, company_id: UUID, change_id: UUID, tries: int) -> Verdict:
    try:
        with services.db.tenant(company_id) as session:
            row = get_change(session, company_id, change_id)
            wishes, named = [Wish(**one) for one in row.request["wishes"]], row.request["named"]
            to = reach(services, session, company_id, row.account_id)
    except (NotFound, Conflict) as problem:
        return Verdict("refused", f"Nothing was changed. {problem}")
    found = to.read([wish.budget_id for wish in wishes])
    if isinstance(found, Outcome):
        return _without(found, tries)
    lines = lines_of(wishes, found, named)
    currency = next((one.currency for one in found.values()), "")
    amounts = {line.budget_id: line.wanted for line in lines if line.is_change}
    if not amounts:
        return Verdict("refused", _nothing(lines), lines, currency)
    outcome = to.change(amounts, validate_only=True)
    if outcome.class_ is Class.LATER:
        return _without(outcome, tries)
    if outcome.class_ is not Class.DONE:
        return Verdict("refused", words_of(outcome), lines, currency)
    return Verdict("checked", "Google would carry out this change.", lines, currency)


def _without(outcome: Outcome, tries: int) -> Verdict:
    """Return what a question without lines to show comes to: asked again, no answer, or refused."""
    if outcome.class_ is not Class.LATER:
        return Verdict("refused", f"Nothing was changed. {words_of(outcome)}")
    if tries > len(WAITS):
        return Verdict("unanswered", f"Nothing was changed. {words_of(outcome)}")
    return Verdict("checking", f"{outcome.message} calltrack asks again.", wait=WAITS[tries - 1])


def _settle(
    session: Session, company_id: UUID, change_id: UUID, tries: int, verdict: Verdict, now: datetime
) -> None:
    """Keep a verdict, unless the check was put aside or another worker has it by now."""
    row = get_change(session, company_id, change_id, lock=True)
    if (row.state, row.tries) != ("checking", tries):
        return
    row.state, row.said, row.currency = verdict.state, verdict.said, verdict.currency
    row.lines = [asdict(line) for line in verdict.lines]
    row.due_at = None if verdict.wait is None else now + verdict.wait
    if verdict.state == "checked":
        row.checked_at = now
    elif verdict.wait is None:
        row.settled_at = now


def _nothing(lines: Sequence[Line]) -> str:
    if any(line.fate == "shared" for line in lines):
        return "What is left to change is shared by several campaigns; name them all to go on."
    return "There is nothing to change: see what is said beside each budget."
