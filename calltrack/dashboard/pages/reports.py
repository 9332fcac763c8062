"""Reports: what advertising brought and cost, broken down one way, with the time before beside it."""

import math
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from calltrack.accounts.queries import locations
from calltrack.conversions.levels import Levels
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.metrics import METRICS
from calltrack.dashboard.show import THIN, money, number, percent
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.money import EXPONENTS
from calltrack.numbers.queries import named
from calltrack.reports import drill
from calltrack.reports.asking import COMPARED, PERIODS, Asked, read_asked
from calltrack.reports.days import day_of
from calltrack.reports.dimensions import DIMENSIONS, USUAL
from calltrack.reports.figures import COLUMNS, MONEY, Figures, interval_of
from calltrack.reports.names import DAYS, Names, names_of
from calltrack.reports.report import Report, make_report
from calltrack.wiring import Services

A_PAGE: Final = 50
# Shades of the week's hours: parts of the busiest hour from which each begins.
HEATS: Final = (0.001, 0.25, 0.5, 0.75)


@page("/reports", "viewer")
def reports(services: Services, here: Here) -> ResponseReturnValue:
    """Show the report people look at most."""
    return _show(services, here, USUAL)


@page("/reports/<dimension>", "viewer")
def report(services: Services, here: Here, dimension: str) -> ResponseReturnValue:
    """Show the report by a dimension; every filter stands in the address."""
    return _show(services, here, dimension)


def _show(services: Services, here: Here, dimension: str) -> ResponseReturnValue:
    if dimension not in DIMENSIONS:
        abort(404)
    today = day_of(here.now, here.company.timezone)
    problem, status = "", 200
    try:
        asked = read_asked(request.args, dimension, today)
    except BadInput as refused:
        problem, status = str(refused), 400
        asked = read_asked({}, dimension, today)
    with services.db.tenant(here.company.id) as session:
        try:
            found = make_report(session, here.company.id, asked, now=here.now)
        except (BadInput, NotFound) as refused:
            problem, status, asked = str(refused), 400, replace(asked, segment="")
            found = make_report(session, here.company.id, asked, now=here.now)
        names = names_of(session, here.company.id, found)
        choices = _choices(session, here.company.id)
    return render_template(
        "reports.html",
        found=found,
        asked=asked,
        problem=problem,
        names=names,
        metrics=METRICS,
        dimensions=DIMENSIONS,
        periods=PERIODS,
        compared=COMPARED,
        days=DAYS,
        told=lambda column, of: written(column, of, here.company.currency),
        chance=lambda column, of: chance_of(column, of, here.company.currency),
        change=_change if asked.tells_change else (lambda *_: ""),
        row_links=lambda row: _links(here, asked, row.key),
        address=lambda **other: _address(here, asked, **other),
        chart=_chart(found, here.company.currency),
        step_words=[step_words(start, asked) for start, _ in found.steps],
        levels=levels_of(found.total),
        weeks=_weeks(found, names) if dimension == "hour" else [],
        **choices,
        **_one_page(found),
    ), status


def written(column: str, of: Figures, currency: str) -> str:
    """Return a figure as it is read: money with its symbol, shares in per cent, ROAS to two digits."""
    value = COLUMNS[column](of)
    if value is None:
        return "–"
    if column in MONEY:
        return money(_readable(value, currency), currency)
    if column == "answered":
        return percent(value)
    return f"{value:.2f}" if column == "roas" else number(int(value))


def chance_of(column: str, of: Figures, currency: str) -> str:
    """Return the 95 % interval of a rate where counts are small; empty where they are not."""
    found = interval_of(column, of)
    if found is None:
        return ""
    if column == "answered":
        return f"{found.low * 100:.0f}–{found.high * 100:.0f}{THIN}%"
    if column == "roas":
        return f"{found.low:.2f}–{found.high:.{1 if found.high >= 10 else 2}f}"
    low = money(_rounded(found.low), currency)
    if math.isinf(found.high):
        return f"over {low}"
    return f"{low}–{money(_rounded(found.high), currency).partition(THIN)[2]}"


def _readable(minor: float, currency: str) -> int:
    """Round an amount to whole units from 100 on; files hold it to the cent."""
    unit = EXPONENTS.get(currency, 2)
    return int(round(minor, -unit)) if abs(minor) >= 100 * 10**unit else round(minor)


def _rounded(minor: float) -> int:
    """Round a bound to whole units from 10 on: more digits would claim more than is known."""
    return int(round(minor, -2)) if minor >= 1_000 else round(minor)


def levels_of(total: Figures) -> Levels:
    """Return how far the calls of a total could be attributed."""
    return Levels(total.on_visit, total.on_campaign, total.on_source, total.on_nothing)


def step_words(start: Any, asked: Asked) -> str:
    """Return what a bar of the chart is called."""
    if asked.step == "month":
        return f"{start:%b %Y}"
    return f"{'week of ' if asked.step == 'week' else f'{start:%a} '}{start.day} {start:%b}"


def _change(column: str, now: Figures, before: Figures) -> str:
    """Return how a figure changed, in a few letters; nothing where the counts are too small to say so."""
    new, old = COLUMNS[column](now), COLUMNS[column](before)
    if new is None or old is None or new == old:
        return ""
    if column == "answered":
        return _signed((new - old) * 100, " points")
    counted = {
        "cost_per_lead": "leads",
        "cost_per_sale": "purchases",
        "roas": "purchases",
        "value": "purchases",
    }
    least = COLUMNS[counted.get(column, column)](before) or 0
    if least < (1_000 if column == "spend" else 10) or not old:
        return ""
    return _signed((new - old) / old * 100, f"{THIN}%")


def _signed(change: float, unit: str) -> str:
    """Return a change with its sign; nothing where it is less than half of one."""
    return f"{change:+,.0f}{unit}".replace("-", "−") if round(abs(change)) else ""


def _chart(found: Report, currency: str) -> dict[str, Any]:
    figures = [one for _, one in found.steps]
    return {
        "labels": [step_words(start, found.asked) for start, _ in found.steps],
        "calls": [one.calls for one in figures],
        "answered": [one.answered for one in figures],
        "leads": [one.leads for one in figures],
        "purchases": [one.purchases for one in figures],
        "value": [one.value_minor for one in figures],
        "money": [money(one.value_minor, currency) for one in figures],
        "spend": [one.spend_minor for one in figures],
        "cost": [money(one.spend_minor, currency) for one in figures],
    }


def _one_page(found: Report) -> dict[str, Any]:
    at = request.args.get("at", "")
    first = int(at) if at.isdecimal() and len(at) < 6 and int(at) < len(found.rows) else 0
    last = min(first + A_PAGE, len(found.rows))
    return {"shown": found.rows[first:last], "first": first, "last": last, "a_page": A_PAGE}


def _address(here: Here, asked: Asked, dimension: str = "", **other: str) -> str:
    by = dimension or asked.dimension.id
    return f"{url_for('dashboard.report', company_id=here.company.id, dimension=by)}?{asked.address(**other)}"


def _links(here: Here, asked: Asked, key: tuple[str, ...]) -> dict[str, str]:
    """Return where a row leads: to its single calls, and to what it consists of."""
    words = drill.words_of_row(asked, key)
    if words is None:
        return {}
    deeper, told = drill.DEEPER[asked.dimension.id], drill.report_words(asked) | words
    calls = url_for("dashboard.calls", company_id=here.company.id)
    links = {"calls": f"{calls}?{urlencode(drill.call_words(asked, told))}"}
    if drill.can_go_deeper(asked):
        address = url_for("dashboard.report", company_id=here.company.id, dimension=deeper)
        links["deeper"] = f"{address}?{urlencode(told | drill.period_words(asked))}"
        links["words"] = DIMENSIONS[deeper].plural
    return links


def _weeks(found: Report, names: Names) -> list[list[tuple[int, str]]]:
    """Return each hour of each day as its shade and what stands behind it."""
    calls = {row.key[0]: row.now for row in found.rows}
    most = max((row.now.calls for row in found.rows), default=0) or 1
    weeks = []
    for day in range(7):
        hours = []
        for clock in range(24):
            of = calls.get(f"{day * 24 + clock:03}", Figures())
            heat = sum(of.calls / most >= least for least in HEATS)
            title = names.detail(found.asked.dimension, f"{day * 24 + clock:03}")
            hours.append((heat, f"{title}: calls {of.calls}, answered {of.answered}, leads {of.leads}"))
        weeks.append(hours)
    return weeks


def _choices(session: Session, company_id: UUID) -> dict[str, Any]:
    return {"locations": locations(session, company_id), "numbers": named(session, company_id)}
