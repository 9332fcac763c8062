"""Text messages: the threads, and one of them with its answer."""

from datetime import datetime
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.journeys.queries import journey_of
from calltrack.kernel.errors import BadInput
from calltrack.messages import queries
from calltrack.messages.service import answer, read_thread
from calltrack.wiring import Services

A_PAGE = 50


@page("/messages", "viewer")
def messages(services: Services, here: Here) -> ResponseReturnValue:
    """Show the threads, newest message first."""
    before = _moment(request.args.get("before", ""))
    with services.db.tenant(here.company.id) as session:
        rows = queries.threads(session, services.vault, here.company.id, before, A_PAGE + 1)
    following = rows[A_PAGE - 1].last_at if len(rows) > A_PAGE else None
    return render_template("messages.html", rows=rows[:A_PAGE], next=following)


@page("/messages/<id:thread_id>", "viewer")
def message_thread(services: Services, here: Here, thread_id: UUID) -> ResponseReturnValue:
    """Show all messages with one person; a manager's look makes them read."""
    return _thread(services, here, thread_id)


def _thread(services: Services, here: Here, thread_id: UUID, form: Typed | None = None) -> str:
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        thread = queries.thread(session, services.vault, company_id, thread_id)
        if thread is None:
            abort(404)
        rows = queries.messages_of(session, services.vault, company_id, thread_id)
        journey = journey_of(session, company_id, thread.party_hash)
        if here.may("manager"):
            read_thread(session, company_id, thread_id)
    return render_template(
        "message_thread.html", thread=thread, rows=rows, calls=journey.calls[:20], form=form
    )


@page("/messages/<id:thread_id>", "manager", ("POST",))
def answer_message(services: Services, here: Here, thread_id: UUID) -> ResponseReturnValue:
    """Send an answer from the number the person wrote to."""
    form = typed("answer")
    try:
        with form.about("text"), services.db.tenant(here.company.id) as session:
            answer(
                session, services.vault, here.company.id, thread_id, form.text("text"), here.now,
                by=here.who.email,
            )  # fmt: skip
    except WrongForm:
        return _thread(services, here, thread_id, form), form.status
    services.nudges.wake("send_messages", str(here.company.id))
    flash("The answer is on its way.")
    return redirect(url_for("dashboard.message_thread", company_id=here.company.id, thread_id=thread_id), 303)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput("This place in the list is not valid; begin at the first page again.") from None
    if moment.tzinfo is None:
        raise BadInput("This place in the list is not valid; begin at the first page again.")
    return moment
