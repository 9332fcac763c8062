"""Journeys: stage funnel, flow, friction, paths and cohorts, of everybody or of some; also as files."""

from dataclasses import replace

from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.journey_looking import Looked, look
from calltrack.dashboard.journey_tables import table_of
from calltrack.dashboard.person_line import STOPS, touch_words
from calltrack.dashboard.sankey_drawing import draw, name_of
from calltrack.kernel.errors import BadInput
from calltrack.reports.asking import PERIODS
from calltrack.reports.days import day_of
from calltrack.reports.journey_asking import read_journeys_asked
from calltrack.stages.views import WITHIN
from calltrack.wiring import Services

TEMPLATES = {
    "funnel": "journeys.html", "flow": "journey_flow.html", "friction": "journey_friction.html",
    "paths": "journey_paths.html", "cohorts": "journey_cohorts.html",
}  # fmt: skip


@page("/journeys", "viewer")
def journeys(services: Services, here: Here) -> ResponseReturnValue:
    """Show the stage funnel with conversion and time between stages, and the sources."""
    return _show(services, here, "funnel")


@page("/journeys/flow", "viewer")
def journey_flow(services: Services, here: Here) -> ResponseReturnValue:
    """Draw the flow from sources over first pages to stages, with its table."""
    return _show(services, here, "flow")


@page("/journeys/friction", "viewer")
def journey_friction(services: Services, here: Here) -> ResponseReturnValue:
    """Show at which touchpoint people stop who are no leads."""
    return _show(services, here, "friction")


@page("/journeys/paths", "viewer")
def journey_paths(services: Services, here: Here) -> ResponseReturnValue:
    """Show the touches before a purchase or a lead."""
    return _show(services, here, "paths")


@page("/journeys/cohorts", "viewer")
def journey_cohorts(services: Services, here: Here) -> ResponseReturnValue:
    """Show what became of each week's first touches, and how long leads and purchases took."""
    return _show(services, here, "cohorts")


@page("/journeys/<view>/file.<kind>", "viewer")
def journey_file(services: Services, here: Here, view: str, kind: str) -> ResponseReturnValue:
    """Send a view as CSV or as an Excel workbook, with the period and the filters written into it."""
    if view not in TEMPLATES or kind not in ("csv", "xlsx"):
        abort(404)
    # Spreadsheets: only whoever makes one needs their library in memory.
    from calltrack.reports.files import XLSX, csv_of, xlsx_of

    asked = read_journeys_asked(request.args, day_of(here.now, here.company.timezone), view)
    found = look(services, here, view, asked)
    if found.problem:
        raise BadInput(found.problem)
    table = table_of(found, here)
    with services.db.tenant(here.company.id) as session:
        audit.note(
            session, here.company.id, here.who.email, "journeys.exported", f"{view}.{kind}", here.now,
            filters=f"{asked.now.since} to {asked.now.until}; {found.filters or 'all'}",
        )  # fmt: skip
    answer = Response(xlsx_of(table), mimetype=XLSX) if kind == "xlsx" else Response(
        "\ufeff" + "".join(csv_of(table)), content_type="text/csv; charset=utf-8"
    )  # fmt: skip
    name = f"journeys-{view}-{asked.now.since}-{asked.now.until}.{kind}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _show(services: Services, here: Here, view: str) -> ResponseReturnValue:
    today, problem = day_of(here.now, here.company.timezone), ""
    try:
        asked = read_journeys_asked(request.args, today, view)
    except BadInput as refused:
        problem, asked = str(refused), read_journeys_asked({}, today, view)
    found = look(services, here, view, asked)
    problem = problem or found.problem
    if found.segment is None:
        asked = replace(asked, segment="")
    return render_template(
        "journey_refused.html" if found.problem else TEMPLATES[view], view=view, asked=asked, problem=problem,
        periods=PERIODS, filters=found.filters, segment=found.segment, segments=found.segments,
        **_drawn(found),
    ), 400 if problem else 200  # fmt: skip


def _drawn(found: Looked) -> dict[str, object]:
    """Return what the view's template needs besides what was read."""
    if found.view == "flow" and not found.problem:
        return {**found.told, "drawing": draw(found.told["flow"]), "name_of": name_of}
    return {**found.told, "stops": STOPS, "touch_words": touch_words, "within": WITHIN}
