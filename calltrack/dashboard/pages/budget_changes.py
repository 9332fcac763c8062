"""Applying advice: a check at Google Ads, its differences, the confirmation, undo."""

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.budgets import applying
from calltrack.budgets.changes import get_change, is_too_old, lines_in, recent_changes
from calltrack.budgets.record import past_advice
from calltrack.dashboard.access import Here, page, require_password
from calltrack.dashboard.budget_words import Amounts, moves
from calltrack.dashboard.show import of_platform
from calltrack.kernel.errors import BadInput, Conflict, NotAllowed
from calltrack.kernel.ids import parse_id
from calltrack.spend.model import SpendAccount
from calltrack.wiring import Services


@page("/budget/check", "manager", ("POST",))
def check_budgets(services: Services, here: Here) -> ResponseReturnValue:
    """Ask for the chosen moves to be checked at an account; nothing is changed."""
    company_id, units = here.company.id, request.form.getlist("unit")
    try:
        account_id = parse_id(request.form.get("account", ""))
        change_id = applying.check(services, company_id, account_id, units, {}, by=here.who.email)
    except (BadInput, Conflict) as problem:
        flash(str(problem), "problem")
        return redirect(url_for("dashboard.budget", company_id=company_id, _anchor="apply"), 303)
    return _to(here, change_id)


@page("/budget/changes/<id:change_id>", "manager")
def budget_change(services: Services, here: Here, change_id: UUID) -> ResponseReturnValue:
    """Show what a change would do, or did."""
    with services.db.tenant(here.company.id) as session:
        row = get_change(session, here.company.id, change_id)
        account = session.get(SpendAccount, (here.company.id, row.account_id))
    return render_template(
        "budget_change.html",
        row=row,
        lines=lines_in(row),
        account=account.name if account else "an account that was removed",
        is_old=is_too_old(row, here.now),
        micros=lambda amount: of_platform(amount, row.currency or "EUR"),
    )


@page("/budget/changes/<id:change_id>", "manager", ("POST",))
def decide_budget_change(services: Services, here: Here, change_id: UUID) -> ResponseReturnValue:
    """Carry out a checked change, name the campaigns on its shared budgets, put it aside, or undo it."""
    wish, company_id, by = request.form.get("do", ""), here.company.id, here.who.email
    try:
        if wish == "confirm":
            require_password(here)
            state = applying.confirm(services, company_id, change_id, by=by)
            flash(*_told(state))
        elif wish == "name":
            change_id = applying.check_again(services, company_id, change_id, _named(), by=by)
        elif wish == "again":
            change_id = applying.check_again(services, company_id, change_id, by=by)
        elif wish == "undo":
            change_id = applying.check_undo(services, company_id, change_id, by=by)
        elif wish == "drop":
            applying.drop(services, company_id, change_id, by=by)
            flash("Put aside; nothing was changed.")
        else:
            with services.db.tenant(company_id) as session:
                get_change(session, company_id, change_id)
            flash("Choose what to do with this change.", "problem")
    except (BadInput, Conflict, NotAllowed) as problem:
        flash(str(problem), "problem")
    return _to(here, change_id)


@page("/budget/record", "viewer")
def budget_record(services: Services, here: Here) -> ResponseReturnValue:
    """Show past advice against what happened, and what was changed from here."""
    with services.db.tenant(here.company.id) as session:
        past = past_advice(session, here.company.id)
        changes = recent_changes(session, here.company.id)
    return render_template(
        "budget_record.html", past=past, changes=changes, of=Amounts(here.company.currency), moves=moves
    )


def _named() -> dict[str, list[str]]:
    """Return the campaigns that were ticked, by budget."""
    return {
        name.removeprefix("name-"): values
        for name, values in request.form.lists()
        if name.startswith("name-")
    }


def _told(state: str) -> tuple[str, Any]:
    if state == "done":
        return "Google has changed the budgets.", "message"
    if state == "unknown":
        return "No answer came from Google; calltrack looks at the budgets and tells here.", "problem"
    return "Google did not change the budgets; see below why.", "problem"


def _to(here: Here, change_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("dashboard.budget_change", company_id=here.company.id, change_id=change_id), 303)
