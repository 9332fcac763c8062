"""Destinations with their health, and every delivery down to payload and receipt."""

from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.delivery import accounts, queries
from calltrack.delivery.model import STATES, DestinationAccount
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services

A_PAGE = 50


@page("/destinations", "viewer")
def destinations(services: Services, here: Here) -> ResponseReturnValue:
    """Show each connected destination: what it took, what it refused, what waits, and the next step."""
    with services.db.tenant(here.company.id) as session:
        rows = queries.destinations(session, here.company.id, here.now)
    return render_template("destinations.html", destinations=rows)


@page("/destinations/<id:destination_id>/status", "manager", ("POST",))
def destination_status(services: Services, here: Here, destination_id: UUID) -> ResponseReturnValue:
    """Pause a destination, or let it go on; what waits is kept and sent in order."""
    wanted = request.form.get("status", "")
    if wanted not in ("active", "paused"):
        raise BadInput("A destination is active or paused.")
    with services.db.tenant(here.company.id) as session:
        account = session.get(DestinationAccount, (here.company.id, destination_id))
        if account is None or account.status == "removed":
            raise NotFound("There is no such destination.")
        by = here.who.email
        if wanted == "paused":
            reason = f"Paused by {here.who.name}."
            accounts.pause(session, here.company.id, destination_id, reason, here.now, by=by)
        else:
            accounts.resume(session, here.company.id, destination_id, here.now, by=by)
    services.nudges.wake("handle_facts", str(here.company.id))
    flash("Paused. What comes in waits here." if wanted == "paused" else "Running again.")
    return redirect(url_for("dashboard.destinations", company_id=here.company.id), 303)


@page("/deliveries", "viewer")
def deliveries(services: Services, here: Here) -> ResponseReturnValue:
    """Show deliveries, newest first, by destination and state."""
    asked = {name: request.args.get(name, "") for name in ("destination", "state", "before")}
    wanted = parse_id(asked["destination"]) if asked["destination"] else None
    before = parse_id(asked["before"]) if asked["before"] else None
    with services.db.tenant(here.company.id) as session:
        rows = queries.find_deliveries(session, here.company.id, wanted, asked["state"], before, A_PAGE + 1)
        places = queries.destinations(session, here.company.id, here.now)
    return render_template(
        "deliveries.html",
        rows=rows[:A_PAGE],
        next=rows[A_PAGE - 1].id if len(rows) > A_PAGE else None,
        asked=asked,
        states=STATES,
        destinations=places,
    )


@page("/deliveries/<id:delivery_id>", "viewer")
def delivery(services: Services, here: Here, delivery_id: UUID) -> ResponseReturnValue:
    """Show one delivery: what was sent, every try, and what came back."""
    with services.db.tenant(here.company.id) as session:
        found = queries.parcel(session, here.company.id, delivery_id)
    if found is None:
        abort(404)
    return render_template("delivery.html", parcel=found)
