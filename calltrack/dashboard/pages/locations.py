"""Locations: how a branch's calls are put through."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit, queries, service
from calltrack.accounts.service import CallFlow
from calltrack.dashboard.access import Here, page, require_password
from calltrack.kernel.errors import BadInput, NotAllowed, NotFound
from calltrack.kernel.phone import to_e164
from calltrack.wiring import Services

LANGUAGES = {
    "it-IT": "Italian",
    "de-DE": "German",
    "en-GB": "English (UK)",
    "en-US": "English (US)",
    "fr-FR": "French",
    "es-ES": "Spanish",
}


@page("/settings/locations", "manager")
def locations(services: Services, here: Here) -> ResponseReturnValue:
    """Show each location's call flow as a form."""
    with services.db.tenant(here.company.id) as session:
        rows = queries.locations(session, here.company.id)
    return render_template("locations.html", locations=rows, languages=LANGUAGES)


@page("/settings/locations", "owner", ("POST",))
def add_location(services: Services, here: Here) -> ResponseReturnValue:
    """Add a location."""
    require_password(here)
    with services.db.tenant(here.company.id) as session:
        flow = read_flow()
        service.create_location(session, here.company.id, here.company.country, flow, here.now)
        audit.note(session, here.company.id, here.who.email, "location.add", flow.name, here.now)
    flash("The location is there. Give it numbers next.")
    return _back(here)


@page("/settings/locations/<id:location_id>", "manager", ("POST",))
def change_location(services: Services, here: Here, location_id: UUID) -> ResponseReturnValue:
    """Store a location's call flow; a new forwarding number needs an owner and the password."""
    flow = read_flow()
    with services.db.tenant(here.company.id) as session:
        present = next(
            (row for row in queries.locations(session, here.company.id) if row.id == location_id), None
        )
    if present is None:
        raise NotFound("There is no such location.")
    if to_e164(flow.forward_to, here.company.country) != present.forward_to:
        if not here.may("owner"):
            raise NotAllowed("Only an owner may change where calls are put through.")
        require_password(here)
    with services.db.tenant(here.company.id) as session:
        service.change_location(session, here.company.id, location_id, here.company.country, flow)
        audit.note(
            session, here.company.id, here.who.email, "location.change", flow.name, here.now,
            forward_to=flow.forward_to,
        )  # fmt: skip
    flash(f"Saved. Calls to {flow.name} follow within 15 seconds.")
    return _back(here)


def read_flow() -> CallFlow:
    """Read the form; raises BadInput with what to change."""
    form = request.form
    language = form.get("language", "it-IT")
    seconds = form.get("ring_seconds", "18")
    if not seconds.isdecimal() or language not in LANGUAGES:
        raise BadInput("Ring seconds must be a whole number, and the language one of the list.")
    return CallFlow(
        name=form.get("name", ""),
        forward_to=form.get("forward_to", ""),
        city=form.get("city", ""),
        ring_seconds=int(seconds),
        announcement=form.get("announcement", ""),
        language=language,
        whisper="whisper" in form,
        voicemail="voicemail" in form,
        record="record" in form,
    )


def _back(here: Here) -> ResponseReturnValue:
    return redirect(url_for("dashboard.locations", company_id=here.company.id), 303)
