"""Audiences: who is in which customer list, why, and what each platform was told."""

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from calltrack.accounts import queries as accounts
from calltrack.audiences import queries, service
from calltrack.audiences.conditions import READY, read, sentence
from calltrack.audiences.judging import Preview, preview
from calltrack.audiences.queries import AudienceRow
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.condition_form import CHOICES, ROWS, Drawn, Row, condition_of, drawn, typed_rows
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.delivery.queries import destinations
from calltrack.destinations.audience_platforms import PLATFORMS
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.stages.segments import segment
from calltrack.wiring import Services

A_PAGE = 20


@page("/audiences", "viewer")
def audiences(services: Services, here: Here) -> ResponseReturnValue:
    """Show every audience: its size, who is left out and why, its lists and their state."""
    with services.db.tenant(here.company.id) as session:
        rows = queries.audiences(session, here.company.id)
    return render_template("audiences.html", audiences=rows, ready=READY, sentence=_sentence)


@page("/audiences/new", "manager")
def new_audience(services: Services, here: Here) -> ResponseReturnValue:
    """Show the form of a new audience, filled in with a ready-made one if asked."""
    name, condition = READY.get(request.args.get("ready", ""), ("", {}))
    if wanted := request.args.get("segment", ""):
        with services.db.tenant(here.company.id) as session:
            chosen = segment(session, here.company.id, parse_id(wanted))
        name = chosen.name
        condition = {"all": [{"fact": "segment", "name": name, "condition": chosen.condition}]}
    shape = drawn(condition) if condition else Drawn("all", (Row(),) * ROWS)
    return _form(services, here, None, shape, name)


@page("/audiences/new", "manager", ("POST",))
def add_audience(services: Services, here: Here) -> ResponseReturnValue:
    """Save a new audience, or show whom it would hold."""
    return _save(services, here, None)


@page("/audiences/<id:audience_id>", "viewer")
def audience(services: Services, here: Here, audience_id: UUID) -> ResponseReturnValue:
    """Show one audience: lists, members with the reason, history."""
    after, status = request.args.get("after", ""), request.args.get("status", "")
    with services.db.tenant(here.company.id) as session:
        row = _one(session, here, audience_id)
        members = queries.members(
            session, services.vault, here.company.id, audience_id,
            after=parse_id(after) if after else None, most=A_PAGE + 1,
            status=status if status in ("in", "withheld") else "",
        )  # fmt: skip
        history = queries.events(session, here.company.id, audience_id, 30)
        keepers = _keepers(session, here)
    return render_template(
        "audience.html", audience=row, members=members[:A_PAGE], history=history, keepers=keepers,
        next=members[A_PAGE - 1].person_id if len(members) > A_PAGE else None, status=status,
        platforms=PLATFORMS, form=None,
    )  # fmt: skip


@page("/audiences/<id:audience_id>/edit", "manager")
def edit_audience(services: Services, here: Here, audience_id: UUID) -> ResponseReturnValue:
    """Show an audience's name and condition as a form."""
    with services.db.tenant(here.company.id) as session:
        row = _one(session, here, audience_id)
    return _form(services, here, row, drawn(row.condition), row.name)


@page("/audiences/<id:audience_id>/edit", "manager", ("POST",))
def change_audience(services: Services, here: Here, audience_id: UUID) -> ResponseReturnValue:
    """Store name and condition, or show whom it would hold."""
    with services.db.tenant(here.company.id) as session:
        row = _one(session, here, audience_id)
    return _save(services, here, row)


@page("/audiences/<id:audience_id>/lists", "owner", ("POST",))
def connect_audience_list(services: Services, here: Here, audience_id: UUID) -> ResponseReturnValue:
    """Keep a customer list of a connected destination in step with the audience."""
    form = typed("list")
    try:
        with services.db.tenant(here.company.id) as session:
            _one(session, here, audience_id)
            kept = {one.id.hex: one.id for one in _keepers(session, here)}
            if form.text("destination") not in kept:
                raise BadInput("Choose a connected destination that keeps customer lists.")
            service.connect_list(
                session, here.company.id, audience_id, kept[form.text("destination")],
                form.text("list_id"), here.now, by=here.who.email,
            )  # fmt: skip
    except (BadInput, Conflict) as problem:
        flash(str(problem))
        return _back(here, audience_id)
    return _done(services, here, audience_id, "Connected. The list is filled from now on.")


@page("/audiences/<id:audience_id>/lists/<id:place_id>", "manager", ("POST",))
def change_audience_list(
    services: Services, here: Here, audience_id: UUID, place_id: UUID
) -> ResponseReturnValue:
    """Let a list that was paused go on, or empty it at the platform and give it up."""
    with services.db.tenant(here.company.id) as session:
        given = (session, here.company.id, audience_id, place_id, here.now)
        if request.form.get("do") == "leave":
            service.leave_list(*given, by=here.who.email)
            said = "The list is emptied at the platform, then it is gone here."
        else:
            service.resume_list(*given, by=here.who.email)
            said = "The list goes on."
    return _done(services, here, audience_id, said)


@page("/audiences/<id:audience_id>/status", "manager", ("POST",))
def audience_status(services: Services, here: Here, audience_id: UUID) -> ResponseReturnValue:
    """Pause an audience, let it go on, or delete it; a deletion needs the yes."""
    do = request.form.get("do", "")
    with services.db.tenant(here.company.id) as session:
        given = (session, here.company.id, audience_id, here.now)
        if do == "delete" and request.form.get("sure") == "yes":
            service.delete_audience(*given, by=here.who.email)
            said = "Its members are removed at every platform first; then it is gone here."
        elif do == "pause":
            service.pause(*given, by=here.who.email)
            said = "Paused: nobody is added. Whoever has to leave still leaves."
        elif do == "resume":
            service.resume(*given, by=here.who.email)
            said = "Running again."
        else:
            said = "Nothing was changed."
    return _done(services, here, audience_id, said)


def _save(services: Services, here: Here, row: AudienceRow | None) -> ResponseReturnValue:
    form = typed("audience")
    if form.text("do") == "more":
        return _form(services, here, row, typed_rows(form, spare=2), form.text("name"))
    shape, found = typed_rows(form), None
    try:
        with form.about(""), services.db.tenant(here.company.id) as session:
            condition = condition_of(shape, here.company.currency)
            if form.text("do") == "preview":
                found = preview(session, here.company.id, read(condition), here.now)
            elif row is None:
                made = service.create_audience(
                    session, here.company.id, form.text("name"), condition, here.now, by=here.who.email
                )
            else:
                made = row.id
                service.change_audience(
                    session, here.company.id, row.id, form.text("name"), condition, here.now,
                    by=here.who.email,
                )  # fmt: skip
    except WrongForm:
        return _form(services, here, row, shape, form.text("name"), form), form.status
    if found is not None:
        with services.db.tenant(here.company.id) as session:
            names = service.location_names(session, here.company.id)
        return _form(services, here, row, shape, form.text("name"), found=found,
                     said=sentence(read(condition), names))  # fmt: skip
    said = "Saved. It is filled within moments." if row is None else "Saved. Lists follow within moments."
    return _done(services, here, made, said)


def _form(
    services: Services, here: Here, row: AudienceRow | None, shape: Drawn, name: str,
    form: Typed | None = None, *, found: Preview | None = None, said: str = "",
) -> str:  # fmt: skip
    with services.db.tenant(here.company.id) as session:
        places = accounts.locations(session, here.company.id)
    return render_template(
        "audience_form.html", audience=row, shape=shape, name=name, form=form, choices=CHOICES,
        locations=places, found=found, said=said,
    )  # fmt: skip


def _keepers(session: Session, here: Here) -> list[Any]:
    """Return the connected destinations that keep customer lists."""
    return [one for one in destinations(session, here.company.id, here.now) if one.kind in PLATFORMS]


def _one(session: Session, here: Here, audience_id: UUID) -> AudienceRow:
    found = queries.audiences(session, here.company.id, audience_id)
    if not found:
        raise NotFound("There is no such audience.")
    return found[0]


def _sentence(condition: dict[str, Any]) -> str:
    return sentence(read(condition))


def _done(services: Services, here: Here, audience_id: UUID, said: str) -> ResponseReturnValue:
    services.nudges.wake("keep_audiences", str(here.company.id))
    flash(said)
    return _back(here, audience_id)


def _back(here: Here, audience_id: UUID) -> ResponseReturnValue:
    address = url_for("dashboard.audience", company_id=here.company.id, audience_id=audience_id)
    return redirect(address, 303)
