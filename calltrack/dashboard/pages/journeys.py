"""Journeys: the stage funnel, the flow, friction, paths and cohorts, all from one table of sums."""

from zoneinfo import ZoneInfo

from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from calltrack.dashboard.access import Here, page
from calltrack.dashboard.periods import NAMES, Period, period
from calltrack.dashboard.person_line import STOPS, touch_words
from calltrack.dashboard.sankey_drawing import draw, name_of
from calltrack.stages import views
from calltrack.stages.model import JourneyState
from calltrack.stages.sankey import sankey
from calltrack.wiring import Services


@page("/journeys", "viewer")
def journeys(services: Services, here: Here) -> ResponseReturnValue:
    """Show the stage funnel with conversion and time between stages, and the sources."""
    chosen, days = _asked(here)
    with services.db.tenant(here.company.id) as session:
        found = views.funnel(session, here.company.id, days)
        times = views.waited(session, here.company.id, days)
        making = _making(session, here)
    return render_template(
        "journeys.html", funnel=found, times=times, making=making, period=chosen, periods=NAMES
    )


@page("/journeys/flow", "viewer")
def journey_flow(services: Services, here: Here) -> ResponseReturnValue:
    """Draw the flow from sources over first pages to stages, with its table."""
    chosen, days = _asked(here)
    with services.db.tenant(here.company.id) as session:
        found = sankey(session, here.company.id, days)
    return render_template(
        "journey_flow.html", flow=found, drawing=draw(found), name_of=name_of, period=chosen, periods=NAMES
    )


@page("/journeys/friction", "viewer")
def journey_friction(services: Services, here: Here) -> ResponseReturnValue:
    """Show at which touchpoint people stop who are no leads."""
    chosen, days = _asked(here)
    with services.db.tenant(here.company.id) as session:
        found = views.friction(session, here.company.id, days)
        whole = views.funnel(session, here.company.id, days).whole
    return render_template(
        "journey_friction.html", friction=found, whole=whole, stops=STOPS, period=chosen, periods=NAMES
    )


@page("/journeys/paths", "viewer")
def journey_paths(services: Services, here: Here) -> ResponseReturnValue:
    """Show the touches before a purchase or a lead."""
    chosen, days = _asked(here)
    with services.db.tenant(here.company.id) as session:
        found = views.paths(session, here.company.id, days)
    return render_template(
        "journey_paths.html", paths=found, touch_words=touch_words, period=chosen, periods=NAMES
    )


@page("/journeys/cohorts", "viewer")
def journey_cohorts(services: Services, here: Here) -> ResponseReturnValue:
    """Show what became of each week's first touches, and how long leads and purchases took."""
    chosen, days = _asked(here, "90d")
    with services.db.tenant(here.company.id) as session:
        weeks = views.cohorts(session, here.company.id, days)
        times = views.waiting_times(session, here.company.id, days)
    return render_template(
        "journey_cohorts.html",
        weeks=weeks,
        times=times,
        within=views.WITHIN,
        period=chosen,
        periods=NAMES,
        is_long=days.is_long,
    )


def _asked(here: Here, usual: str = "30d") -> tuple[Period, views.Days]:
    chosen = period(request.args.get("period", usual), here.now, here.company.timezone)
    zone = ZoneInfo(here.company.timezone)
    first, last = chosen.span.since.astimezone(zone).date(), chosen.span.until.astimezone(zone).date()
    return chosen, views.Days(first, last)


def _making(session: Session, here: Here) -> JourneyState | None:
    """Return the state while journeys are being made (again); None: they all stand."""
    state = session.get(JourneyState, (here.company.id,))
    return state if state is None or state.again_phase else None
