"""The company's name, time zone and limits."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit, service
from calltrack.accounts.queries import audit_trail
from calltrack.accounts.rules import CompanySettings
from calltrack.dashboard.access import Here, page, require_password
from calltrack.wiring import Services


@page("/settings", "manager")
def settings(services: Services, here: Here) -> ResponseReturnValue:
    """Show the limits and who changed what lately."""
    with services.db.tenant(here.company.id) as session:
        trail = audit_trail(session, here.company.id, 20)
    return render_template("settings.html", fields=fields(here.company.settings), trail=trail)


@page("/settings/company", "owner", ("POST",))
def change_settings(services: Services, here: Here) -> ResponseReturnValue:
    """Store the company's name, time zone and limits."""
    require_password(here)
    typed = {
        name: request.form[name].strip() for name in CompanySettings.model_fields if name in request.form
    }
    with services.db.tenant(here.company.id) as session:
        service.change_company(
            session, here.company.id, request.form.get("name", ""), request.form.get("timezone", ""), typed
        )
        audit.note(
            session, here.company.id, here.who.email, "company.settings", here.company.name, here.now, **typed
        )
    flash("Saved. Calls from now on follow these limits.")
    return redirect(url_for("dashboard.settings", company_id=here.company.id), 303)


def fields(current: CompanySettings) -> list[dict[str, object]]:
    """Return the form fields of the limits, drawn from the class that checks them."""
    drawn: list[dict[str, object]] = []
    for name, info in CompanySettings.model_fields.items():
        value = getattr(current, name)
        kind = "text" if isinstance(value, str) else "number"
        drawn.append(
            {
                "name": name,
                "label": info.title,
                "help": info.description,
                "kind": kind,
                "value": value,
                "step": "0.01" if isinstance(value, float) else "1",
            }
        )
    return drawn
