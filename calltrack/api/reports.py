"""Reports by API: the figures of the reports page, row by row."""

import math
from datetime import date
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.accounts.queries import company as company_row
from calltrack.api.access import needs
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.reports.asking import PERIODS, Stretch, read_asked
from calltrack.reports.day_sql import NOT_KNOWN, OTHER
from calltrack.reports.days import day_of
from calltrack.reports.dimensions import DIMENSIONS
from calltrack.reports.figures import COLUMNS, MONEY, Figures, interval_of
from calltrack.reports.names import names_of
from calltrack.reports.report import make_report
from calltrack.reports.spend_queries import NO_PART, UNMATCHED
from calltrack.reports.table import BOUNDED
from calltrack.wiring import Services

# Rows that stand for no single word.
SPECIAL = {
    OTHER: "(others)", UNMATCHED: "(unmatched)", NO_PART: "(not told)", NOT_KNOWN: "(not known)"
}  # fmt: skip
WITHIN = "Only what belongs to this one; the report must then be by source, medium, campaign, or the same."


class ReportQuery(BaseModel):
    """What to show. Without `since` and `until` the named period counts, today included."""

    period: Annotated[str, Field(description=f"One of {', '.join(PERIODS)}.")] = "30d"
    since: Annotated[str, Field(description="First day, such as 2026-11-01.")] = ""
    until: Annotated[str, Field(description="Last day, included.")] = ""
    compare: Literal["before", "year", "none"] = "none"
    source: Annotated[str, Field(description="`google`; `unknown`: calls without a credited source.")] = ""
    medium: Annotated[str, Field(description="`cpc`; `(none)`: an empty one.")] = ""
    campaign: Annotated[str, Field(description="`(none)`: no campaign named.")] = ""
    ad_group: Annotated[str, Field(description=WITHIN)] = ""
    keyword: Annotated[str, Field(description=WITHIN)] = ""
    landing_page: Annotated[str, Field(description=WITHIN)] = ""
    location: Annotated[str, Field(description=WITHIN + " An id.")] = ""
    number: Annotated[str, Field(description=WITHIN + " An id.")] = ""
    hour: Annotated[str, Field(description=WITHIN + " 000 (Monday from midnight) to 167.")] = ""
    segment: Annotated[
        str, Field(description="A segment's id: only what the persons who are in it now did; without spend.")
    ] = ""
    sort: Annotated[str, Field(description=f"One of {', '.join(COLUMNS)}.")] = "calls"
    order: Literal["up", "down"] = "down"
    limit: Annotated[int, Field(ge=1, le=500, description="Rows in one answer.")] = 100
    cursor: Annotated[str, Field(description="`next` of the answer before; with the same question.")] = ""


class IntervalShape(BaseModel):
    """Between these bounds the true rate lies with 95 % certainty; null: no bound on that side."""

    low: float
    high: float | None


class FiguresShape(BaseModel):
    """Counts and rates; money in minor units (cents) of the company's currency. null: cannot be said."""

    visits: int | None
    calls: int
    ended: Annotated[int, Field(description="Calls that ended and were not turned away.")]
    answered: int
    answered_share: float | None
    leads: int
    purchases: int
    value_minor: int
    other_currency: Annotated[int, Field(description="Purchases whose value is in another currency.")]
    spend_minor: int | None
    unpriced_days: Annotated[int, Field(description="Days of campaigns whose cost has no exchange rate.")]
    cost_per_lead_minor: float | None
    cost_per_sale_minor: float | None
    roas: float | None
    intervals: Annotated[
        dict[str, IntervalShape], Field(description="Of rates whose counts are below 100, by their names.")
    ]


class LevelsShape(BaseModel):
    """Calls by the finest level that is credited; they add up to all calls."""

    visit: int
    campaign: int
    source: int
    unknown: int


class DaysShape(BaseModel):
    """Whole days of the company's time zone, both included."""

    since: date
    until: date


class ReportRow(BaseModel):
    """One row: its words (an id for locations, numbers and ad groups Google names), its name, its figures.

    In place of a word may stand `(others)` (many small rows together), `(unmatched)` (spend without a match),
    `(not told)` (spend of which the platform told no keyword or ad group) or `(not known)` (calls whose visit
    nobody is sure about).
    """

    words: dict[str, str]
    name: str
    figures: FiguresShape
    before: FiguresShape | None


class ReportShape(BaseModel):
    """A page of a report; the total is that of all its rows."""

    dimension: str
    days: DaysShape
    compared_with: DaysShape | None
    currency: str
    timezone: str
    days_due: Annotated[int, Field(description="Days that are being counted anew just now.")]
    total: FiguresShape
    total_before: FiguresShape | None
    levels: LevelsShape
    rows: list[ReportRow]
    next: str | None


def reports_of(services: Services) -> APIBlueprint:
    """Return the route of reports."""
    blueprint = APIBlueprint("api_reports", __name__, url_prefix="/api/v1/reports", tag="Reports")

    @blueprint.get("/<dimension>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.input(ReportQuery, location="query", arg_name="wanted")
    @blueprint.output(ReportShape)
    def read_report(dimension: str, wanted: ReportQuery) -> dict[str, Any]:
        """Report by source, medium, campaign, ad_group, keyword, landing_page, location, number or hour."""
        if dimension not in DIMENSIONS:
            raise NotFound(f"There is no such report; they are by {', '.join(DIMENSIONS)}.")
        if wanted.cursor and not (wanted.cursor.isdecimal() and len(wanted.cursor) < 6):
            raise BadInput("This cursor is not valid; begin at the first page again.")
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            company = company_row(session, company_id)
            if company is None:
                raise NotFound("The company is gone.")
            words = {name: str(value) for name, value in wanted.model_dump().items()}
            asked = read_asked(words, dimension, day_of(services.clock(), company.timezone))
            found = make_report(session, company_id, asked, now=services.clock())
            names = names_of(session, company_id, found)
        first = int(wanted.cursor or 0)
        last, total = first + wanted.limit, found.total

        def shape(of: Figures) -> dict[str, Any]:
            return _figures(of, asked.columns)

        titles = (dimension,) if asked.dimension.is_detail else asked.dimension.keys
        return {
            "dimension": dimension,
            "days": _days(asked.now),
            "compared_with": _days(asked.before) if asked.before else None,
            "currency": company.currency,
            "timezone": company.timezone,
            "days_due": found.days_due,
            "total": shape(total),
            "total_before": shape(found.total_before) if asked.before else None,
            "levels": {
                "visit": total.on_visit, "campaign": total.on_campaign, "source": total.on_source,
                "unknown": total.on_nothing,
            },
            "rows": [
                {
                    "words": {
                        name: SPECIAL.get(word, word) for name, word in zip(titles, row.key, strict=True)
                    },
                    "name": names.row(asked.dimension, row.key),
                    "figures": shape(row.now),
                    "before": shape(row.before) if asked.before else None,
                }
                for row in found.rows[first:last]
            ],
            "next": str(last) if last < len(found.rows) else None,
        }  # fmt: skip

    return blueprint


def _days(over: Stretch) -> dict[str, date]:
    return {"since": over.since, "until": over.until}


def _figures(of: Figures, columns: tuple[str, ...]) -> dict[str, Any]:
    same = (
        "calls",
        "ended",
        "answered",
        "leads",
        "purchases",
        "value_minor",
        "other_currency",
        "unpriced_days",
    )
    told = {name: getattr(of, name) for name in same}
    rates = {name: COLUMNS[name](of) if name in columns else None for name in BOUNDED}
    sure = {name: interval_of(name, of) for name in BOUNDED if name in columns}
    return told | {
        "visits": of.visits if "visits" in columns else None,
        "answered_share": rates.pop("answered"),
        "spend_minor": of.spend_minor if "spend" in columns else None,
        "intervals": {
            name: {"low": found.low, "high": None if math.isinf(found.high) else found.high}
            for name, found in sure.items()
            if found
        },
    } | {f"{name}_minor" if name in MONEY else name: value for name, value in rates.items()}  # fmt: skip
