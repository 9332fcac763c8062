"""The rules of stages and score: shown in words, changed as a form, tried on the past, kept as versions."""

from typing import Literal

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard import fact_form
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.fact_form import Row, row_of
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.stages.model import JourneyState
from calltrack.stages.preview import ScorePreview, preview_score
from calltrack.stages.score_rules import ScoreRules, read_score
from calltrack.stages.stage_words import FACTS, STAGES, read_stages, read_way
from calltrack.stages.versions import current, save_rules, score_rules, versions
from calltrack.wiring import Services


@page("/journeys/rules", "viewer")
def journey_rules(services: Services, here: Here) -> ResponseReturnValue:
    """Show both sets of rules, their versions, and how the score would have done."""
    return rules_page(services, here)


@page("/journeys/rules/stages", "owner", ("POST",))
def change_stage_rules(services: Services, here: Here) -> ResponseReturnValue:
    """Save a new version of the stage rules; the past is made again by it."""
    return _save(services, here, "stages")


@page("/journeys/rules/score", "owner", ("POST",))
def change_score_rules(services: Services, here: Here) -> ResponseReturnValue:
    """Save a new version of the score's rules, or try it on the last 30 days."""
    return _save(services, here, "score")


def rules_page(
    services: Services, here: Here, form: Typed | None = None, tried: ScoreRules | None = None
) -> str:
    """Return the page; with a form that was refused, or rules that were only tried, as they were typed."""
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        stages, held = current(session, company_id, "stages"), score_rules(session, company_id)
        kept = {kind: versions(session, company_id, kind, 8) for kind in (_STAGES, _SCORE)}
        preview: ScorePreview = preview_score(session, company_id, tried or held, here.now, held)
        state = session.get(JourneyState, (company_id,))
    shown = tried or held
    score_rows = [row_of(one.if_, points=one.points) for one in shown.rules]
    if form is not None and form.which == "score":
        score_rows = list(fact_form.typed_rows(form))
    read = read_stages(stages.rules)
    return render_template(
        "journey_rules.html", stages=STAGES, read=read, read_way=read_way, held=stages, versions=kept,
        stage_rows={name: fact_form.stage_rows(stages.rules["stages"].get(name, ())) for name in STAGES[1:]},
        stage_facts=[(name, fact.reads) for name, fact in FACTS.items()], score=shown,
        score_rows=[*score_rows, *[Row()] * fact_form.SPARE][: fact_form.MOST_ROWS],
        facts=fact_form.facts_offered(in_score=True), how=fact_form.HOW, preview=preview, tried=tried,
        form=form, state=state,
    )  # fmt: skip


_STAGES: Literal["stages"] = "stages"
_SCORE: Literal["score"] = "score"


def _save(services: Services, here: Here, kind: Literal["stages", "score"]) -> ResponseReturnValue:
    form, company_id = typed(kind), here.company.id
    try:
        with form.about(""), services.db.tenant(company_id) as session:
            if kind == "stages":
                rules = fact_form.stages_of(form, current(session, company_id, "stages").rules)
            else:
                rules = fact_form.score_of(form)
            if form.text("do") == "try":
                return rules_page(services, here, tried=read_score(rules))
            save_rules(
                session, company_id, kind, rules, here.now, by=here.who.email,
                note=form.text("note").strip(),
            )  # fmt: skip
    except WrongForm:
        return rules_page(services, here, form), form.status
    services.nudges.wake("make_journeys_again", str(company_id))
    flash("Saved. All journeys are made again by these rules; large pasts take some minutes.")
    return redirect(url_for("dashboard.journey_rules", company_id=company_id), 303)
