"""The learnt models, which of them judges, and how sure they may be."""

from uuid import UUID
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.attribution import judging_anew, model_versions
from calltrack.attribution.calibrating import NEEDED, how_sure
from calltrack.attribution.drift import FEWEST_CALLS
from calltrack.attribution.model_figures import campaigns, parts_in_words, unwanted
from calltrack.attribution.model_queries import (
    all_models,
    compare,
    judged_anew,
    judging,
    judgings,
    lesson_state,
)
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.periods import day_span
from calltrack.dashboard.reliability import diagram
from calltrack.kernel.errors import BadInput, Conflict
from calltrack.kernel.origin import words_of
from calltrack.numbers.queries import named
from calltrack.wiring import Services

SHOWN = 10


@page("/attribution", "viewer")
def attribution_models(services: Services, here: Here) -> ResponseReturnValue:
    """Show the versions, which one judges, and when the next lesson is."""
    with services.db.tenant(here.company.id) as session:
        rows = all_models(session, here.company.id)
        lesson = lesson_state(session, here.company.id)
    return render_template("models.html", rows=rows, lesson=lesson, fewest=FEWEST_CALLS)


@page("/attribution/models/<version>", "viewer")
def attribution_model(services: Services, here: Here, version: str) -> ResponseReturnValue:
    """Show one version in figures, beside another one."""
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        seen = compare(session, company_id, version, request.args.get("with", ""))
        names = {row.id.hex: row.e164 for row in named(session, company_id)}
        others = [one.version for one in all_models(session, company_id) if one.version != version]
    ranked = [(words_of(key), factor) for key, factor in campaigns(seen.model)]
    return render_template(
        "model.html",
        seen=seen,
        others=others,
        held=parts_in_words(list(seen.row.held)),
        numbers=[(names.get(number, ""), calls) for number, calls in unwanted(seen.model)][:SHOWN],
        campaigns=ranked[:SHOWN],
        lowest=ranked[SHOWN:][-SHOWN:],
    )


@page("/attribution/models/<version>", "manager", ("POST",))
def change_attribution_model(services: Services, here: Here, version: str) -> ResponseReturnValue:
    """Pin this version, unpin it, or bring it back until the next lesson."""
    wish, company_id, by = request.form.get("do", ""), here.company.id, here.who.email
    with services.db.tenant(company_id) as session:
        compare(session, company_id, version)  # An unknown version is no page, whatever the wish.
        try:
            if wish == "pin":
                model_versions.pin(session, company_id, version, by, here.now)
                flash(f"{version} is pinned: it judges calls until somebody unpins it.")
            elif wish == "unpin":
                now = model_versions.unpin(session, company_id, by, here.now)
                flash(f"{version} is unpinned; {now} judges calls from now on.")
            elif wish == "serve":
                model_versions.serve(session, company_id, version, by, here.now)
                flash(f"{version} judges calls until the next lesson.")
            else:
                raise BadInput("Choose pin, unpin or serve.")
        except Conflict as problem:
            flash(str(problem), "problem")
    return redirect(url_for("dashboard.attribution_model", company_id=company_id, version=version), 303)


@page("/attribution/calibration", "viewer")
def calibration(services: Services, here: Here) -> ResponseReturnValue:
    """Show how often what was said came true."""
    with services.db.tenant(here.company.id) as session:
        seen = how_sure(session, here.company.id)
    drawn = {level: diagram(found, level) for level, found in seen.levels.items() if found.calls}
    return render_template("how_sure.html", seen=seen, needed=NEEDED, drawn=drawn)


@page("/attribution/again", "viewer")
def judging_past(services: Services, here: Here) -> ResponseReturnValue:
    """Show what was judged anew, and offer to do so."""
    return _again(services, here)


@page("/attribution/again", "manager", ("POST",))
def judge_past(services: Services, here: Here) -> ResponseReturnValue:
    """Let past calls be judged anew."""
    since, _ = day_span(request.form.get("since", ""), "", here.company.timezone)
    tells = request.form.get("tells") == "yes"
    try:
        if since is None:
            raise BadInput("Choose the day from which calls are judged anew.")
        with services.db.tenant(here.company.id) as session:
            id_ = judging_anew.ask(session, here.company.id, since, here.who.email, here.now, tells=tells)
    except (BadInput, Conflict) as problem:
        flash(str(problem), "problem")
        return redirect(url_for("dashboard.judging_past", company_id=here.company.id), 303)
    services.nudges.wake("judge_anew", str(here.company.id), str(id_))
    return redirect(url_for("dashboard.judged_past", company_id=here.company.id, judging_id=id_), 303)


@page("/attribution/again/<id:judging_id>", "viewer")
def judged_past(services: Services, here: Here, judging_id: UUID) -> ResponseReturnValue:
    """Show what a request changed."""
    with services.db.tenant(here.company.id) as session:
        row = judging(session, here.company.id, judging_id)
        calls = judged_anew(session, here.company.id, judging_id)
    return render_template("judging.html", row=row, calls=calls)


@page("/attribution/again/<id:judging_id>/stop", "manager", ("POST",))
def stop_judging(services: Services, here: Here, judging_id: UUID) -> ResponseReturnValue:
    """End a request where it is."""
    try:
        with services.db.tenant(here.company.id) as session:
            judging_anew.stop(session, here.company.id, judging_id, here.who.email, here.now)
        flash("Stopped. What was judged anew stays so.")
    except Conflict as problem:
        flash(str(problem), "problem")
    return redirect(url_for("dashboard.judged_past", company_id=here.company.id, judging_id=judging_id), 303)


def _again(services: Services, here: Here) -> str:
    with services.db.tenant(here.company.id) as session:
        rows = judgings(session, here.company.id)
        model = next(one for one in all_models(session, here.company.id) if one.judges)
    today = here.now.astimezone(ZoneInfo(here.company.timezone)).date()
    return render_template("judgings.html", rows=rows, model=model, today=today)
