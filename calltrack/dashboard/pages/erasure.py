"""Erasing a person: by number or from one of their calls, and how far each erasure has come."""

from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from calltrack.calls.queries import CallRow
from calltrack.calls.queries import call as call_of
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.erasure.service import Wanted, ask_to_erase
from calltrack.erasure.service import erasures as all_erasures
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import to_e164
from calltrack.wiring import Services


@page("/settings/erasure", "owner")
def erasures(services: Services, here: Here) -> ResponseReturnValue:
    """Show the form, about a call where the address names one, and what was erased."""
    asked = request.args.get("call", "")
    return _page(services, here, None, parse_id(asked) if asked else None)


@page("/settings/erasure", "owner", ("POST",))
def erase_person(services: Services, here: Here) -> ResponseReturnValue:
    """Let a person be erased; needs the tick and the password, because nobody can take it back."""
    form = typed("erasure")
    try:
        with form.about("number"), services.db.tenant(here.company.id) as session:
            wanted = _wanted(session, services, here, form)
            form.confirm(here)
            if form.text("sure") != "yes":
                raise BadInput("Tick that you want this: it cannot be taken back. Nothing was erased.")
            ask_to_erase(session, services.vault, here.company.id, wanted, here.now, by=here.who.email)
    except WrongForm:
        call_id = parse_id(form.text("call")) if form.text("call") else None
        return _page(services, here, form, call_id), form.status
    services.nudges.wake("erase_persons", str(here.company.id))
    flash("The person is being erased; how far that is stands below.")
    return redirect(url_for("dashboard.erasures", company_id=here.company.id), 303)


def _wanted(session: Session, services: Services, here: Here, form: Typed) -> Wanted:
    if form.text("call"):
        return Wanted(call_id=_call(session, services, here, parse_id(form.text("call"))).id)
    return Wanted(number=to_e164(form.text("number"), here.company.country))


def _call(session: Session, services: Services, here: Here, call_id: UUID) -> CallRow:
    found = call_of(session, services.vault, here.company.id, call_id)
    if found is None:
        abort(404)
    return found


def _page(services: Services, here: Here, form: Typed | None, call_id: UUID | None) -> str:
    with services.db.tenant(here.company.id) as session:
        rows = all_erasures(session, here.company.id)
        call = _call(session, services, here, call_id) if call_id else None
    return render_template("erasure.html", rows=rows, call=call, form=form)
