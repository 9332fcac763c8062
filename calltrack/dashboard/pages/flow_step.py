"""One step of a call flow as a form: what was typed is kept in the draft, mistakes beside their fields."""

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from calltrack.callflows import drafts, editing
from calltrack.callflows.audio import stored
from calltrack.callflows.drafts import Draft
from calltrack.callflows.editing import Plain
from calltrack.callflows.public_holidays import add_public_holidays, countries
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.flow_forms import KEYS, read_step, with_new_steps
from calltrack.dashboard.flow_outline import KINDS, Wrong, branch_words, by_step, name_sounds, step_words
from calltrack.dashboard.pages.flow_builder import outline_url, step_url
from calltrack.dashboard.pages.locations import LANGUAGES
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import NotFound
from calltrack.numbers.queries import named
from calltrack.wiring import Services

DAY_NAMES = (
    ("mon", "Monday"), ("tue", "Tuesday"), ("wed", "Wednesday"), ("thu", "Thursday"), ("fri", "Friday"),
    ("sat", "Saturday"), ("sun", "Sunday"),
)  # fmt: skip
HOW = (
    ("together", "all at once"),
    ("in_order", "one after the other, in this order"),
    ("round_robin", "in turn, beginning with another one at each call"),
    ("weighted", "in turn, the first one drawn by weight"),
)


@page("/flows/<id:flow_id>/edit/<step>", "manager")
def flow_step(services: Services, here: Here, flow_id: UUID, step: str) -> ResponseReturnValue:
    """Show one step of the draft as a form, with its mistakes beside the fields."""
    with services.db.tenant(here.company.id) as session:
        draft = _with_step(session, here, flow_id, step)
        return _step_page(services, session, here, draft, step)


@page("/flows/<id:flow_id>/edit/<step>", "manager", ("POST",))
def change_flow_step(services: Services, here: Here, flow_id: UUID, step: str) -> ResponseReturnValue:
    """Keep a step as it was typed; mistakes are kept too, and named beside their fields."""
    form, company_id = typed("step"), here.company.id
    do, _, at = form.text("do").partition(":")
    with services.db.tenant(company_id) as session:
        draft = _with_step(session, here, flow_id, step)
        kind = draft.plain["steps"][step]["kind"]
        read = read_step(kind, request.form, draft.plain.get("language", "it-IT"))
        if do == "up" and kind == "ring":
            read["targets"] = _one_up(read["targets"], at)
        if do == "holidays" and kind == "hours":
            read = add_public_holidays(read, form.text("country"), form.text("year"))
        flow = draft.plain | {"steps": draft.plain["steps"] | {step: read}}
        try:
            with form.about("name"):
                flow, made = with_new_steps(flow, step, here.company.country)
                name = form.text("name").strip() or step
                flow = editing.rename(flow, step, name)
            with form.about(""):
                draft = drafts.keep(
                    session, company_id, flow_id, flow, form.text("stamp"), here.who.email, here.now
                )
        except WrongForm:
            if form.text("stamp") != draft.stamp:
                form.problems[""] = (
                    f"{draft.saved_by} changed this flow meanwhile. What you typed stands below: "
                    "keep it again to let it hold."
                )
            return _step_page(services, session, here, _as_typed(draft, step, read), step, form), form.status
        problems = by_step(drafts.problems_of(session, company_id, draft.plain)).get(name, {})
        if do in ("up", "holidays", "more") or problems:
            shown = _step_page(
                services, session, here, draft, name, form if problems else None, said=not problems
            )
            return shown, 200
    if made:
        flash("Kept in the draft. Here is the new step.")
        return redirect(step_url(here, flow_id, made[0], is_new=True), 303)
    return redirect(f"{outline_url(here, flow_id)}#step-{name}", 303)


def _one_up(targets: list[Plain], at: str) -> list[Plain]:
    place = int(at) if at.isdecimal() and len(at) < 4 else 0
    if 0 < place < len(targets):
        targets[place - 1], targets[place] = targets[place], targets[place - 1]
    return targets


def _with_step(session: Session, here: Here, flow_id: UUID, step: str) -> Draft:
    draft = drafts.draft_of(session, here.company.id, flow_id)
    if step not in draft.plain["steps"]:
        raise NotFound("There is no such step.")
    return draft


def _as_typed(draft: Draft, step: str, read: Plain) -> Draft:
    """Return the draft with what was typed, for a page that could not be kept."""
    steps = draft.plain["steps"] | {step: read}
    values: dict[str, Any] = dict(draft.__dict__) | {"plain": draft.plain | {"steps": steps}}
    return Draft(**values)


def _step_page(
    services: Services, session: Session, here: Here, draft: Draft, name: str, form: Typed | None = None,
    *, said: bool = False,
) -> str:  # fmt: skip
    flow, country = draft.plain, here.company.country
    step = flow["steps"][name]
    problems = by_step(drafts.problems_of(session, here.company.id, flow))
    sounds = stored(services.settings.data_dir, here.company.id)
    onward = [other for other in flow["steps"] if other != name and name not in editing.below(flow, other)]
    own = [row for row in named(session, here.company.id) if row.released_at is None]
    return render_template(
        "flow_step.html",
        draft=draft,
        name=name,
        step=step,
        kind=KINDS[step["kind"]],
        kinds=KINDS,
        # A step that was only just added is not found fault with yet.
        wrong=Wrong({} if "new" in request.args else problems.get(name, {})),
        onward=[(other, name_sounds(step_words(flow, other, country), sounds)) for other in onward],
        words=lambda branch: branch_words(step, branch),
        sounds=sounds,
        languages=LANGUAGES,
        keys=KEYS,
        days=DAY_NAMES,
        how=HOW,
        own_numbers=own,
        countries=countries(),
        years=[here.now.year, here.now.year + 1],
        language=flow.get("language", "it-IT"),
        form=form,
        said=said,
    )
