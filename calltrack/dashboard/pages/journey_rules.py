"""The rules of stages and score: shown in words, changed as a form, tried on the past, kept as versions."""

from dataclasses import dataclass
from typing import Literal

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard import fact_form
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.fact_form import Row, row_of
from calltrack.dashboard.stage_form import stage_fields, stages_of, typed_fields
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.stages.model import JourneyState
from calltrack.stages.preview import ScorePreview, preview_score, preview_stages
from calltrack.stages.score_rules import ScoreRules, read_score
from calltrack.stages.stage_words import FACTS, STAGES, StageRules, read_stages, read_way
from calltrack.stages.versions import current, save_rules, score_rules, versions
from calltrack.wiring import Services


@dataclass(frozen=True)
class Tried:
    """Rules that are looked at on the past, and not saved."""

    score: ScoreRules | None = None
    stages: StageRules | None = None


@page("/journeys/rules", "viewer")
def journey_rules(services: Services, here: Here) -> ResponseReturnValue:
    """Show both sets of rules, their versions, and how the score would have done."""
    return rules_page(services, here)


@page("/journeys/rules/stages", "owner", ("POST",))
def change_stage_rules(services: Services, here: Here) -> ResponseReturnValue:
    """Save a new version of the stage rules, try it on the last 30 days, or give the form more rows."""
    return _save(services, here, "stages")


@page("/journeys/rules/score", "owner", ("POST",))
def change_score_rules(services: Services, here: Here) -> ResponseReturnValue:
    """Save a new version of the score's rules, or try it on the last 30 days."""
    return _save(services, here, "score")


def rules_page(services: Services, here: Here, form: Typed | None = None, tried: Tried | None = None) -> str:
    """Return the page; with a form that was refused, or rules that were only tried, as they were typed."""
    company_id, tried = here.company.id, tried or Tried()
    with services.db.tenant(company_id) as session:
        stages, held = current(session, company_id, "stages"), score_rules(session, company_id)
        kept = {kind: versions(session, company_id, kind, 8) for kind in (_STAGES, _SCORE)}
        shown = tried.score or held
        preview: ScorePreview = preview_score(session, company_id, shown, here.now, held)
        moves = preview_stages(session, company_id, tried.stages, here.now) if tried.stages else None
        state = session.get(JourneyState, (company_id,))
    score_rows = [row_of(one.if_, points=one.points) for one in shown.rules]
    if form is not None and form.which == "score":
        score_rows = list(fact_form.typed_rows(form))
    of_stages = form is not None and form.which == "stages"
    return render_template(
        "journey_rules.html", stages=STAGES, read=read_stages(stages.rules), read_way=read_way,
        versions=kept, stage_fields=typed_fields(form) if form and of_stages else stage_fields(stages.rules),
        stage_facts=[(name, fact.reads) for name, fact in FACTS.items()], moves=moves, score=shown,
        score_rows=[*score_rows, *[Row()] * fact_form.SPARE][: fact_form.MOST_ROWS],
        facts=fact_form.facts_offered(in_score=True), how=fact_form.HOW, preview=preview, tried=tried.score,
        form=form, state=state,
    )  # fmt: skip


_STAGES: Literal["stages"] = "stages"
_SCORE: Literal["score"] = "score"


def _save(services: Services, here: Here, kind: Literal["stages", "score"]) -> ResponseReturnValue:
    form, company_id = typed(kind), here.company.id
    if form.text("do") == "more":
        return rules_page(services, here, form)
    try:
        with form.about(""), services.db.tenant(company_id) as session:
            rules = stages_of(form) if kind == "stages" else fact_form.score_of(form)
            if form.text("do") == "try":
                tried = (
                    Tried(stages=read_stages(rules)) if kind == "stages" else Tried(score=read_score(rules))
                )
                return rules_page(services, here, form if kind == "stages" else None, tried)
            save_rules(
                session, company_id, kind, rules, here.now, by=here.who.email,
                note=form.text("note").strip(),
            )  # fmt: skip
    except WrongForm:
        return rules_page(services, here, form), form.status
    services.nudges.wake("make_journeys_again", str(company_id))
    flash("Saved. All journeys are made again by these rules; large pasts take some minutes.")
    return redirect(url_for("dashboard.journey_rules", company_id=company_id), 303)
