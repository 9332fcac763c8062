"""Which persons are joined by rule: the rules with their versions, tried on the past, and suggestions."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.journeys.person_rules import PersonRules, read_person_rules
from calltrack.journeys.rule_joining import (
    Tried,
    ask_apart,
    current_rules,
    save_person_rules,
    try_rules,
    versions,
)
from calltrack.journeys.suggestions import count_suggestions, decide, suggestions
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.wiring import Services

SIGNS: Final = {
    "key": ("Both have one CRM id", "A CRM or a touchpoint names one id for two persons."),
    "call": ("A call binds both", "Somebody calls from the one's number, surely in the other's browser."),
    "email": ("Both typed one e-mail address", "Into forms, in browsers of two persons."),
    "phone": ("One typed the other's number", "Into a form, in a browser of another person."),
}
DOES: Final = {"join": "Join them", "ask": "Ask a person", "off": "Do nothing"}
SIGN_WORDS: Final = {
    "key": "one CRM id", "call": "a call", "email": "one e-mail address", "phone": "a typed number",
}  # fmt: skip
EXAMPLES: Final = 10


@page("/journeys/joining", "viewer")
def joining(services: Services, here: Here) -> ResponseReturnValue:
    """Show the rules, their versions and who may be one person."""
    return _page(services, here)


@page("/journeys/joining", "owner", ("POST",))
def change_joining(services: Services, here: Here) -> ResponseReturnValue:
    """Save a version of the rules, or try them on everybody who is known."""
    form, company_id = typed("joining"), here.company.id
    try:
        with form.about(""), services.db.tenant(company_id) as session:
            rules = _rules_of(form)
            if form.text("do") == "try":
                return _page(services, here, form, rules, try_rules(session, company_id, rules))
            join_past = form.text("join_past") == "on"
            save_person_rules(
                session, company_id, rules.model_dump(), here.now, by=here.who.email,
                note=form.text("note").strip(), join_past=join_past,
            )  # fmt: skip
    except WrongForm:
        return _page(services, here, form), form.status
    services.nudges.wake("join_persons", str(company_id))
    flash("Saved. Persons are being joined." if join_past else "Saved. The rules hold from now on.")
    return redirect(url_for("dashboard.joining", company_id=company_id), 303)


@page("/journeys/joining/undo", "owner", ("POST",))
def undo_joining(services: Services, here: Here) -> ResponseReturnValue:
    """Take apart whom a version joined, once that is ticked."""
    try:
        if request.form.get("sure") != "yes":
            raise BadInput("Nothing was taken apart: tick the box first.")
        number = typed("undo").whole("number")
        with services.db.tenant(here.company.id) as session:
            ask_apart(session, here.company.id, number, here.now, by=here.who.email)
        flash("They are being taken apart: each is exactly who it was, and no rule joins them again.")
    except (BadInput, Conflict, NotFound) as problem:
        flash(str(problem))
    services.nudges.wake("join_persons", str(here.company.id))
    return redirect(url_for("dashboard.joining", company_id=here.company.id), 303)


@page("/journeys/suggestions/<id:suggestion_id>", "manager", ("POST",))
def decide_suggestion(services: Services, here: Here, suggestion_id: UUID) -> ResponseReturnValue:
    """Join two who may be one person, or say that they are two."""
    decision = "join" if request.form.get("do") == "join" else "apart"
    try:
        with services.db.tenant(here.company.id) as session:
            decide(
                session, here.company.id, suggestion_id, "join" if decision == "join" else "apart", here.now,
                by=here.who.email,
            )  # fmt: skip
        flash(
            "Joined; on the person's page you can take them apart again." if decision == "join"
            else "They stay two, whatever the rules say."
        )  # fmt: skip
    except Conflict as problem:
        flash(str(problem))
    for job in ("handle_facts", "keep_journeys"):
        services.nudges.wake(job, str(here.company.id))
    return redirect(url_for("dashboard.joining", company_id=here.company.id), 303)


@dataclass(frozen=True)
class _Shown:
    rules: PersonRules
    tried: Tried | None


def _page(
    services: Services, here: Here, form: Typed | None = None, rules: PersonRules | None = None,
    tried: Tried | None = None,
) -> str:  # fmt: skip
    with services.db.tenant(here.company.id) as session:
        held = current_rules(session, here.company.id)
        context: dict[str, Any] = {
            "versions": versions(session, here.company.id, 8),
            "suggestions": suggestions(session, here.company.id),
            "open_suggestions": count_suggestions(session, here.company.id),
        }
    return render_template(
        "joining.html", shown=_Shown(rules or held.rules, tried), held=held, form=form, signs=SIGNS,
        does=DOES, sign_words=SIGN_WORDS, examples=EXAMPLES, **context,
    )  # fmt: skip


def _rules_of(form: Typed) -> PersonRules:
    """Read the rules as they were typed; an empty limit is none."""
    given: dict[str, Any] = {name: form.text(name) for name in (*SIGNS, "other_crm_id")}
    for name in ("most_by_email", "most_by_number"):
        given[name] = form.whole(name) if form.text(name).strip() else None
    for name in ("browsers_by_email", "browsers_by_phone"):
        given[name] = form.text(name) == "on"
    return read_person_rules(given)
