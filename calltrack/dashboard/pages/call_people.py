"""What people do about one call: tags, notes, who deals with it, how far its lead is, ringing, writing."""

from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.automations.call_backs import call_back as ring
from calltrack.automations.follow_up import review_missed
from calltrack.calls.guard.judging import exists
from calltrack.calls.outbound.own_phone import phone_of
from calltrack.calls.people.missed import close_missed
from calltrack.calls.people.tags import ids_of_names, make_tag, set_tags
from calltrack.calls.people.work import add_note, set_work
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.pages.call import call_page
from calltrack.dashboard.typed import WrongForm, typed
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import parse_id
from calltrack.messages.service import write_to_caller
from calltrack.telephony.carrier import Refused, Retry
from calltrack.wiring import Services

NEW = "new-tag"


@page("/calls/<id:call_id>/tags", "manager", ("POST",))
def tag_call(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Let a call carry the ticked tags, and a new one where its name was typed."""
    company_id, by = here.company.id, here.who.email
    form = typed("tags")
    try:
        with form.about(NEW), services.db.tenant(company_id) as session:
            wanted = [parse_id(one) for one in request.form.getlist("tag")]
            name = form.text(NEW).strip()
            if name:
                try:
                    wanted += ids_of_names(session, company_id, [name])
                except BadInput:
                    wanted.append(make_tag(session, company_id, name, here.now, by=by))
            changed = set_tags(session, company_id, call_id, wanted, here.now, by=by)
    except WrongForm:
        return call_page(services, here, call_id, form), form.status
    return _done(
        services, here, call_id, "Saved. Your rules judge the call again." if changed else "As before."
    )


@page("/calls/<id:call_id>/notes", "manager", ("POST",))
def note_call(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Write a note on a call."""
    form = typed("note")
    try:
        with form.about("text"), services.db.tenant(here.company.id) as session:
            add_note(
                session, services.vault, here.company.id, call_id, form.text("text"), here.now,
                by=f"{here.who.name} <{here.who.email}>",
            )  # fmt: skip
    except WrongForm:
        return call_page(services, here, call_id, form), form.status
    return _done(services, here, call_id, "Noted.")


@page("/calls/<id:call_id>/work", "manager", ("POST",))
def work_on_call(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Store how far the lead is, and who deals with it."""
    chosen = request.form.get("assignee", "")
    with services.db.tenant(here.company.id) as session:
        set_work(
            session, here.company.id, call_id, here.now, by=here.who.email,
            status=request.form.get("status") or None, assignee_id=parse_id(chosen) if chosen else None,
        )  # fmt: skip
    return _done(services, here, call_id, "Saved.")


@page("/calls/<id:call_id>/call-back", "manager", ("POST",))
def call_back(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Ring the member's own phone, then the missed caller."""
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        phone = phone_of(session, services.vault, company_id, here.who.user_id)
        if not exists(session, company_id, call_id):
            abort(404)
    if phone is None or not phone.is_confirmed:
        flash("First the phone on which you want to be rung; then ring back from the call.", "problem")
        return redirect(url_for("dashboard.own_phone", company_id=company_id), 303)
    form = typed("call-back")
    try:
        with form.about(""):
            state = ring(services, company_id, call_id, here.who.user_id, by=here.who.email)
    except WrongForm:
        return call_page(services, here, call_id, form), form.status
    except (Refused, Retry) as problem:
        flash(f"It could not be rung. {problem.words}", "problem")
        return redirect(url_for("dashboard.call", company_id=company_id, call_id=call_id), 303)
    words = "Your phone rings now. Press 1 there, and the caller is rung."
    if state == "unknown":
        words = "The carrier's answer was lost: wait a moment whether your phone rings before you try again."
    return _done(services, here, call_id, words)


@page("/calls/<id:call_id>/missed", "manager", ("POST",))
def settle_missed(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Say that a missed call is dealt with, or that it is not after all."""
    wish = request.form.get("do", "")
    if wish not in ("close", "reopen"):
        raise BadInput("Choose one of the buttons.")
    with services.db.tenant(here.company.id) as session:
        close_missed(session, here.company.id, call_id, here.now, by=here.who.email, reopen=wish == "reopen")
        review_missed(session, here.company.id, here.now)
    return _done(services, here, call_id, "Dealt with." if wish == "close" else "It waits again.")


@page("/calls/<id:call_id>/message", "manager", ("POST",))
def write_caller(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Write a text message to the caller, from the number they dialled."""
    form = typed("message")
    try:
        with form.about("text"), services.db.tenant(here.company.id) as session:
            write_to_caller(
                session, services.vault, here.company.id, call_id, form.text("text"), here.now,
                by=here.who.email,
            )  # fmt: skip
    except WrongForm:
        return call_page(services, here, call_id, form), form.status
    services.nudges.wake("send_messages", str(here.company.id))
    return _done(services, here, call_id, "The message is on its way; its state stands below.")


def _done(services: Services, here: Here, call_id: UUID, words: str) -> ResponseReturnValue:
    services.nudges.wake("handle_facts", str(here.company.id))
    services.nudges.show(str(here.company.id))
    flash(words)
    return redirect(url_for("dashboard.call", company_id=here.company.id, call_id=call_id), 303)
