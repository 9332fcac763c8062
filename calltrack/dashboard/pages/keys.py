"""API keys: made, shown once, taken back."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import api_keys, audit, queries
from calltrack.accounts.rules import role_named
from calltrack.dashboard.access import Here, page, require_password
from calltrack.wiring import Services


@page("/settings/keys", "owner")
def keys(services: Services, here: Here) -> ResponseReturnValue:
    """Show the company's keys without their secrets."""
    return _page(services, here, None)


@page("/settings/keys", "owner", ("POST",))
def add_key(services: Services, here: Here) -> ResponseReturnValue:
    """Make a key and show it this one time."""
    require_password(here)
    name, role = request.form.get("name", ""), role_named(request.form.get("role", "viewer"))
    with services.db.tenant(here.company.id) as session:
        made = api_keys.create_api_key(session, here.company.id, name, role, here.now)
        audit.note(session, here.company.id, here.who.email, "api_key.add", name, here.now, role=role)
    return _page(services, here, made.text)


@page("/settings/keys/<id:key_id>/revoke", "owner", ("POST",))
def revoke_key(services: Services, here: Here, key_id: UUID) -> ResponseReturnValue:
    """Take a key back; programs that use it are refused from now on."""
    with services.db.tenant(here.company.id) as session:
        api_keys.revoke_api_key(session, here.company.id, key_id, here.now)
        audit.note(session, here.company.id, here.who.email, "api_key.revoke", key_id.hex, here.now)
    flash("The key is taken back.")
    return redirect(url_for("dashboard.keys", company_id=here.company.id), 303)


def _page(services: Services, here: Here, made: str | None) -> str:
    with services.db.tenant(here.company.id) as session:
        rows = queries.api_keys(session, here.company.id)
    return render_template("keys.html", keys=rows, made=made)
