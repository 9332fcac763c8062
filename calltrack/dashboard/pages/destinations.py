"""Destinations with their health: what each took and refused, what waits, and the next step."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.delivery import accounts, queries, tallies
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.notices import is_short
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services


@page("/destinations", "viewer")
def destinations(services: Services, here: Here) -> ResponseReturnValue:
    """Show each connected destination: what it took, what it refused, what waits, and the next step."""
    with services.db.tenant(here.company.id) as session:
        rows = queries.destinations(session, here.company.id, here.now)
    return render_template("destinations.html", destinations=rows)


@page("/destinations/<id:destination_id>", "viewer")
def destination(services: Services, here: Here, destination_id: UUID) -> ResponseReturnValue:
    """Show one destination: how it stands, and our counts beside the platform's, day by day."""
    with services.db.tenant(here.company.id) as session:
        rows = queries.destinations(session, here.company.id, here.now)
        one = next((row for row in rows if row.id == destination_id), None)
        if one is None:
            raise NotFound("There is no such destination.")
        days = tallies.tallies(session, here.company.id, destination_id)
    return render_template(
        "destination.html",
        one=one,
        days=days,
        tells_counts=tallies.tells_counts(one.kind),
        is_short=is_short,
    )


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
    return back_to_call(here, url_for("dashboard.destinations", company_id=here.company.id))


def back_to_call(here: Here, otherwise: str) -> ResponseReturnValue:
    """Return to the call whose page sent the form, else to the given address."""
    if call := request.form.get("call", ""):
        otherwise = url_for(
            "dashboard.call", company_id=here.company.id, call_id=parse_id(call), _anchor="sent"
        )
    return redirect(otherwise, 303)
