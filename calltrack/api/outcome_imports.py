"""Files of outcomes over the API: upload, try without effect, apply, read the results."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, g, request, stream_with_context
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from calltrack.api.access import needs
from calltrack.conversions import imports
from calltrack.conversions.import_queries import import_of, result_file
from calltrack.conversions.import_run import preview
from calltrack.conversions.sources_model import Import
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services

SHOWN = 20


class UploadQuery(BaseModel):
    """How the uploaded file is called."""

    name: Annotated[str, Field(max_length=120)] = "outcomes.csv"


class PlanShape(BaseModel):
    """How the file is read; what is left out stays as it was guessed."""

    columns: Annotated[dict[str, int] | None, Field(description="Name of a value -> its column, from 0.")] = (
        None
    )
    mark: Annotated[Literal["", ",", "."] | None, Field(description="The decimal mark.")] = None
    day_first: Annotated[bool | None, Field(description="Whether 05/06/2026 is the fifth of June.")] = None
    outcome: Annotated[
        Literal["", "lead", "purchase", "none", "refund", "cancelled"] | None,
        Field(description="What lines without an outcome are; empty: wrong."),
    ] = None
    currency: str | None = None
    look_back_days: Annotated[
        int | None, Field(ge=1, le=3650, description="Older outcomes are ignored and counted.")
    ] = None


class RunShape(BaseModel):
    """Whether to try the file only."""

    dry: Annotated[bool, Field(description="true: nothing is changed, each line says what it would do.")]


class LineShape(BaseModel):
    """One line of the file and what it comes to."""

    line: int
    result: str
    reason: str
    call_id: str
    cells: list[str]


class ImportShape(BaseModel):
    """A file of outcomes; `counts` add up to the lines worked on so far."""

    id: str
    name: str
    state: str
    rows: int
    encoding: str
    delimiter: str
    header: list[str]
    plan: dict[str, Any]
    counts: dict[str, int]
    created_at: datetime
    finished_at: datetime | None
    problem: str
    preview: list[LineShape]


def imports_of(services: Services) -> APIBlueprint:
    """Return the routes of files."""
    blueprint = APIBlueprint(
        "api_outcome_imports", __name__, url_prefix="/api/v1/outcome-imports", tag="Outcomes"
    )
    _add_files(blueprint, services)
    _add_runs(blueprint, services)
    return blueprint


def _add_files(blueprint: APIBlueprint, services: Services) -> None:
    """Take a file and show it."""

    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[413])
    @blueprint.input(UploadQuery, location="query", arg_name="wanted")
    @blueprint.output(ImportShape, status_code=201)
    def upload_file(wanted: UploadQuery) -> dict[str, Any]:
        """Upload a CSV file of up to 20 MB as the body; the answer shows how it would be read."""
        request.max_content_length = imports.LARGEST_FILE
        now, company_id = services.clock(), g.asker.company_id
        with services.db.tenant(company_id) as session:
            body = request.stream
            id_ = imports.store_file(
                session, services.vault, company_id, body, wanted.name, g.asker.name, now
            )
            return _shape(services, session, company_id, id_)

    @blueprint.get("/<import_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(ImportShape)
    def read_import(import_id: str) -> dict[str, Any]:
        """Read how far a file is."""
        with services.db.tenant(g.asker.company_id) as session:
            return _shape(services, session, g.asker.company_id, parse_id(import_id))


def _add_runs(blueprint: APIBlueprint, services: Services) -> None:
    """Plan, run, and tell what became of each row."""

    @blueprint.post("/<import_id>/plan")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.input(PlanShape, arg_name="plan")
    @blueprint.output(ImportShape)
    def plan_import(import_id: str, plan: PlanShape) -> dict[str, Any]:
        """Say how the file is to be read."""
        company_id, id_ = g.asker.company_id, parse_id(import_id)
        with services.db.tenant(company_id) as session:
            imports.change_plan(session, company_id, id_, plan.model_dump(exclude_none=True))
            return _shape(services, session, company_id, id_)

    @blueprint.post("/<import_id>/run")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.input(RunShape, arg_name="wanted")
    @blueprint.output(ImportShape, status_code=202)
    def run_import(import_id: str, wanted: RunShape) -> dict[str, Any]:
        """Try the file without effect, or apply it; a worker does so, ask again how far it is."""
        company_id, id_ = g.asker.company_id, parse_id(import_id)
        with services.db.tenant(company_id) as session:
            imports.start(session, company_id, id_, g.asker.name, services.clock(), dry=wanted.dry)
            found = _shape(services, session, company_id, id_)
        services.nudges.wake("import_outcomes", str(company_id), str(id_))
        return found

    @blueprint.get("/<import_id>/results.csv")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    def read_results(import_id: str) -> Response:
        """Download the file with each line's result beside it."""
        with services.db.tenant(g.asker.company_id) as session:
            row = import_of(session, g.asker.company_id, parse_id(import_id))
        if row is None:
            raise NotFound("There is no such file.")
        answer = Response(stream_with_context(result_file(services, row)), mimetype="text/csv")
        answer.headers["Content-Disposition"] = "attachment; filename=results.csv"
        return answer


def _shape(services: Services, session: Session, company_id: UUID, import_id: UUID) -> dict[str, Any]:
    row = import_of(session, company_id, import_id)
    if row is None:
        raise NotFound("There is no such file.")
    names = (
        "name", "state", "rows", "encoding", "delimiter", "header", "plan", "counts", "created_at",
        "finished_at", "problem",
    )  # fmt: skip
    shown = {name: getattr(row, name) for name in names}
    return {"id": str(row.id), "preview": _preview(services, session, row), **shown}


def _preview(services: Services, session: Session, row: Import) -> list[dict[str, Any]]:
    if row.state not in ("draft", "tried"):
        return []
    found = preview(session, services.vault, row, SHOWN, services.clock())
    return [
        {
            "line": one.line, "result": one.result, "reason": one.reason, "call_id": one.call_id,
            "cells": cells,
        }
        for cells, one in found
    ]  # fmt: skip
