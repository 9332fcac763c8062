"""Call flows: all of them with where they answer, one with its picture and versions, who may assign it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from calltrack.accounts.queries import locations
from calltrack.callflows import drafts, queries, service
from calltrack.callflows.audio import Announcement, stored
from calltrack.callflows.checks import read_flow
from calltrack.callflows.differences import differences
from calltrack.callflows.effective import Spot, spots
from calltrack.callflows.phones import new_phones
from calltrack.callflows.picture import svg
from calltrack.callflows.queries import VersionRow
from calltrack.callflows.sentence import Line, lines
from calltrack.callflows.starters import STARTERS
from calltrack.callflows.steps import Flow
from calltrack.dashboard.access import Here, page, require_password
from calltrack.dashboard.answering import SCOPES
from calltrack.dashboard.flow_outline import with_sound_names
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import BadFields, BadInput, NotAllowed, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import pretty
from calltrack.wiring import Services

Sounds = tuple[Announcement, ...]
FOLLOWS = "Calls follow within 15 seconds."


@dataclass(frozen=True)
class Version:
    """A saved version, and what it changed against the one before."""

    row: VersionRow
    changes: tuple[str, ...]


@page("/flows", "viewer")
def flows(services: Services, here: Here) -> ResponseReturnValue:
    """Show every flow, and what answers where."""
    return _list(services, here)


@page("/flows", "manager", ("POST",))
def add_flow(services: Services, here: Here) -> ResponseReturnValue:
    """Make a flow from a template; nobody reaches it before it is assigned."""
    form = typed("flow")
    try:
        with form.about("name"), services.db.tenant(here.company.id) as session:
            starter = STARTERS.get(form.text("starter"))
            if starter is None:
                raise BadInput("Choose what to start from.")
            branches = locations(session, here.company.id)
            language = branches[0].language if branches else "it-IT"
            name = form.text("name").strip() or starter.name
            flow_id = service.create(
                session, here.company.id, name, starter.build(language), here.who.email, here.now
            )
    except WrongForm:
        return _list(services, here, form), form.status
    flash("The call flow is there. Change it as you like, try it, then assign it.")
    return redirect(url_for("dashboard.edit_flow", company_id=here.company.id, flow_id=flow_id), 303)


@page("/flows/<id:flow_id>", "viewer")
def flow(services: Services, here: Here, flow_id: UUID) -> ResponseReturnValue:
    """Show one flow: in words, as a picture, where it answers, its versions."""
    return _one(services, here, flow_id)


@page("/flows/<id:flow_id>/name", "manager", ("POST",))
def rename_flow(services: Services, here: Here, flow_id: UUID) -> ResponseReturnValue:
    """Give a flow another name."""
    form = typed("rename")
    try:
        with form.about("name"), services.db.tenant(here.company.id) as session:
            service.rename(session, here.company.id, flow_id, form.text("name"), here.who.email, here.now)
    except WrongForm:
        return _one(services, here, flow_id, form), form.status
    return _done(here, flow_id, "Renamed.")


@page("/flows/<id:flow_id>/restore", "manager", ("POST",))
def restore_flow(services: Services, here: Here, flow_id: UUID) -> ResponseReturnValue:
    """Let an earlier version answer again, as a new version."""
    form = typed("restore")
    try:
        with form.about("number"), services.db.tenant(here.company.id) as session:
            number = form.whole("number")
            old = next(
                (one for one in queries.versions(session, here.company.id, flow_id) if one.number == number),
                None,
            )
            if old is None:
                queries.flow(session, here.company.id, flow_id)
                raise BadInput("Choose the version to bring back.")
            confirm_phones(session, here, service.check(session, here.company.id, old.definition))
            saved = service.restore(session, here.company.id, flow_id, number, here.who.email, here.now)
    except WrongForm:
        return _one(services, here, flow_id, form), form.status
    services.nudges.wake("handle_facts", str(here.company.id))
    return _done(here, flow_id, f"Version {number} is back, as version {saved}. {FOLLOWS}")


@page("/flows/<id:flow_id>/delete", "manager", ("POST",))
def remove_flow(services: Services, here: Here, flow_id: UUID) -> ResponseReturnValue:
    """Delete a flow that answers nowhere; it needs the yes."""
    form = typed("delete")
    try:
        with form.about("sure"), services.db.tenant(here.company.id) as session:
            queries.flow(session, here.company.id, flow_id)
            if form.text("sure") != "yes":
                return _done(here, flow_id, "Nothing was changed.")
            service.remove(session, here.company.id, flow_id, here.who.email, here.now)
            drafts.forget(session, here.company.id, flow_id)
    except WrongForm:
        return _one(services, here, flow_id, form), form.status
    flash("The call flow is deleted. Calls that are in it go on.")
    return redirect(url_for("dashboard.flows", company_id=here.company.id), 303)


@page("/flows/<id:flow_id>/assign", "manager", ("POST",))
def assign_flow(services: Services, here: Here, flow_id: UUID) -> ResponseReturnValue:
    """Let a flow answer the company, a location, a pool or a number."""
    form = typed("assign")
    try:
        with form.about("spot"), services.db.tenant(here.company.id) as session:
            queries.flow(session, here.company.id, flow_id)
            scope, subject = _spot(form.text("spot"))
            service.assign(session, here.company.id, flow_id, scope, subject, here.who.email, here.now)
    except WrongForm:
        return _one(services, here, flow_id, form), form.status
    return _done(here, flow_id, f"Assigned. {FOLLOWS}")


@page("/flows/unassign", "manager", ("POST",))
def unassign_flow(services: Services, here: Here) -> ResponseReturnValue:
    """Take an assignment away; the next wider one answers then."""
    scope, subject = _spot(request.form.get("spot", ""))
    try:
        with services.db.tenant(here.company.id) as session:
            service.unassign(session, here.company.id, scope, subject, here.who.email, here.now)
        flash(f"No flow is assigned there any more. {FOLLOWS}")
    except NotFound:
        flash("No call flow is assigned there.", "problem")
    return redirect(url_for("dashboard.flows", company_id=here.company.id), 303)


def confirm_phones(session: Session, here: Here, wanted: Flow) -> None:
    """Let only an owner, with the password, send calls to phones no call of the company went to before.

    Raises:
        NotAllowed: it is no owner, or the password is missing or wrong.
    """
    added = new_phones(session, here.company.id, wanted)
    if not added:
        return
    if not here.may("owner"):
        raise NotAllowed(
            f"Calls would go to phones of which your company has none yet: {shown_phones(added)}. "
            "Only an owner may do that; the draft is kept, ask an owner to publish it."
        )
    require_password(here)


def shown_phones(phones: tuple[str, ...]) -> str:
    """Return phones as people write them."""
    return ", ".join(pretty(one) if one.startswith("+") else one for one in phones)


def _spot(text: str) -> tuple[str, UUID]:
    scope, _, id_ = text.partition(":")
    return scope, parse_id(id_)


def _done(here: Here, flow_id: UUID, said: str) -> ResponseReturnValue:
    flash(said)
    return redirect(url_for("dashboard.flow", company_id=here.company.id, flow_id=flow_id), 303)


def _list(services: Services, here: Here, form: Typed | None = None) -> str:
    company_id = here.company.id
    sounds = stored(services.settings.data_dir, company_id)
    with services.db.tenant(company_id) as session:
        rows = queries.flows(session, company_id)
        places = spots(session, company_id)
        waiting = drafts.drafted(session, company_id)
    return render_template(
        "flows.html",
        flows=rows,
        told={row.id: [line.text for line in _lines(row.definition, sounds)][:3] for row in rows},
        answers={row.id: [one for one in places if one.flow_id == row.id and one.is_own] for row in rows},
        spots=as_tree(places),
        scopes=SCOPES,
        drafts=waiting,
        starters=STARTERS,
        form=form,
    )


def _one(services: Services, here: Here, flow_id: UUID, form: Typed | None = None) -> str:
    company_id = here.company.id
    sounds = stored(services.settings.data_dir, company_id)
    with services.db.tenant(company_id) as session:
        row = queries.flow(session, company_id, flow_id)
        draft = drafts.draft_of(session, company_id, flow_id)
        places = spots(session, company_id)
        saved = queries.versions(session, company_id, flow_id)
    read = shown_flow(row.definition, sounds)
    return render_template(
        "flow.html",
        flow=row,
        draft=draft,
        lines=lines(read) if read else (),
        picture=svg(read, row.name) if read else "",
        mine=[one for one in places if one.flow_id == flow_id and one.is_own],
        numbers=[one for one in places if one.kind == "number" and one.flow_id == flow_id],
        choices=_choices(places, flow_id),
        versions=_with_changes(saved, sounds),
        form=form,
    )


def as_tree(places: tuple[Spot, ...]) -> list[Spot]:
    """Return the places so that each stands beneath the one it belongs to."""
    rank = {one.id: place for place, one in enumerate(places)}

    def path(one: Spot) -> tuple[int, ...]:
        return (*(rank.get(id_, -1) for id_ in reversed(one.above)), rank[one.id])

    return sorted(places, key=path)


def _choices(places: tuple[Spot, ...], flow_id: UUID) -> dict[str, list[tuple[str, str]]]:
    """Return where a flow may be assigned, by scope; places where it is already are left out."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one in places:
        if not (one.is_own and one.flow_id == flow_id):
            name = pretty(one.name) if one.kind == "number" else one.name
            has = f" (now: {one.flow})" if one.is_own else ""
            found.setdefault(one.kind, []).append((f"{one.kind}:{one.id.hex}", name + has))
    return found


def _with_changes(saved: tuple[VersionRow, ...], sounds: Sounds) -> list[Version]:
    read = [shown_flow(one.definition, sounds) for one in saved]
    found = []
    for place, one in enumerate(saved):
        now, before = read[place], read[place + 1] if place + 1 < len(saved) else None
        found.append(Version(one, differences(before, now) if before and now else ()))
    return found


def readable(definition: dict[str, Any]) -> Flow | None:
    """Return a stored flow; None for one that this release cannot read any more."""
    try:
        return read_flow(definition)
    except BadFields:
        return None


def shown_flow(definition: dict[str, Any], sounds: Sounds) -> Flow | None:
    """Return a stored flow with our own sound files called by their names."""
    read = readable(definition)
    return with_sound_names(read, sounds) if read else None


def _lines(definition: dict[str, Any], sounds: Sounds) -> tuple[Line, ...]:
    read = shown_flow(definition, sounds)
    return lines(read) if read else ()
