"""Monthly budgets: where they stand and where they are going to end."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.budgets.dearest import dearest
from calltrack.budgets.months import PaceRow, add_pace, change_pace, is_pace, paces, remove_pace
from calltrack.budgets.pace_alert import tell_pace
from calltrack.budgets.units import id_of, labels_of
from calltrack.budgets.weekly import campaigns_of, stale_accounts
from calltrack.budgets.words import said
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.budget_words import Amounts, pace_picture
from calltrack.dashboard.show import money
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import NotFound
from calltrack.kernel.money import parse_money
from calltrack.wiring import Services


@page("/budget/pacing", "viewer")
def pacing(services: Services, here: Here) -> ResponseReturnValue:
    """Show the monthly budgets."""
    return _page(services, here, None)


@page("/budget/pacing", "manager", ("POST",))
def add_pace_of(services: Services, here: Here) -> ResponseReturnValue:
    """Watch another monthly budget."""
    form, company_id = typed("pace"), here.company.id
    try:
        with form.about("amount"):
            amount = parse_money(form.text("amount"), here.company.currency).minor
        with form.about(""), services.db.tenant(company_id) as session:
            chosen = request.form.getlist("campaign")
            add_pace(session, company_id, form.text("name")[:80], amount, chosen, here.now, by=here.who.email)
    except WrongForm:
        return _page(services, here, form), form.status
    tell_pace(services, company_id)
    flash("It is watched from now on; owners are told by e-mail when it will be missed.")
    return redirect(url_for("dashboard.pacing", company_id=company_id), 303)


@page("/budget/pacing/<id:pace_id>", "manager", ("POST",))
def change_pace_of(services: Services, here: Here, pace_id: UUID) -> ResponseReturnValue:
    """Give a monthly budget another name, amount or campaigns."""
    form, company_id = typed(f"pace-{pace_id.hex}"), here.company.id
    try:
        with services.db.tenant(company_id) as session:
            if not is_pace(session, company_id, pace_id):
                raise NotFound("There is no such monthly budget.")
            with form.about("amount"):
                amount = parse_money(form.text("amount"), here.company.currency).minor
            with form.about(""):
                change_pace(
                    session, company_id, pace_id, form.text("name")[:80], amount,
                    request.form.getlist("campaign"), here.now, by=here.who.email,
                )  # fmt: skip
    except WrongForm:
        return _page(services, here, form), form.status
    tell_pace(services, company_id)
    flash("Changed. It is watched as it is now.")
    return redirect(url_for("dashboard.pacing", company_id=company_id), 303)


@page("/budget/pacing/<id:pace_id>/remove", "manager", ("POST",))
def remove_pace_of(services: Services, here: Here, pace_id: UUID) -> ResponseReturnValue:
    """Watch a monthly budget no more; without the yes nothing is done."""
    with services.db.tenant(here.company.id) as session:
        if not is_pace(session, here.company.id, pace_id):
            raise NotFound("There is no such monthly budget.")
        if request.form.get("sure") == "yes":
            remove_pace(session, here.company.id, pace_id, here.now, by=here.who.email)
            flash("It is watched no more.")
    tell_pace(services, here.company.id)
    return redirect(url_for("dashboard.pacing", company_id=here.company.id), 303)


def _page(services: Services, here: Here, form: Typed | None) -> str:
    with services.db.tenant(here.company.id) as session:
        rows = paces(session, here.company.id, here.now)
        labels = labels_of(one.key for one in campaigns_of(session, here.company.id))
        stale = stale_accounts(session, here.company.id, here.now)
        large = dearest(session, here.company.id, here.now)
    campaigns = sorted(
        ({"id": id_of(key), "label": label} for key, label in labels.items() if key in large),
        key=lambda one: one["label"].casefold(),
    )
    return render_template(
        "budget_pacing.html",
        rows=rows,
        stale=stale,
        campaigns=campaigns,
        hidden=len(labels) - len(campaigns),
        chosen=request.form.getlist("campaign"),
        form=form,
        choices_of=lambda row: _choices(campaigns, row),
        plain=Amounts(here.company.currency).plain,
        pace_said=lambda row: said(
            row.found.reason, here.company.currency, lambda minor: money(minor, here.company.currency)
        ),
        pace_picture=pace_picture,
    )


def _choices(campaigns: list[dict[str, str]], row: PaceRow) -> list[dict[str, str]]:
    """Return the campaigns to choose from; those it has come first where they are not among these."""
    known = {one["id"] for one in campaigns}
    mine = zip(row.campaign_ids, row.campaigns, strict=True)
    return [*({"id": id_, "label": label} for id_, label in mine if id_ not in known), *campaigns]
