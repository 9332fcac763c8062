"""Telephone systems that ask for a user and a password before they take a call."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts.sip_logins import drop_sip_login, keep_sip_login, sip_logins
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.wiring import Services


@page("/settings/phone-systems", "owner")
def phone_systems(services: Services, here: Here) -> ResponseReturnValue:
    """Show which telephone systems have a login here; no password is ever shown."""
    return _page(services, here)


@page("/settings/phone-systems", "owner", ("POST",))
def keep_phone_system(services: Services, here: Here) -> ResponseReturnValue:
    """Store what a telephone system asks for; an empty password keeps the stored one."""
    form = typed("login")
    try:
        form.confirm(here)
        with form.about(""), services.db.tenant(here.company.id) as session:
            keep_sip_login(
                session, services.vault, here.company.id, form.text("host"), form.text("username").strip(),
                form.text("sip_password"), here.now, by=here.who.email,
            )  # fmt: skip
    except WrongForm:
        return _page(services, here, form), form.status
    flash("Saved. Calls follow within 15 seconds.")
    return _back(here)


@page("/settings/phone-systems/remove", "owner", ("POST",))
def drop_phone_system(services: Services, here: Here) -> ResponseReturnValue:
    """Forget what a telephone system asks for."""
    with services.db.tenant(here.company.id) as session:
        drop_sip_login(session, here.company.id, request.form.get("host", ""), here.now, by=here.who.email)
    flash("Forgotten. It is rung without a login within 15 seconds.")
    return _back(here)


def _page(services: Services, here: Here, form: Typed | None = None) -> str:
    with services.db.tenant(here.company.id) as session:
        rows = sip_logins(session, here.company.id)
    return render_template("phone_systems.html", logins=rows, form=form)


def _back(here: Here) -> ResponseReturnValue:
    return redirect(url_for("dashboard.phone_systems", company_id=here.company.id), 303)
