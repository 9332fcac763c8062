"""Reads one view over journeys for its page or its file: both show the same figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.dashboard.access import Here
from calltrack.kernel.errors import BadInput
from calltrack.reports.journey_asking import JourneysAsked
from calltrack.stages import views
from calltrack.stages.cells import Among, Days, Within, check_size
from calltrack.stages.model import JourneyState
from calltrack.stages.sankey import sankey
from calltrack.stages.segment_rules import read_segment
from calltrack.stages.segments import Segment, segments
from calltrack.wiring import Services

Question = tuple[Session, UUID, Days, Among]


@dataclass(frozen=True)
class Looked:
    """A view's figures by name, or the problem why there are none; and what was asked, in words."""

    view: str
    asked: JourneysAsked
    segments: tuple[Segment, ...]
    segment: Segment | None
    told: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def filters(self) -> str:
        """The filters in words; empty where all is shown."""
        return self.asked.filters(self.segment.name if self.segment else "")


def look(services: Services, here: Here, view: str, asked: JourneysAsked) -> Looked:
    """Read a view (funnel, flow, friction, paths, cohorts)."""
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        all_ = segments(session, company_id)
        segment = next((one for one in all_ if one.id.hex == asked.segment), None)
        try:
            if asked.segment and segment is None:
                raise BadInput("This segment is there no more. Choose another one, or all journeys.")
            within = Within(read_segment(segment.condition), here.now) if segment else None
            among = asked.among(within)
            check_size(session, company_id, asked.days, among)
            told = _READ[view]((session, company_id, asked.days, among))
        except BadInput as refused:
            return Looked(view, asked, all_, segment, problem=str(refused))
    return Looked(view, asked, all_, segment, told)


def _funnel(question: Question) -> dict[str, Any]:
    session, company_id = question[:2]
    found = views.funnel(*question)
    return {"funnel": found, "times": found.waits, "making": _making(session, company_id)}


def _flow(question: Question) -> dict[str, Any]:
    return {"flow": sankey(*question)}


def _friction(question: Question) -> dict[str, Any]:
    return {"friction": views.friction(*question), "whole": views.funnel(*question).whole}


def _paths(question: Question) -> dict[str, Any]:
    return {"paths": views.paths(*question)}


def _cohorts(question: Question) -> dict[str, Any]:
    weeks, times = views.cohorts_and_times(*question)
    return {"weeks": weeks, "times": times, "is_long": question[2].is_long}


_READ: Final[dict[str, Callable[[Question], dict[str, Any]]]] = {
    "funnel": _funnel, "flow": _flow, "friction": _friction, "paths": _paths, "cohorts": _cohorts,
}  # fmt: skip


def _making(session: Session, company_id: UUID) -> JourneyState | None:
    """Return the state while journeys are being made (again); None: they all stand."""
    state = session.get(JourneyState, (company_id,))
    return state if state is None or state.again_phase else None
