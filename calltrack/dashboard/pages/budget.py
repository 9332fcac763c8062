"""Budget: what to cut and what to raise, how sure that is and why; another split tried; limits."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.budgets.changes import applied_at, open_checks
from calltrack.budgets.dearest import dearest
from calltrack.budgets.keeping import COUNTS, Kept, Limit, keep, kept_by
from calltrack.budgets.making import advise_now
from calltrack.budgets.queries import advice_now, last_look, places
from calltrack.budgets.trying import try_split
from calltrack.budgets.units import units_of
from calltrack.budgets.warming import warm_up
from calltrack.budgets.weekly import campaigns_of
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.budget_words import Amounts, counted, day_in_words, moves, whisker, widest
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import parse_money
from calltrack.wiring import Services

CHANGES = tuple((share, f"{share} %") for share in (5, 10, 15, 20, 25, 30))
LATE = tuple((share, f"{share} %") for share in (0, 10, 20, 30, 40, 50))


@page("/budget", "viewer")
def budget(services: Services, here: Here) -> ResponseReturnValue:
    """Show the advice of now."""
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        found = advice_now(session, company_id)
        look = last_look(session, company_id)
        targets = places(session, company_id, found.result) if found else ()
        applied = applied_at(session, company_id, found.id) if found else None
        checks = open_checks(session, company_id, here.now)
        answer = _tried(services, here) if found and _wishes(here) else None
    if here.may("manager") and any(place.can_apply for place in targets):
        warm_up(services)
    return render_template(
        "budget.html",
        found=found,
        look=look,
        places=targets,
        applied=applied,
        checks=checks,
        answer=answer,
        wished={name.removeprefix("t-"): text for name, text in request.args.items()},
        of=Amounts(here.company.currency),
        whisker=whisker,
        widest=widest,
        counts_text=counted,
        moves=moves,
        day_of=day_in_words,
    )


@page("/budget/what-if", "viewer")
def budget_what_if(services: Services, here: Here) -> ResponseReturnValue:
    """Answer a split that somebody tries, as the part of the page that shows it."""
    return render_template(
        "_budget_try.html", answer=_tried(services, here), of=Amounts(here.company.currency)
    )


@page("/budget/advise", "manager", ("POST",))
def make_advice(services: Services, here: Here) -> ResponseReturnValue:
    """Make the advice anew from what is known now."""
    flash(f"Looked again. {advise_now(services, here.company.id)}")
    return _back(here)


@page("/budget/limits", "manager")
def budget_limits(services: Services, here: Here) -> ResponseReturnValue:
    """Show what is to be kept."""
    return _limits(services, here, None)


@page("/budget/limits", "manager", ("POST",))
def change_budget_limits(services: Services, here: Here) -> ResponseReturnValue:
    """Store what is to be kept, and make the advice anew."""
    form, company_id = typed("limits"), here.company.id
    try:
        with services.db.tenant(company_id) as session:
            wanted = _wanted(form, here, session)
            with form.about(""):
                keep(session, company_id, wanted, here.now, by=here.who.email)
    except WrongForm:
        return _limits(services, here, form), form.status
    flash(f"Saved. {advise_now(services, company_id)}")
    return _back(here)


def _wanted(form: Typed, here: Here, session: Any) -> Kept:
    before = kept_by(session, here.company.id)
    limits = dict(before.limits)
    for unit in units_of(campaigns_of(session, here.company.id)):
        if not any(f"{name}-{unit.id}" in form.values for name in ("floor", "cap", "lock")):
            continue  # It was not on the page: one of the smallest of many, or matched since.
        for key in unit.keys:
            limits.pop(key, None)
        limit = Limit(
            floor=_amount(form, here, f"floor-{unit.id}"),
            cap=_amount(form, here, f"cap-{unit.id}"),
            locked=form.text(f"lock-{unit.id}") == "yes",
        )
        if limit != Limit():
            limits[unit.key] = limit
    counts = form.text("counts")
    return Kept(
        counts=counts if counts in COUNTS else "auto",
        total_minor=_amount(form, here, "total"),
        most_change=_share(form, "most_change", 30),
        late_share=_share(form, "late_share", 0),
        limits=limits,
    )


def _amount(form: Typed, here: Here, name: str) -> int | None:
    text = form.text(name).strip()
    if not text:
        return None
    with form.about(name):
        return parse_money(text, here.company.currency).minor


def _share(form: Typed, name: str, usual: int) -> int:
    if not form.text(name):
        return usual * 100
    with form.about(name):
        return form.whole(name) * 100


def _limits(services: Services, here: Here, form: Typed | None) -> str:
    with services.db.tenant(here.company.id) as session:
        kept = kept_by(session, here.company.id)
        units = units_of(campaigns_of(session, here.company.id))
        large = dearest(session, here.company.id, here.now)
    mine = {
        unit.id: next((kept.limits[key] for key in unit.keys if key in kept.limits), Limit())
        for unit in units
    }
    shown = [unit for unit in units if mine[unit.id] != Limit() or not large.isdisjoint(unit.keys)]
    return render_template(
        "budget_limits.html", form=form, kept_=kept, units=shown, mine=mine, changes=CHANGES, late=LATE,
        of=Amounts(here.company.currency), hidden=len(units) - len(shown),
    )  # fmt: skip


def _wishes(here: Here) -> dict[str, int]:
    """Return the amounts that somebody tries; what cannot be read is left as it is today."""
    found = {}
    for name, text in request.args.items():
        if name.startswith("t-") and text.strip():
            try:
                found[name.removeprefix("t-")] = parse_money(text[:32], here.company.currency).minor
            except BadInput:
                continue
    return found


def _tried(services: Services, here: Here) -> dict[str, Any] | None:
    with services.db.tenant(here.company.id) as session:
        return try_split(session, here.company.id, _wishes(here), here.now)


def _back(here: Here) -> ResponseReturnValue:
    return redirect(url_for("dashboard.budget", company_id=here.company.id), 303)
