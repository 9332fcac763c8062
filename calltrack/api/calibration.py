"""How far probabilities can be trusted, and past calls judged anew."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.api.access import needs
from calltrack.attribution import judging_anew
from calltrack.attribution.calibrating import NEEDED, WEEKS, HowSure, how_sure
from calltrack.attribution.calibration import Calibration
from calltrack.attribution.model_queries import JudgedAnew, judged_anew, judging, judgings
from calltrack.attribution.model_rows import Rejudging
from calltrack.attribution.night_work import zone_of
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services


class BinShape(BaseModel):
    """Calls whose answer was about as likely."""

    low: float
    high: float
    calls: int
    said: Annotated[float, Field(description="How likely the answer was said to be, on average.")]
    came_true: Annotated[float, Field(description="How often it was right.")]
    lowest: Annotated[float, Field(description="95 % bounds of `came_true` (Wilson).")]
    highest: float


class AtShape(BaseModel):
    """What crediting from a probability on gives."""

    confidence: float
    credited: int
    coverage: float
    precision: float | None
    lowest: float | None
    highest: float | None


class CalibrationShape(BaseModel):
    """A reliability diagram and its summaries; null where no call is known."""

    calls: int
    said: float | None
    came_true: float | None
    brier: float | None
    ece: float | None
    ece_by_chance: Annotated[
        float | None, Field(description="About the error that so many calls show by chance alone.")
    ] = None
    bins: list[BinShape]
    at: list[AtShape]


class WeekShape(BaseModel):
    """A week that was looked at."""

    week: Annotated[date, Field(description="The Monday it began on.")]
    model: str
    calls: int
    known: int
    never_shown: int


class HowSureShape(BaseModel):
    """What the newest weeks show together."""

    calls: int
    known: Annotated[int, Field(description="Calls whose visitor became known by a form.")]
    needed: Annotated[int, Field(description="Fewer known calls than that may be chance.")]
    is_enough: bool
    never_shown: Annotated[
        int, Field(description="Known callers of a number that their visitor was never shown; left out.")
    ]
    visitor: CalibrationShape
    campaign: CalibrationShape
    source: CalibrationShape
    tap: Annotated[CalibrationShape, Field(description="Calls a tap gave away: easy ones, kept apart.")]
    caller: Annotated[CalibrationShape, Field(description="Other calls of those callers, kept apart.")]
    weeks: list[WeekShape]
    next_at: datetime | None


class Weeks(BaseModel):
    """How far back to look."""

    weeks: Annotated[int, Field(ge=1, le=104)] = WEEKS


class NewJudging(BaseModel):
    """Judge past calls anew."""

    since: Annotated[date, Field(description="The first day, in the company's time zone.")]
    tell_destinations: Annotated[
        bool, Field(description="Leads and purchases of calls that change are told again as adjustments.")
    ] = False


class ChangedShape(BaseModel):
    """A call that is credited to something else now: source, medium, campaign."""

    call_id: str
    started_at: datetime
    before: list[str]
    after: list[str]
    differs_in: list[str]


class JudgingShape(BaseModel):
    """A request to judge past calls anew, and how far it is."""

    id: str
    asked_at: datetime
    asked_by: str
    since: datetime
    model: str
    tell_destinations: bool
    judged: int
    changed_visit: int
    changed_campaign: int
    changed_source: int
    done_at: datetime | None
    stopped_by: str


class JudgingWithCallsShape(JudgingShape):
    """The same with the newest 100 calls that changed."""

    calls: list[ChangedShape]


class JudgingsShape(BaseModel):
    """The requests, newest first."""

    judgings: list[JudgingShape]


def calibration_of(services: Services) -> APIBlueprint:
    """Return the route of calibration."""
    blueprint = APIBlueprint("api_calibration", __name__, url_prefix="/api/v1/calibration", tag="Attribution")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(Weeks, location="query", arg_name="asked")
    @blueprint.output(HowSureShape)
    def read_calibration(asked: Weeks) -> dict[str, Any]:
        """Compare what was said of calls with what became known of them."""
        with services.db.tenant(g.asker.company_id) as session:
            return _how_sure(how_sure(session, g.asker.company_id, asked.weeks))

    return blueprint


def judgings_of(services: Services) -> APIBlueprint:
    """Return the routes of judging past calls anew."""
    blueprint = APIBlueprint(
        "api_judgings", __name__, url_prefix="/api/v1/attribution-judgings", tag="Attribution"
    )

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(JudgingsShape)
    def read_judgings() -> dict[str, Any]:
        """List the requests to judge past calls anew."""
        with services.db.tenant(g.asker.company_id) as session:
            return {"judgings": [_judging(row) for row in judgings(session, g.asker.company_id)]}

    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[409])
    @blueprint.input(NewJudging, arg_name="told")
    @blueprint.output(JudgingWithCallsShape, status_code=201)
    def add_judging(told: NewJudging) -> dict[str, Any]:
        """Judge calls from a day on under the model that serves; old and new verdicts are both kept."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            zone = ZoneInfo(zone_of(session, company_id))
            since = datetime(told.since.year, told.since.month, told.since.day, tzinfo=zone)
            id_ = judging_anew.ask(
                session, company_id, since, g.asker.name, services.clock(), tells=told.tell_destinations
            )
            shape = _judging(judging(session, company_id, id_)) | {"calls": []}
        services.nudges.wake("judge_anew", str(company_id), str(id_))
        return shape

    @blueprint.get("/<judging_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.output(JudgingWithCallsShape)
    def read_judging(judging_id: str) -> dict[str, Any]:
        """Read how far a request is, and which calls are credited to something else."""
        return _one(services, judging_id)

    @blueprint.post("/<judging_id>/stop")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409])
    @blueprint.output(JudgingWithCallsShape)
    def stop_judging(judging_id: str) -> dict[str, Any]:
        """End a request where it is; what was judged stays judged."""
        id_ = parse_id(judging_id)
        with services.db.tenant(g.asker.company_id) as session:
            judging_anew.stop(session, g.asker.company_id, id_, g.asker.name, services.clock())
        return _one(services, judging_id)

    return blueprint


def _one(services: Services, judging_id: str) -> dict[str, Any]:
    id_, company_id = parse_id(judging_id), g.asker.company_id
    with services.db.tenant(company_id) as session:
        row = judging(session, company_id, id_)
        return _judging(row) | {"calls": [_changed(one) for one in judged_anew(session, company_id, id_)]}


def _how_sure(seen: HowSure) -> dict[str, Any]:
    levels = {
        level: asdict(found) | {"ece_by_chance": seen.by_chance[level]}
        for level, found in seen.levels.items()
    }
    easy: dict[str, Calibration] = seen.easy
    return {
        "calls": seen.calls,
        "known": seen.known,
        "needed": NEEDED,
        "is_enough": seen.is_enough,
        "never_shown": seen.never_shown,
        **levels,
        **{kind: asdict(found) for kind, found in easy.items()},
        "weeks": [asdict(one) for one in seen.weeks],
        "next_at": seen.next_at,
    }


def _judging(row: Rejudging) -> dict[str, Any]:
    names = (
        "asked_at", "asked_by", "since", "model", "judged", "changed_visit", "changed_campaign",
        "changed_source", "done_at", "stopped_by",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names} | {
        "id": str(row.id),
        "tell_destinations": row.tells,
    }


def _changed(one: JudgedAnew) -> dict[str, Any]:
    return {
        "call_id": str(one.call_id),
        "started_at": one.started_at,
        "before": list(one.before),
        "after": list(one.after),
        "differs_in": [name for name in ("visit", "campaign", "source") if getattr(one, name)],
    }
