"""Journeys: the stage funnel, the flow, friction, paths and cohorts, of everybody or of a segment."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from calltrack.dashboard.access import Here, page
from calltrack.dashboard.periods import NAMES, Period, period
from calltrack.dashboard.person_line import STOPS, touch_words
from calltrack.dashboard.sankey_drawing import draw, name_of
from calltrack.kernel.errors import BadInput
from calltrack.stages import views
from calltrack.stages.cells import Days, Within, check_size
from calltrack.stages.model import JourneyState
from calltrack.stages.sankey import sankey
from calltrack.stages.segment_rules import read_segment
from calltrack.stages.segments import Segment, segments
from calltrack.wiring import Services

Question = tuple[Session, UUID, Days, Within | None]


@dataclass(frozen=True)
class Chosen:
    """What stands in the address: days, and a segment or none."""

    period: Period
    days: Days
    segment: Segment | None
    is_gone: bool
    """Whether a segment is asked for that is there no more."""


@page("/journeys", "viewer")
def journeys(services: Services, here: Here) -> ResponseReturnValue:
    """Show the stage funnel with conversion and time between stages, and the sources."""

    def read(question: Question) -> dict[str, Any]:
        found = views.funnel(*question)
        return {"funnel": found, "times": found.waits, "making": _making(question[0], here)}

    return _show(services, here, "journeys.html", read)


@page("/journeys/flow", "viewer")
def journey_flow(services: Services, here: Here) -> ResponseReturnValue:
    """Draw the flow from sources over first pages to stages, with its table."""

    def read(question: Question) -> dict[str, Any]:
        found = sankey(*question)
        return {"flow": found, "drawing": draw(found), "name_of": name_of}

    return _show(services, here, "journey_flow.html", read)


@page("/journeys/friction", "viewer")
def journey_friction(services: Services, here: Here) -> ResponseReturnValue:
    """Show at which touchpoint people stop who are no leads."""

    def read(question: Question) -> dict[str, Any]:
        whole = views.funnel(*question).whole
        return {"friction": views.friction(*question), "whole": whole, "stops": STOPS}

    return _show(services, here, "journey_friction.html", read)


@page("/journeys/paths", "viewer")
def journey_paths(services: Services, here: Here) -> ResponseReturnValue:
    """Show the touches before a purchase or a lead."""

    def read(question: Question) -> dict[str, Any]:
        return {"paths": views.paths(*question), "touch_words": touch_words}

    return _show(services, here, "journey_paths.html", read)


@page("/journeys/cohorts", "viewer")
def journey_cohorts(services: Services, here: Here) -> ResponseReturnValue:
    """Show what became of each week's first touches, and how long leads and purchases took."""

    def read(question: Question) -> dict[str, Any]:
        return {
            "weeks": views.cohorts(*question), "times": views.waiting_times(*question),
            "within": views.WITHIN, "is_long": question[2].is_long,
        }  # fmt: skip

    return _show(services, here, "journey_cohorts.html", read, "90d")


def _show(
    services: Services, here: Here, template: str, read: Callable[[Question], dict[str, Any]],
    usual: str = "30d",
) -> ResponseReturnValue:  # fmt: skip
    company_id, problem, told = here.company.id, "", dict[str, Any]()
    with services.db.tenant(company_id) as session:
        all_ = segments(session, company_id)
        chosen = _chosen(here, all_, usual)
        within = Within(read_segment(chosen.segment.condition), here.now) if chosen.segment else None
        try:
            if chosen.is_gone:
                raise BadInput("This segment is there no more. Choose another one, or all journeys.")
            check_size(session, company_id, chosen.days, within)
            told = read((session, company_id, chosen.days, within))
        except BadInput as refused:
            problem, template = str(refused), "journey_refused.html"
    return render_template(
        template, period=chosen.period, periods=NAMES, segment=chosen.segment, segments=all_,
        problem=problem, **told,
    ), 400 if problem else 200  # fmt: skip


def _chosen(here: Here, all_: tuple[Segment, ...], usual: str) -> Chosen:
    asked = period(request.args.get("period", usual), here.now, here.company.timezone)
    zone = ZoneInfo(here.company.timezone)
    first, last = asked.span.since.astimezone(zone).date(), asked.span.until.astimezone(zone).date()
    wanted = request.args.get("segment", "")
    segment = next((one for one in all_ if one.id.hex == wanted.replace("-", "").lower()), None)
    return Chosen(asked, Days(first, last), segment, is_gone=bool(wanted and segment is None))


def _making(session: Session, here: Here) -> JourneyState | None:
    """Return the state while journeys are being made (again); None: they all stand."""
    state = session.get(JourneyState, (here.company.id,))
    return state if state is None or state.again_phase else None
