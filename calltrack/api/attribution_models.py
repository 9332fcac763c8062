"""The company's attribution model: its versions, what they say, which of them judges."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.api.access import needs
from calltrack.attribution import model_versions
from calltrack.attribution.model_figures import parts_in_words
from calltrack.attribution.model_queries import Compared, ModelRow, all_models, compare, lesson_state
from calltrack.wiring import Services


class VersionShape(BaseModel):
    """A version of the model."""

    version: str
    state: Annotated[
        str,
        Field(description="serving or pinned (it judges calls), waiting (another is pinned), retired."),
    ]
    learnt_at: datetime | None
    since: Annotated[datetime | None, Field(description="The weeks it was learnt from; null: shipped.")]
    until: datetime | None
    calls: int
    visits: int
    numbers: Annotated[int, Field(description="Numbers it was learnt from, of `numbers_in_use`.")]
    numbers_in_use: int
    held: Annotated[list[str], Field(description="What would have changed too much in one night.")]
    served_at: datetime | None


class VersionsShape(BaseModel):
    """All versions, newest first; the shipped one is the last."""

    models: list[VersionShape]
    judges: Annotated[str, Field(description="The version that judges calls now.")]
    next_lesson_at: datetime | None
    last_lesson: Annotated[str, Field(description="How the last lesson ended.")]


class FigureShape(BaseModel):
    """A figure of the model beside the same of another version."""

    code: str
    words: str
    kind: Annotated[str, Field(description="share (0 to 1), factor (1: no difference) or count.")]
    value: float
    before: float


class ModelShape(VersionShape):
    """A version with its figures and every parameter."""

    compared_with: str
    figures: list[FigureShape]
    held_in_words: list[str]
    parameters: Annotated[
        dict[str, Any],
        Field(description="All that a posterior needs; rates are per second, see docs/attribution.md."),
    ]


class Beside(BaseModel):
    """What to compare with."""

    beside: Annotated[
        str, Field(description="Another version; by default that of the night before.", max_length=80)
    ] = ""


def attribution_models_of(services: Services) -> APIBlueprint:
    """Return the routes."""
    blueprint = APIBlueprint(
        "api_attribution_models", __name__, url_prefix="/api/v1/attribution-models", tag="Attribution"
    )

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(VersionsShape)
    def read_versions() -> dict[str, Any]:
        """List the versions of the company's attribution model."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            rows = all_models(session, company_id)
            lesson = lesson_state(session, company_id)
        return {
            "models": [_version(row) for row in rows],
            "judges": next(row.version for row in rows if row.judges),
            "next_lesson_at": lesson.due_at if lesson else None,
            "last_lesson": lesson.said if lesson else "",
        }

    @blueprint.get("/<version>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.input(Beside, location="query", arg_name="asked")
    @blueprint.output(ModelShape)
    def read_version(version: str, asked: Beside) -> dict[str, Any]:
        """Read one version: its figures beside another's, and every parameter."""
        return _read(services, version, asked.beside)

    @blueprint.post("/<version>/pin")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(ModelShape)
    def pin_version(version: str) -> dict[str, Any]:
        """Let this version judge until somebody unpins it; lessons go on, and wait."""
        with services.db.tenant(g.asker.company_id) as session:
            model_versions.pin(session, g.asker.company_id, version, g.asker.name, services.clock())
        return _read(services, version)

    @blueprint.post("/unpin")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[409])
    @blueprint.output(ModelShape)
    def unpin_version() -> dict[str, Any]:
        """Let the newest lesson judge again; returns it."""
        with services.db.tenant(g.asker.company_id) as session:
            now = model_versions.unpin(session, g.asker.company_id, g.asker.name, services.clock())
        return _read(services, now)

    @blueprint.post("/<version>/serve")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.output(ModelShape)
    def serve_version(version: str) -> dict[str, Any]:
        """Bring this version back: it judges until the next lesson."""
        with services.db.tenant(g.asker.company_id) as session:
            model_versions.serve(session, g.asker.company_id, version, g.asker.name, services.clock())
        return _read(services, version)

    return blueprint


def _read(services: Services, version: str, beside: str = "") -> dict[str, Any]:
    with services.db.tenant(g.asker.company_id) as session:
        return _model(compare(session, g.asker.company_id, version, beside))


def _model(seen: Compared) -> dict[str, Any]:
    return _version(seen.row) | {
        "compared_with": seen.other,
        "figures": [
            {
                "code": one.figure.code,
                "words": one.figure.words,
                "kind": one.figure.kind,
                "value": one.figure.value,
                "before": one.before,
            }
            for one in seen.differences
        ],
        "held_in_words": parts_in_words(list(seen.row.held)),
        "parameters": seen.model.to_json(),
    }


def _version(row: ModelRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in VersionShape.model_fields} | {"held": list(row.held)}
