"""Stage and score rules with their versions, and both tried on the past."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.api.access import needs
from calltrack.kernel.errors import BadInput
from calltrack.stages.preview import preview_score, preview_stages
from calltrack.stages.score_rules import read_score
from calltrack.stages.stage_words import read_stages
from calltrack.stages.versions import current, save_rules, score_rules, versions
from calltrack.wiring import Services


class VersionShape(BaseModel):
    """A version of rules; number 0 is what every company begins with."""

    number: int
    rules: dict[str, Any]
    saved_at: datetime | None
    saved_by: str
    note: str


class VersionsShape(BaseModel):
    """Versions, newest first: the first one holds."""

    versions: list[VersionShape]


class RulesGiven(BaseModel):
    """New rules."""

    rules: Annotated[dict[str, Any], Field(description="See docs/journeys.md.")]
    note: Annotated[str, Field(max_length=200)] = ""


class ScoreGiven(BaseModel):
    """Score rules to try."""

    rules: dict[str, Any]


class StagesGiven(BaseModel):
    """Stage rules to try."""

    rules: dict[str, Any]


class MoveShape(BaseModel):
    """So many persons would move from one stage to another."""

    was: str
    becomes: str
    persons: int


class CountShape(BaseModel):
    """How many are in a stage now, and how many would be."""

    stage: str
    now: int
    then: int


class StagePreviewShape(BaseModel):
    """What stage rules would make of the persons of the last days."""

    days: int
    persons: Annotated[int, Field(description="How many were looked at.")]
    is_cut: Annotated[bool, Field(description="More were there; the newest were looked at.")]
    moved: Annotated[int, Field(description="Who would be in another stage.")]
    rises: Annotated[int, Field(description="Who of them would be in a higher one.")]
    moves: list[MoveShape]
    stages: list[CountShape]


class NumberShape(BaseModel):
    """The new version's number."""

    number: int


class BandShape(BaseModel):
    """A band of the score."""

    band: str
    persons: int
    won: int
    lost: int


class PreviewShape(BaseModel):
    """What the rules make of the persons of the last days."""

    days: int
    persons: int
    bands: list[BandShape]
    precision: Annotated[float | None, Field(description="Of hot ones told won or lost, so many won.")]
    recall: Annotated[float | None, Field(description="Of the won ones, so many are hot.")]
    moved: Annotated[int, Field(description="Who would change the band.")]


def add_rules(blueprint: APIBlueprint, services: Services) -> None:
    """Add the routes of stage and score rules."""

    @blueprint.get("/rules/<kind>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.output(VersionsShape)
    def list_rules(kind: str) -> dict[str, Any]:
        """List the versions of the rules of `stages` or `score`, newest first."""
        with services.db.tenant(g.asker.company_id) as session:
            found = versions(session, g.asker.company_id, _kind(kind))
        return {"versions": [asdict(one) for one in found]}

    @blueprint.post("/rules/<kind>")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(RulesGiven, arg_name="given")
    @blueprint.output(NumberShape, status_code=201)
    def save_version(kind: str, given: RulesGiven) -> tuple[dict[str, int], int]:
        """Save a version; all journeys are made again by it, in the background."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            number = save_rules(
                session, company_id, _kind(kind), given.rules, services.clock(), by=g.asker.name,
                note=given.note,
            )  # fmt: skip
        services.nudges.wake("make_journeys_again", str(company_id))
        return {"number": number}, 201

    @blueprint.post("/score-preview")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(ScoreGiven, arg_name="given")
    @blueprint.output(PreviewShape)
    def try_score(given: ScoreGiven) -> dict[str, Any]:
        """Try score rules on the persons of the last 30 days; nothing is stored."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            held = score_rules(session, company_id)
            rules = read_score(given.rules)
            return asdict(preview_score(session, company_id, rules, services.clock(), held))

    @blueprint.post("/stage-preview")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(StagesGiven, arg_name="given")
    @blueprint.output(StagePreviewShape)
    def try_stages(given: StagesGiven) -> dict[str, Any]:
        """Try stage rules on the persons of the last 30 days, at most the newest 1,000; nothing is stored."""
        with services.db.tenant(g.asker.company_id) as session:
            rules = read_stages(given.rules)
            found = preview_stages(session, g.asker.company_id, rules, services.clock())
        counts = [{"stage": name, "now": now, "then": then} for name, now, then in found.counts]
        return asdict(found) | {"moved": found.moved, "rises": found.rises, "stages": counts}

    @blueprint.get("/rules/<kind>/current")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.output(VersionShape)
    def read_rules(kind: str) -> dict[str, Any]:
        """Read the version that holds."""
        with services.db.tenant(g.asker.company_id) as session:
            return asdict(current(session, g.asker.company_id, _kind(kind)))


def _kind(word: str) -> Literal["stages", "score"]:
    if word == "stages":
        return "stages"
    if word == "score":
        return "score"
    raise BadInput("Rules are those of stages or score; ask for one of both.")
