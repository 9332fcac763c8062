"""On/off tests: how long each takes, this week's turn, and what the weeks on and off show."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.budgets.making import Asked, ask
from calltrack.budgets.on_off_reading import readings
from calltrack.budgets.on_off_tests import begin_test, is_test, planned, remove_test, smallest_lift, stop_test
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.budget_words import COUNTED
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.wiring import Services

USUAL_WEEKS = 8


@page("/budget/tests", "viewer")
def budget_tests(services: Services, here: Here) -> ResponseReturnValue:
    """Show the tests and what one would take."""
    return _page(services, here, None)


@page("/budget/tests", "manager", ("POST",))
def begin_budget_test(services: Services, here: Here) -> ResponseReturnValue:
    """Plan a test, or say how long one of these campaigns together takes."""
    form, company_id = typed("test"), here.company.id
    units = request.form.getlist("unit")
    if form.text("do") == "size":
        return _page(services, here, form)
    try:
        with form.about("starts_on"):
            starts_on = _day(form.text("starts_on"))
        with form.about("weeks"):
            weeks = form.whole("weeks")
        with form.about(""), services.db.tenant(company_id) as session:
            asked = ask(session, company_id, here.now)
            if asked is None:
                raise Conflict("There is no spend to plan a test from yet.")
            begin_test(session, asked, company_id, units, starts_on, weeks, here.now, by=here.who.email)
            least = smallest_lift(asked, units, weeks)
    except WrongForm:
        return _page(services, here, form), form.status
    flash(
        f"Planned. In {weeks} weeks a lift of {least:.0%} or more shows in four tests of five. "
        "This page says each week whether the campaigns are to be on or off."
    )
    return redirect(url_for("dashboard.budget_tests", company_id=company_id), 303)


@page("/budget/tests/<id:test_id>/stop", "manager", ("POST",))
def stop_budget_test(services: Services, here: Here, test_id: UUID) -> ResponseReturnValue:
    """End a test early, or remove one that is not under way; without the yes nothing is done."""
    with services.db.tenant(here.company.id) as session:
        if not is_test(session, here.company.id, test_id):
            raise NotFound("There is no such test.")
        wish = {"yes": stop_test, "remove": remove_test}.get(request.form.get("sure", ""))
        if wish is not None:
            try:
                wish(session, here.company.id, test_id, here.now, by=here.who.email)
                flash("Done. Switch the campaigns on again if they were off.")
            except Conflict as problem:
                flash(str(problem), "problem")
    return redirect(url_for("dashboard.budget_tests", company_id=here.company.id), 303)


def _page(services: Services, here: Here, form: Typed | None) -> str:
    with services.db.tenant(here.company.id) as session:
        asked = ask(session, here.company.id, here.now)
        tests = readings(session, here.company.id, here.company.timezone, here.now)
    today = here.now.astimezone(ZoneInfo(here.company.timezone)).date()
    chosen = request.form.getlist("unit")
    return render_template(
        "budget_tests.html",
        tests=tests,
        sizes=_sizes(asked) if asked else [],
        counts=COUNTED[asked.weeks.counts][1] if asked else "",
        chosen=chosen,
        together=_together(asked, chosen) if asked and form and chosen else "",
        next_monday=today + timedelta(days=7 - today.weekday()),
        weeks=USUAL_WEEKS,
        form=form,
    )


def _sizes(asked: Asked) -> list[dict[str, Any]]:
    found = []
    for unit in asked.weeks.units:
        size = planned(asked, [unit.id])[2]
        if size is not None:
            stake = size.conversions_at_stake
            found.append({"id": unit.id, "name": unit.name, "weeks": size.weeks, "at_stake": stake})
    return sorted(found, key=lambda one: (one["weeks"] or 1000, one["name"]))


def _together(asked: Asked, chosen: list[str]) -> str:
    try:
        name, _, size = planned(asked, chosen)
    except BadInput:
        return ""
    if size is None:
        return f"{name}: this is all there is, or brings nothing; no test can compare it."
    if size.weeks is None:
        return f"{name}, off together: over two years. Add larger campaigns."
    return f"{name}, off together: {size.weeks} weeks, about {size.conversions_at_stake:.0f} at stake."


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("Choose the Monday on which the test starts.") from None
