"""Files of spend and rates of currencies over the API."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import g, request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.api.access import needs
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import parse_id
from calltrack.spend import currencies, files, page_queries
from calltrack.spend.rate_files import read_rates
from calltrack.spend.tables import LARGEST_FILE
from calltrack.wiring import Services

SHOWN = 50


class FileQuery(BaseModel):
    """How the uploaded file is called."""

    name: Annotated[str, Field(max_length=120)] = "spend.csv"


class FilePlan(BaseModel):
    """How the file is read; what is left out stays as it was guessed."""

    columns: Annotated[dict[str, int] | None, Field(description="Name of a value -> its column, from 0.")] = (
        None
    )
    mark: Annotated[Literal["", ",", "."] | None, Field(description="The decimal mark.")] = None
    day_first: Annotated[bool | None, Field(description="Whether 05/06/2026 is the fifth of June.")] = None
    account: Annotated[str | None, Field(max_length=120, description="Whose costs these are.")] = None
    currency: Annotated[str | None, Field(max_length=3)] = None


class FileLine(BaseModel):
    """A line and why it cannot be used (empty: it can)."""

    line: int
    problem: str
    cells: list[str]


class FileShape(BaseModel):
    """A file of spend; `counts` after it was applied: lines, used, wrong, and days new, changed, same."""

    id: str
    name: str
    state: Annotated[str, Field(description="draft, applied.")]
    header: list[str]
    plan: dict[str, Any]
    problem: Annotated[str, Field(description="Why no line can be read as it is planned.")]
    lines: int
    wrong: Annotated[list[FileLine], Field(description=f"The first {SHOWN} lines that cannot be used.")]
    counts: dict[str, Any]
    created_at: datetime
    applied_at: datetime | None


class RateShape(BaseModel):
    """On this day one unit of `base` was worth `rate` of `quote`."""

    base: Annotated[str, Field(max_length=3)]
    quote: Annotated[str, Field(max_length=3)]
    day: date
    rate: Annotated[str, Field(max_length=24, description="A decimal number, such as 1.0842.")]


class NewRates(BaseModel):
    """Rates to store, in the place of others of the same day."""

    rates: Annotated[list[RateShape], Field(min_length=1, max_length=5_000)]


class PairShape(BaseModel):
    """The rates of one pair."""

    base: str
    quote: str
    rates: int
    first_day: date
    last_day: date
    last_rate: str


class NeedShape(BaseModel):
    """A foreign currency of costs, and on how many days a rate is missing."""

    currency: str
    days: int
    without_rate: int
    first_without: date | None


class RateList(BaseModel):
    """Which rates are there, and which are missing."""

    pairs: list[PairShape]
    needs: list[NeedShape]


def spend_files_of(services: Services) -> APIBlueprint:
    """Return the routes of files and rates."""
    blueprint = APIBlueprint("api_spend_files", __name__, url_prefix="/api/v1/spend", tag="Spend")
    _add_files(blueprint, services)
    _add_rates(blueprint, services)
    return blueprint


def _add_files(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.post("/files")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[413])
    @blueprint.input(FileQuery, location="query", arg_name="wanted")
    @blueprint.output(FileShape, status_code=201)
    def upload_spend_file(wanted: FileQuery) -> dict[str, Any]:
        """Upload a CSV or XLSX file of up to 5 MB as the body; the answer shows how it would be read."""
        request.max_content_length = LARGEST_FILE + 1
        company_id = g.asker.company_id
        content = request.get_data(cache=False)
        with services.db.tenant(company_id) as session:
            id_ = files.store_file(session, company_id, content, wanted.name, g.asker.name, services.clock())
            return _file_shape(session, company_id, id_)

    @blueprint.get("/files/<file_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(FileShape)
    def read_spend_file(file_id: str) -> dict[str, Any]:
        """Read what a file would do, or did."""
        with services.db.tenant(g.asker.company_id) as session:
            return _file_shape(session, g.asker.company_id, parse_id(file_id))

    @blueprint.post("/files/<file_id>/plan")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.input(FilePlan, arg_name="plan")
    @blueprint.output(FileShape)
    def plan_spend_file(file_id: str, plan: FilePlan) -> dict[str, Any]:
        """Say how the file is to be read."""
        company_id, id_ = g.asker.company_id, parse_id(file_id)
        with services.db.tenant(company_id) as session:
            files.change_plan(session, company_id, id_, plan.model_dump(exclude_none=True))
            return _file_shape(session, company_id, id_)

    @blueprint.post("/files/<file_id>/apply")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.output(FileShape)
    def apply_spend_file(file_id: str) -> dict[str, Any]:
        """Store what the good lines say; the same file again changes nothing."""
        company_id, id_ = g.asker.company_id, parse_id(file_id)
        with services.db.tenant(company_id) as session:
            files.apply(session, company_id, id_, g.asker.name, services.clock())
            return _file_shape(session, company_id, id_)

    @blueprint.delete("/files/<file_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    def remove_spend_file(file_id: str) -> tuple[str, int]:
        """Forget a file; the costs it told stay."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            files.remove(session, company_id, parse_id(file_id), g.asker.name, services.clock())
        return "", 204


def _add_rates(blueprint: APIBlueprint, services: Services) -> None:
    def shown(session: Session) -> dict[str, Any]:
        company_id = g.asker.company_id
        return {
            "pairs": [
                {
                    "base": row.base, "quote": row.quote, "rates": row.rates, "first_day": row.first_day,
                    "last_day": row.last_day, "last_rate": f"{row.last_rate.normalize():f}",
                }
                for row in page_queries.pairs(session, company_id)
            ],
            "needs": [
                {
                    "currency": row.currency, "days": row.days, "without_rate": row.without_rate,
                    "first_without": row.first_without,
                }
                for row in page_queries.needs(session, company_id)
            ],
        }  # fmt: skip

    @blueprint.get("/rates")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(RateList)
    def list_rates() -> dict[str, Any]:
        """List the rates there are, and the days that lack one."""
        with services.db.tenant(g.asker.company_id) as session:
            return shown(session)

    @blueprint.post("/rates")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(NewRates, arg_name="wanted")
    @blueprint.output(RateList)
    def set_rates(wanted: NewRates) -> dict[str, Any]:
        """Store rates; costs are converted again at once."""
        rows = [currencies.read_rate(one.base, one.quote, one.day, one.rate) for one in wanted.rates]
        with services.db.tenant(g.asker.company_id) as session:
            currencies.set_rates(session, g.asker.company_id, rows)
            _note_rates(session, len(rows), services.clock())
            return shown(session)

    @blueprint.post("/rates/file")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[413])
    @blueprint.output(RateList)
    def upload_rates() -> dict[str, Any]:
        """Upload rates as the body: day, base, quote, rate; or the ECB's table of the last three years."""
        request.max_content_length = LARGEST_FILE + 1
        since = services.clock().date() - timedelta(days=3 * 366)
        rows = read_rates(request.get_data(cache=False), since)
        with services.db.tenant(g.asker.company_id) as session:
            currencies.set_rates(session, g.asker.company_id, rows)
            _note_rates(session, len(rows), services.clock())
            return shown(session)

    @blueprint.delete("/rates/<base>/<quote>/<day>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output({}, status_code=204)
    def remove_rate(base: str, quote: str, day: str) -> str:
        """Take a rate away, such as `/rates/USD/EUR/2026-11-20`; costs are converted again at once."""
        from_, to = currencies.read_pair(base, quote)
        with services.db.tenant(g.asker.company_id) as session:
            currencies.forget_rate(session, g.asker.company_id, from_, to, _day(day))
            told = f"{from_} in {to}, {day}"
            audit.note(
                session, g.asker.company_id, g.asker.name, "spend.rate_removed", told, services.clock()
            )
        return ""


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text[:20]!r} is no day; write it like 2026-11-20.") from None


def _note_rates(session: Session, count: int, now: datetime) -> None:
    told = f"{count} rates"
    audit.note(session, g.asker.company_id, g.asker.name, "spend.rates_stored", told, now)


def _file_shape(session: Session, company_id: UUID, file_id: UUID) -> dict[str, Any]:
    row = files.locked(session, company_id, file_id)
    wrong: list[dict[str, Any]] = []
    problem = ""
    try:
        wrong = [
            {"line": one.number, "problem": one.problem, "cells": list(one.cells)}
            for one in files.look_at(row)
            if one.says is None
        ]
    except BadInput as found:
        problem = str(found)
    return {
        "id": str(row.id), "name": row.name, "state": row.state, "header": row.header, "plan": row.plan,
        "problem": problem, "lines": len(row.lines), "wrong": wrong[:SHOWN], "counts": row.counts,
        "created_at": row.created_at, "applied_at": row.applied_at,
    }  # fmt: skip
