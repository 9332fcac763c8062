"""Protection: where calls may be put through, the caps of a day, nuisance callers, the block list."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit
from calltrack.accounts.forwarding_rules import USUAL_COUNTRIES
from calltrack.accounts.protection import Protection, bounds_of
from calltrack.accounts.protection import change_protection as store
from calltrack.calls.guard.blocking import NewEntry, block, blocked_callers, is_entry, unblock
from calltrack.calls.guard.judging import tell_spam
from calltrack.calls.guard.usage import use_of
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.numbers.queries import named
from calltrack.wiring import Services

ACTIONS = (
    ("mark", "Put them through and mark the call"),
    ("challenge", "Ask the caller to press 1 first"),
    ("reject", "Refuse the call"),
)
DAYS = (("0", "until taken off"), ("1", "for a day"), ("7", "for a week"), ("30", "for 30 days"))
CAPS = ("calls_per_number", "minutes_per_number", "calls_per_company", "minutes_per_company")


@page("/settings/protection", "manager")
def protection(services: Services, here: Here) -> ResponseReturnValue:
    """Show the limits, what was used of them today, and who is refused."""
    return _page(services, here, None)


@page("/settings/protection", "owner", ("POST",))
def change_protection(services: Services, here: Here) -> ResponseReturnValue:
    """Store the limits."""
    form = typed("protection")
    try:
        form.confirm(here)
        with form.about(""), services.db.tenant(here.company.id) as session:
            wanted = store(session, here.company.id, _wanted(form))
            told = wanted.model_dump(mode="json")
            audit.note(
                session, here.company.id, here.who.email, "protection.change", here.company.name, here.now,
                **told,
            )  # fmt: skip
    except WrongForm:
        return _page(services, here, form), form.status
    flash("Saved. Calls follow within 10 seconds.")
    return _back(here)


@page("/settings/protection/blocked", "manager", ("POST",))
def block_caller(services: Services, here: Here) -> ResponseReturnValue:
    """Put a number, or all numbers that begin so, on the block list."""
    form = typed("block")
    try:
        with form.about("caller"), services.db.tenant(here.company.id) as session:
            entry = NewEntry(form.text("caller"), form.text("reason"), _until(form, here.now))
            block(session, services.vault, here.company.id, entry, here.now, by=here.who.email)
    except WrongForm:
        return _page(services, here, form), form.status
    flash("Refused from now on; phones follow within 10 seconds.")
    return _back(here)


@page("/settings/protection/blocked/<id:entry_id>/remove", "manager", ("POST",))
def unblock_caller(services: Services, here: Here, entry_id: UUID) -> ResponseReturnValue:
    """Take an entry off the block list; without the yes nothing is done."""
    with services.db.tenant(here.company.id) as session:
        if not is_entry(session, here.company.id, entry_id):
            raise NotFound("There is no such entry on the block list.")
        if request.form.get("sure") == "yes":
            unblock(session, services.vault, here.company.id, entry_id, here.now, by=here.who.email)
            flash("Taken off the list; the caller is put through again within 10 seconds.")
    return _back(here)


@page("/calls/<id:call_id>/spam", "manager", ("POST",))
def tell_call_spam(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Store what a person says: the call was nuisance, or it was none."""
    is_spam = request.form.get("spam") == "yes"
    with services.db.tenant(here.company.id) as session:
        tell_spam(
            session, services.vault, here.company.id, call_id, is_spam=is_spam, by=here.who.email,
            now=here.now,
        )  # fmt: skip
    services.nudges.wake("handle_facts", str(here.company.id))
    flash("Marked as nuisance: it is no lead." if is_spam else "Marked as a real call.")
    return redirect(url_for("dashboard.call", company_id=here.company.id, call_id=call_id), 303)


def _page(services: Services, here: Here, form: Typed | None) -> str:
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        bounds = bounds_of(session, company_id)
        use = use_of(session, company_id)
        names = {row.id: row.e164 for row in named(session, company_id)}
        entries = blocked_callers(session, services.vault, company_id, sees_numbers=here.sees_numbers)
    return render_template(
        "protection.html", bounds=bounds, fields=Protection.model_fields, caps=CAPS, actions=ACTIONS,
        days=DAYS, use=use, names=names, entries=entries, form=form,
        usual=sorted(USUAL_COUNTRIES | {here.company.country}),
    )  # fmt: skip


def _wanted(form: Typed) -> dict[str, Any]:
    countries = form.text("countries").replace(",", " ").split()
    wanted: dict[str, Any] = {"countries": countries, "spam_action": form.text("spam_action") or "mark"}
    for name in CAPS:
        try:
            wanted[name] = form.whole(name)
        except BadInput:
            raise BadInput(f"{Protection.model_fields[name].title}: write a whole number.") from None
    return wanted | {name: name in form.values for name in ("block_withheld", "share")}


def _until(form: Typed, now: datetime) -> datetime | None:
    days = form.text("days") or "0"
    if days not in dict(DAYS):
        raise BadInput("Choose from the list how long the caller is refused.")
    return now + timedelta(days=int(days)) if days != "0" else None


def _back(here: Here) -> ResponseReturnValue:
    return redirect(url_for("dashboard.protection", company_id=here.company.id), 303)
