"""Signing in at an ad platform, and the trial run of a destination."""

from uuid import UUID

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, enter, open_page, page, parts
from calltrack.dashboard.trials import in_words
from calltrack.delivery import sign_in
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.trial import try_out
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.wiring import Services


@page("/destinations/sign-in", "owner")
def sign_in_at(services: Services, here: Here) -> ResponseReturnValue:
    """Send an owner to the platform's own sign-in, for a new destination of a kind."""
    kind = request.args.get("kind", "")
    try:
        begun = sign_in.begin(services, here.company.id, kind, here.who.email, here.now)
    except BadInput as problem:
        flash(str(problem))
        return redirect(url_for("dashboard.connect", company_id=here.company.id, kind=kind), 303)
    return redirect(begun.url, 303)


@page("/destinations/<id:destination_id>/sign-in", "owner")
def sign_in_again(services: Services, here: Here, destination_id: UUID) -> ResponseReturnValue:
    """Send an owner to the platform's own sign-in, to renew a connected destination's access."""
    with services.db.tenant(here.company.id) as session:
        account = session.get(DestinationAccount, (here.company.id, destination_id))
        if account is None or account.status == "removed":
            raise NotFound("There is no such destination.")
        kind = account.kind
    try:
        begun = sign_in.begin(services, here.company.id, kind, here.who.email, here.now, destination_id)
    except BadInput as problem:
        flash(str(problem))
        return _settings(here, destination_id)
    return redirect(begun.url, 303)


@open_page(sign_in.CALLBACK, "the signed state names the company, whose owner alone may go on")
def sign_in_returns() -> ResponseReturnValue:
    """Take somebody back from a platform's sign-in: on to the form, or the destination runs again."""
    services, state = parts(), request.args.get("state", "")
    here = enter(sign_in.company_of(services, state), "owner")
    if not isinstance(here, Here):
        return here
    back = sign_in.come_back(services, state, request.args, here.who.email, here.now)
    if back.problem:
        flash(back.problem)
    if back.destination_id is not None:
        if not back.problem:
            sign_in.renew(services, here.company.id, back.id, here.who.email, here.now)
            services.nudges.wake("handle_facts", str(here.company.id))
            flash("Signed in again. The destination runs; what waited is sent next.")
        return _settings(here, back.destination_id)
    signed_in = None if back.problem else back.id.hex
    return redirect(
        url_for("dashboard.connect", company_id=here.company.id, kind=back.kind, signed_in=signed_in), 303
    )


@page("/destinations/<id:destination_id>/trial", "manager", ("POST",))
def try_destination(services: Services, here: Here, destination_id: UUID) -> ResponseReturnValue:
    """Have the platform check an invented conversion; nothing counts there."""
    flash(in_words(try_out(services, here.company.id, destination_id)))
    return redirect(url_for("dashboard.destinations", company_id=here.company.id), 303)


def _settings(here: Here, destination_id: UUID) -> ResponseReturnValue:
    return redirect(
        url_for("dashboard.destination_settings", company_id=here.company.id, destination_id=destination_id),
        303,
    )
