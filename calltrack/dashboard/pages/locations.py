"""Locations: how a branch's calls are put through."""

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit, queries, service
from calltrack.accounts.forwarding import note_forwarding
from calltrack.accounts.service import CallFlow
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
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
    return _page(services, here)


@page("/settings/locations", "owner", ("POST",))
def add_location(services: Services, here: Here) -> ResponseReturnValue:
    """Add a location."""
    form = typed("new")
    try:
        form.confirm(here)
        with form.about(""), services.db.tenant(here.company.id) as session:
            flow = read_flow(form)
            service.create_location(session, here.company.id, here.company.country, flow, here.now)
            audit.note(session, here.company.id, here.who.email, "location.add", flow.name, here.now)
    except WrongForm:
        return _page(services, here, form), form.status
    flash("The location is there. Give it numbers next.")
    return _back(here)


@page("/settings/locations/<id:location_id>", "manager", ("POST",))
def change_location(services: Services, here: Here, location_id: UUID) -> ResponseReturnValue:
    """Store a location's call flow; a new forwarding number needs an owner and the password."""
    form, country = typed(location_id.hex), here.company.country
    with services.db.tenant(here.company.id) as session:
        present = next(
            (row for row in queries.locations(session, here.company.id) if row.id == location_id), None
        )
    if present is None:
        raise NotFound("There is no such location.")
    try:
        with form.about(""):
            flow = read_flow(form)
            line = to_e164(flow.forward_to, country)
            if line != present.forward_to and not here.may("owner"):
                raise NotAllowed("Only an owner may change where calls are put through.")
        if line != present.forward_to:
            form.confirm(here)
        with form.about(""), services.db.tenant(here.company.id) as session:
            service.change_location(session, here.company.id, location_id, country, flow)
            note_forwarding(
                session, here.company.id, here.who.email, flow.name, present.forward_to, line, here.now
            )
    except WrongForm:
        return _page(services, here, form), form.status
    services.nudges.wake("handle_facts", str(here.company.id))
    flash(f"Saved. Calls to {flow.name} follow within 15 seconds.")
    return _back(here)


def read_flow(form: Typed) -> CallFlow:
    """Read the form; raises BadInput with what to change."""
    sent, language = form.values, form.values.get("language", "it-IT")
    seconds = sent.get("ring_seconds", "18")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 5) or language not in LANGUAGES:
        raise BadInput("Ring seconds must be a whole number, and the language one of the list.")
    return CallFlow(
        name=form.text("name"),
        forward_to=form.text("forward_to"),
        city=form.text("city"),
        ring_seconds=int(seconds),
        announcement=form.text("announcement"),
        language=language,
        whisper="whisper" in sent,
        voicemail="voicemail" in sent,
        record="record" in sent,
    )


def _page(services: Services, here: Here, form: Typed | None = None) -> str:
    with services.db.tenant(here.company.id) as session:
        rows = queries.locations(session, here.company.id)
    return render_template("locations.html", locations=rows, languages=LANGUAGES, form=form)


def _back(here: Here) -> ResponseReturnValue:
    return redirect(url_for("dashboard.locations", company_id=here.company.id), 303)
