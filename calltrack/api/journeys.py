"""Journeys: funnel, flow, friction, paths, cohorts and waiting times, of all, of a segment, of an origin."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.api.access import needs
from calltrack.api.journey_rules import add_rules
from calltrack.api.journey_shapes import CohortsShape, FrictionShape, FunnelShape, PathsShape, SankeyShape
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import parse_id
from calltrack.kernel.origin import BETWEEN
from calltrack.reports.asking import LONGEST, PERIODS, read_period, read_words, stored_words
from calltrack.reports.days import day_of
from calltrack.stages import sankey as flows
from calltrack.stages import views
from calltrack.stages.cells import Among, Days, Origin, check_size
from calltrack.stages.segments import within_segment
from calltrack.wiring import Services

Question = tuple[Session, UUID, Days, Among]


class Asked(BaseModel):
    """Which days: first touches from the first to the last are counted."""

    first: Annotated[date | None, Field(description="Left out: 29 days before the last.")] = None
    last: Annotated[date | None, Field(description="Left out: today, in the company's time zone.")] = None
    period: Annotated[
        str, Field(description=f"Instead of days, as reports count it: one of {', '.join(PERIODS)}.")
    ] = ""
    source: Annotated[str, Field(description="Of the first touch: `google`; `unknown`: none known.")] = ""
    medium: Annotated[str, Field(description="`cpc`; `(none)`: an empty one.")] = ""
    campaign: Annotated[str, Field(description="`(none)`: no campaign named.")] = ""
    segment: Annotated[str, Field(description="A segment's id: only the persons who are in it now.")] = ""


def journeys_of(services: Services) -> APIBlueprint:
    """Return the routes of journeys."""
    blueprint = APIBlueprint("api_journeys", __name__, url_prefix="/api/v1/journeys", tag="Journeys")
    _add_views(blueprint, services)
    add_rules(blueprint, services)
    return blueprint


def _add_views(blueprint: APIBlueprint, services: Services) -> None:
    """The views, each over days of first touches."""

    @blueprint.get("/funnel")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(Asked, location="query", arg_name="asked")
    @blueprint.output(FunnelShape)
    def read_funnel(asked: Asked) -> dict[str, Any]:
        """Read the stage funnel: who reached which stage, how long that took, by source."""
        with services.db.tenant(g.asker.company_id) as session:
            return asdict(views.funnel(*_question(services, session, asked)))

    @blueprint.get("/flow")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(Asked, location="query", arg_name="asked")
    @blueprint.output(SankeyShape)
    def read_flow(asked: Asked) -> dict[str, Any]:
        """Read the flow from sources over first pages to stages, at most 12 nodes and the rest."""
        with services.db.tenant(g.asker.company_id) as session:
            found = flows.sankey(*_question(services, session, asked))
        nodes = [node for column in found.columns for node in column]
        places = {node: place for place, node in enumerate(nodes)}
        return {
            "nodes": [_node(node) for node in nodes],
            "flows": [
                {"start": places[one.start], "end": places[one.end], "persons": one.persons}
                for one in found.flows
            ],
            "persons": found.persons,
        }

    @blueprint.get("/friction")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(Asked, location="query", arg_name="asked")
    @blueprint.output(FrictionShape)
    def read_friction(asked: Asked) -> dict[str, Any]:
        """Read where journeys stopped that brought no lead."""
        with services.db.tenant(g.asker.company_id) as session:
            found = views.friction(*_question(services, session, asked))
        pages = [{"pages": words, "persons": persons} for words, persons in found.pages]
        return asdict(found) | {"pages": pages}

    @blueprint.get("/paths")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(Asked, location="query", arg_name="asked")
    @blueprint.output(PathsShape)
    def read_paths(asked: Asked) -> dict[str, Any]:
        """Read the most frequent touches before a purchase, and before a lead."""
        with services.db.tenant(g.asker.company_id) as session:
            found = views.paths(*_question(services, session, asked))
        ways = [
            {
                "kind": one.kind, "persons": one.persons, "value_minor": one.value_minor,
                "touches": [touch.replace(BETWEEN, " / ") for touch in one.touches],
            }
            for one in found.paths
        ]  # fmt: skip
        return {"paths": ways, "leads": found.leads, "buyers": found.buyers}

    @blueprint.get("/cohorts")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(Asked, location="query", arg_name="asked")
    @blueprint.output(CohortsShape)
    def read_cohorts(asked: Asked) -> dict[str, Any]:
        """Read the weeks of first touches and what became of them, and how long that took."""
        with services.db.tenant(g.asker.company_id) as session:
            question = _question(services, session, asked)
            weeks, times = views.cohorts_and_times(*question)
            return {"weeks": [asdict(one) for one in weeks], "times": times}


def _question(services: Services, session: Session, asked: Asked) -> Question:
    """Return what every view is asked with; raises BadInput or NotFound with what to change."""
    company_id: UUID = g.asker.company_id
    days = _days(services, session, asked)
    within = None
    if asked.segment:
        within = within_segment(session, company_id, parse_id(asked.segment), services.clock())
    among = Among(within, Origin(*stored_words(*read_words(asked.model_dump()))))
    check_size(session, company_id, days, among)
    return session, company_id, days, among


def _days(services: Services, session: Session, asked: Asked) -> Days:
    today = day_of(services.clock(), session.get_one(Company, g.asker.company_id).timezone)
    if asked.period:
        if asked.first or asked.last:
            raise BadInput("Give a period, or `first` and `last`, not both.")
        named = read_period({"period": asked.period}, today)[1]
        return Days(named.since, named.until)
    if any(day and not 2000 <= day.year <= 2200 for day in (asked.first, asked.last)):
        raise BadInput("Ask for days between 2000 and 2200.")
    last = asked.last or today
    first = asked.first or last - timedelta(days=29)
    if not timedelta() <= last - first < timedelta(days=LONGEST):
        raise BadInput(f"`first` must not lie after `last`, nor {LONGEST} days or more before it.")
    return Days(first, last)


def _node(node: flows.Node) -> dict[str, Any]:
    name, medium = node.origin if node.kind == "source" else (node.key, "")
    return {
        "kind": node.kind, "name": "" if node.is_other else name, "medium": "" if node.is_other else medium,
        "is_other": node.is_other, "persons": node.persons,
    }  # fmt: skip
