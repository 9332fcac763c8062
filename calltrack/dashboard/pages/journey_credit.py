"""Who brought the conversions, under every model side by side."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.credit_chart import Strip, strips
from calltrack.dashboard.periods import NAMES, USUAL, period
from calltrack.journeys.credit.paths import OTHER
from calltrack.kernel.errors import BadInput
from calltrack.kernel.origin import words_of
from calltrack.reports.credit.answers import report_of
from calltrack.reports.credit.export import csv_of
from calltrack.reports.credit.queries import BASE, Asked, CreditReport, Side
from calltrack.reports.credit.told import KINDS, LEVELS, WINDOWS
from calltrack.wiring import Services

DRAWN = 10
PREFERRED = ("markov1", "shapley", "linear")
"""What is compared with the last touch unless somebody chooses: the first that has enough data."""


@dataclass(frozen=True)
class Row:
    """A channel: its words, its place in every credit, and its strip of the chart."""

    source: str
    medium: str
    campaign: str
    is_other: bool
    at: int


@page("/journeys/credit", "viewer")
def journey_credit(services: Services, here: Here) -> ResponseReturnValue:
    """Show what each model credits, and how it differs from the last touch."""
    chosen = period(request.args.get("period", USUAL), here.now, here.company.timezone)
    asked = _asked(here)
    with services.db.tenant(here.company.id) as session:
        report = report_of(session, here.company.id, asked, here.now)
    side = _compared(report)
    return render_template(
        "journey_credit.html",
        period=chosen,
        periods=NAMES,
        asked=asked,
        report=report,
        base=report.side(BASE),
        side=side,
        rows=[_row(report, at) for at in report.order],
        strips=_strips(report, side),
        shown=sorted((one for one in report.sides if one.credit), key=lambda one: one.model != BASE),
        refused=[one for one in report.sides if one.credit is None],
        levels=LEVELS,
        kinds=KINDS,
        windows=WINDOWS,
        figures="value" if request.args.get("figures") == "value" else "conversions",
    )


@page("/journeys/credit.csv", "viewer")
def export_journey_credit(services: Services, here: Here) -> ResponseReturnValue:
    """Give the same as a file, to the last digit."""
    asked = _asked(here)
    with services.db.tenant(here.company.id) as session:
        report = report_of(session, here.company.id, asked, here.now)
        audit.note(
            session, here.company.id, here.who.email, "credit.exported", "csv", here.now,
            filters=f"{asked.kind} per {asked.level}, {asked.since} to {asked.until}, {asked.days} days",
        )  # fmt: skip
    answer = Response(
        csv_of(report, here.company.currency, f"Credit of {here.company.name}"),
        mimetype="text/csv; charset=utf-8",
    )
    answer.headers["Content-Disposition"] = f"attachment; filename=credit-{here.now:%Y-%m-%d}.csv"
    return answer


def _asked(here: Here) -> Asked:
    """Read the choices of the address; what makes no sense there is the usual one."""
    chosen = period(request.args.get("period", USUAL), here.now, here.company.timezone)
    days = request.args.get("days", "")
    level, kind = request.args.get("by", ""), request.args.get("kind", "")
    where = ZoneInfo(here.company.timezone)
    since = chosen.span.since.astimezone(where).date()
    until = here.now.astimezone(where).date()
    try:
        return Asked(
            since,
            until,
            level if level in LEVELS else LEVELS[0],
            kind if kind in KINDS else KINDS[0],
            int(days) if days in map(str, WINDOWS) else 30,
        )
    except BadInput:
        return Asked(since, until)


def _compared(report: CreditReport) -> Side:
    wanted = request.args.get("model", "")
    able = {one.model: one for one in report.sides if one.credit is not None and one.model != BASE}
    first = next(name for name in PREFERRED if name in able)
    return able.get(wanted) or able[first]


def _row(report: CreditReport, at: int) -> Row:
    name = report.channels[at]
    source, medium, campaign = ("", "", "") if name == OTHER else words_of(name)
    return Row(source, medium, campaign, name == OTHER, at)


def _strips(report: CreditReport, side: Side) -> list[tuple[Row, Strip]]:
    credits_ = {one.model: one.credit.conversions for one in report.sides if one.credit is not None}
    order = report.order[:DRAWN]
    drawn = strips(credits_, BASE, side.model, order)
    return [(_row(report, at), strip) for at, strip in zip(order, drawn, strict=True)]
