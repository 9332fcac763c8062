"""The rules that make calls leads and purchases: edit, try on the past, save, bring an older version back."""

from collections.abc import Sequence
from dataclasses import replace

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from calltrack.conversions.dry_run import DryRun, dry_run
from calltrack.conversions.names import ids_of, names_of
from calltrack.conversions.tree_rules import Tree
from calltrack.conversions.tree_words import LAST, rule_sentence, tree_sentences
from calltrack.conversions.versions import all_versions, rulebook, save_rules, version_numbered
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.rule_forms import (
    FACTS,
    PLACES,
    Draft,
    drafts_of,
    press,
    read_draft,
    read_drafts,
    typed_drafts,
)
from calltrack.kernel.errors import BadInput
from calltrack.wiring import Services

PAST = ((0, "from now on only"), (7, "and the past 7 days"), (30, "and the past 30 days"),
        (90, "and the past 90 days"))  # fmt: skip


@page("/settings/rules", "manager")
def rules(services: Services, here: Here) -> ResponseReturnValue:
    """Show the rules as they are, each with its sentence, and the versions before."""
    with services.db.tenant(here.company.id) as session:
        tree = rulebook(session, here.company.id).newest.tree
        drafts = drafts_of(tree, here.company.currency, names_of(session, here.company.id))
        return _render(session, here, drafts)


@page("/settings/rules", "manager", ("POST",))
def change_rules(services: Services, here: Here) -> ResponseReturnValue:
    """Do what the pressed button says: change the draft, try it on the past, or save it."""
    button = request.form.get("do", "show")
    drafts = typed_drafts(request.form)
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        if button not in ("try", "save"):
            return _render(session, here, press(drafts, button))
        try:
            tree = read_drafts(drafts, here.company.currency, _places(session, here))
            if button == "try":
                seen = dry_run(session, company_id, tree, here.now)
                return _render(session, here, drafts, seen=seen)
            past_days = int(request.form.get("past_days", "0"))
            version = save_rules(
                session, company_id, tree, f"{here.who.name} <{here.who.email}>", here.now,
                past_days=past_days, note=request.form.get("note", "").strip(),
                expected=int(request.form.get("expected", "0")),
            )  # fmt: skip
        except (BadInput, ValueError) as problem:
            said = str(problem) if isinstance(problem, BadInput) else "A number on this page is not one."
            return _render(session, here, drafts, problem=said)
    services.nudges.wake("handle_facts", str(company_id))
    again = " Past calls are being judged again." if past_days else ""
    flash(f"Saved as version {version.number}.{again}")
    return redirect(url_for("dashboard.rules", company_id=company_id), 303)


@page("/settings/rules/restore", "manager", ("POST",))
def restore_rules(services: Services, here: Here) -> ResponseReturnValue:
    """Save an older version as the newest one; it judges calls from now on."""
    company_id, text = here.company.id, request.form.get("number", "")
    if not text.isdigit() or len(text) > 6:
        raise BadInput("Choose the version to bring back.")
    with services.db.tenant(company_id) as session:
        tree = version_numbered(session, company_id, int(text))
        by = f"{here.who.name} <{here.who.email}>"
        what = f"Version {text}" if int(text) else "The built-in rule"
        saved = save_rules(session, company_id, tree, by, here.now, note=f"{what} brought back.")
    flash(f"{what} is back, as version {saved.number}. It judges calls from now on.")
    return redirect(url_for("dashboard.rules", company_id=company_id), 303)


def _render(
    session: Session, here: Here, drafts: Sequence[Draft], *, problem: str = "", seen: DryRun | None = None
) -> str:
    company_id, currency = here.company.id, here.company.currency
    names, places = names_of(session, company_id), _places(session, here)
    saved = all_versions(session, company_id)
    trees = [(one, Tree.model_validate(one.tree)) for one in saved]
    built_in = version_numbered(session, company_id, 0)
    return render_template(
        "rules.html",
        drafts=[_told(draft, currency, names, places) for draft in drafts],
        facts=FACTS,
        places=places,
        last=LAST,
        problem=problem,
        seen=seen,
        past=PAST,
        form=request.form,
        expected=saved[0].number if saved else 0,
        versions=[(one, tree_sentences(tree, currency, names)) for one, tree in trees],
        built_in=tree_sentences(built_in, currency, names),
        is_built_in=bool(trees) and trees[0][1] == built_in,
    )


def _told(
    draft: Draft, currency: str, names: dict[str, str], places: dict[str, list[tuple[str, str]]]
) -> Draft:
    """Return the draft with its sentence, or with what makes no sense about it."""
    try:
        rule = read_draft(draft, currency, places)
    except BadInput as problem:
        return replace(draft, problem=str(problem))
    return replace(draft, sentence=rule_sentence(rule, currency, names))


def _places(session: Session, here: Here) -> dict[str, list[tuple[str, str]]]:
    return {kind: ids_of(session, here.company.id, kind) for kind in PLACES}
