"""Building a call flow: its draft as an outline, published when it has no mistakes."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from calltrack.callflows import drafts, editing
from calltrack.callflows.audio import stored
from calltrack.callflows.drafts import Draft
from calltrack.callflows.editing import Plain
from calltrack.callflows.phones import new_phones
from calltrack.callflows.picture import svg
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.flow_forms import read_settings
from calltrack.dashboard.flow_outline import (
    KINDS,
    Wrong,
    by_step,
    name_sounds,
    outline,
    place_words,
    with_sound_names,
)
from calltrack.dashboard.pages.flows import FOLLOWS, confirm_phones, shown_phones
from calltrack.dashboard.pages.locations import LANGUAGES
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import BadInput, Conflict
from calltrack.wiring import Services


@page("/flows/<id:flow_id>/edit", "manager")
def edit_flow(services: Services, here: Here, flow_id: UUID) -> ResponseReturnValue:
    """Show the draft as an outline, with what is still wrong."""
    return _page(services, here, flow_id)


@page("/flows/<id:flow_id>/edit", "manager", ("POST",))
def change_flow(services: Services, here: Here, flow_id: UUID) -> ResponseReturnValue:
    """Do what the pressed button says with the draft: add, move, delete, set, discard or publish."""
    form = typed("edit")
    do, _, at = form.text("do").partition(":")
    company_id, by = here.company.id, here.who.email
    published, made = 0, ""
    try:
        with form.about(""), services.db.tenant(company_id) as session:
            draft = drafts.draft_of(session, company_id, flow_id)
            if do == "discard" and not draft.is_changed:
                pass
            elif form.text("stamp") != draft.stamp:
                raise Conflict(
                    f"{draft.saved_by} changed this flow meanwhile. This is how it is now; do it again."
                )
            elif do == "discard":
                drafts.discard(session, company_id, flow_id)
            elif do == "publish":
                published = _publish(session, here, draft)
            else:
                changed, made = _pressed(draft.plain, do, at, form, here.company.country)
                drafts.keep(session, company_id, flow_id, changed, draft.stamp, by, here.now)
    except WrongForm:
        return _page(services, here, flow_id, form), form.status
    if published:
        services.nudges.wake("handle_facts", str(company_id))
        flash(f"Version {published} is published. {FOLLOWS}")
        return redirect(url_for("dashboard.flow", company_id=company_id, flow_id=flow_id), 303)
    if do == "discard":
        flash(f"The draft is gone. This is version {draft.newest}.")
    if made:
        return redirect(step_url(here, flow_id, made, is_new=True), 303)
    return redirect(f"{outline_url(here, flow_id)}#{_anchor(do, at)}", 303)


def _publish(session: Session, here: Here, draft: Draft) -> int:
    """Publish the draft and return the number of the version.

    Raises:
        BadInput: it has mistakes.
        Conflict: somebody published another version meanwhile.
        NotAllowed: it sends calls to new phones, and this is no owner.
    """
    if drafts.problems_of(session, here.company.id, draft.plain):
        raise BadInput("Not published: mend what is named below first. Calls go on as before.")
    confirm_phones(session, here, drafts.checked(session, here.company.id, draft.plain))
    return drafts.publish(session, here.company.id, draft.flow_id, here.who.email, here.now)


def _pressed(flow: Plain, do: str, at: str, form: Typed, country: str) -> tuple[Plain, str]:
    """Return the flow after a button was pressed, and the name of a step that is new."""
    if do == "settings":
        kept = {name: value for name, value in flow.items() if name in ("start", "steps")}
        return kept | read_settings(request.form), ""
    if do == "put":
        chosen = form.text(f"at:{at}")
        if chosen.startswith("+"):
            return editing.add(flow, chosen[1:], at, country)
        return editing.put(flow, at, _known(flow, chosen.removeprefix("=")) if chosen else None), ""
    name = _known(flow, at)
    match do:
        case "drop":
            return editing.remove(flow, name), ""
        case "up" | "down":
            place = editing.earlier(flow, name) if do == "up" else editing.later(flow, name)
            return (editing.move(flow, name, place) if place else flow), ""
        case "move":
            return editing.move(flow, name, form.text(f"to:{name}")), ""
    raise BadInput("Choose one of the buttons.")


def _known(flow: Plain, name: str) -> str:
    if name not in flow["steps"]:
        raise BadInput("This step is gone; somebody changed the flow. Look at it again.")
    return name


def _page(services: Services, here: Here, flow_id: UUID, form: Typed | None = None) -> str:
    company_id = here.company.id
    sounds = stored(services.settings.data_dir, company_id)
    with services.db.tenant(company_id) as session:
        draft = drafts.draft_of(session, company_id, flow_id)
        problems = drafts.problems_of(session, company_id, draft.plain)
        read = drafts.checked(session, company_id, draft.plain) if not problems else None
        added = new_phones(session, company_id, read) if read else ()
    country = here.company.country
    named = by_step(problems)
    return render_template(
        "flow_edit.html",
        draft=draft,
        flow=draft.plain,
        outline=outline(draft.plain, country, problems),
        problems=named,
        wrong=Wrong(named.get("", {})),
        problem_count=len(problems),
        picture=svg(with_sound_names(read, sounds), draft.name, "draft") if read else "",
        added=shown_phones(added),
        places=lambda name: [
            (place, place_words(draft.plain, place)) for place in editing.places_for(draft.plain, name)
        ],
        kinds=KINDS,
        sounds=sounds,
        named=lambda text: name_sounds(text, sounds),
        languages=LANGUAGES,
        form=form,
    )


def outline_url(here: Here, flow_id: UUID) -> str:
    """Return the address of the draft."""
    return url_for("dashboard.edit_flow", company_id=here.company.id, flow_id=flow_id)


def step_url(here: Here, flow_id: UUID, step: str, *, is_new: bool = False) -> str:
    """Return the address of a step of the draft."""
    return url_for(
        "dashboard.flow_step",
        company_id=here.company.id,
        flow_id=flow_id,
        step=step,
        new=1 if is_new else None,
    )


def _anchor(do: str, at: str) -> str:
    if do == "settings":
        return "settings"
    return f"step-{at.partition('.')[0]}" if do in ("put", "up", "down", "move") else "steps"
