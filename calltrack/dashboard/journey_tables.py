"""Views over journeys as tables of plain cells for files, with what they show written above."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from calltrack.dashboard import words
from calltrack.dashboard.access import Here
from calltrack.dashboard.journey_looking import Looked
from calltrack.dashboard.person_line import STOPS, touch_words
from calltrack.dashboard.sankey_drawing import name_of
from calltrack.reports.asking import PERIODS
from calltrack.reports.table import Cell, Table, cell_of, days
from calltrack.stages.stage_words import STAGES
from calltrack.stages.views import WITHIN, Outcomes, Paths

Parts = tuple[tuple[str, ...], list[tuple[Cell, ...]], list[tuple[str, str]]]
"""Names of columns, rows, and lines to be told above them."""
NAMES: Final = {
    "funnel": "Stage funnel by source", "flow": "Flow", "friction": "Friction", "paths": "Paths",
    "cohorts": "Cohorts",
}  # fmt: skip


def table_of(found: Looked, here: Here) -> Table:
    """Return a view as a table; money is in whole units with decimals, shares are between 0 and 1."""
    asked, company = found.asked, here.company
    names, rows, more = _TABLES[found.view](found.told, company.currency)
    told = [
        ("Company", company.name),
        ("Journeys", NAMES[found.view]),
        ("First touch", f"{days(asked.now)} ({PERIODS.get(asked.period, 'days of your choice')})"),
        ("Filters", found.filters or "none"),
        ("Currency", company.currency),
        ("Days in", company.timezone),
        *more,
        ("Made", f"{here.now.astimezone(ZoneInfo(company.timezone)):%Y-%m-%d %H:%M} {company.timezone}"),
    ]
    if asked.segment:
        told.append(("Note", "Who is in the segment at the time of making."))
    if asked.is_open:
        told.append(("Note", "Today is not over."))
    keys = tuple(name.lower().replace(" ", "_") for name in names)
    return Table(f"{company.name}: {NAMES[found.view]}", tuple(told), keys, names, tuple(rows))


def _funnel(told: Mapping[str, Any], currency: str) -> Parts:
    funnel = told["funnel"]
    names = ("Source", "source", "medium", "First touches", *(stage.capitalize() for stage in STAGES[1:]),
             "Leads", "Bought", f"Value ({currency})")  # fmt: skip

    def figures(of: Outcomes) -> tuple[Cell, ...]:
        reached = (of.reached(stage) for stage in range(1, len(STAGES)))
        return (of.journeys, *reached, of.leads, of.buyers, _money(of.value_minor, currency))

    rows: list[tuple[Cell, ...]] = [("All", None, None, *figures(funnel.whole))]
    rows += [
        (words.source(one.source, one.medium), one.source, one.medium, *figures(one.outcomes))
        for one in funnel.sources
    ]
    more = [
        (f"{step.stage.capitalize()} took", f"half {step.waited.half}, 9 of 10 {step.waited.most} or less")
        for step in funnel.steps
        if step.waited
    ]
    return names, rows, [("Stages count", "who reached the stage or a later one"), *more]


def _flow(told: Mapping[str, Any], _currency: str) -> Parts:
    flow = told["flow"]
    rows: list[tuple[Cell, ...]] = [
        (one.start.kind, name_of(one.start), one.end.kind, name_of(one.end), one.persons,
         round(one.persons / flow.persons, 4))
        for one in flow.flows
    ]  # fmt: skip
    return ("From kind", "From", "To kind", "To", "People", "Of all"), rows, [("People", f"{flow.persons}")]


def _friction(told: Mapping[str, Any], _currency: str) -> Parts:
    friction = told["friction"]
    elsewhere = friction.persons - sum(one.persons for one in friction.details)
    rows: list[tuple[Cell, ...]] = [("All", "no lead yet", None, friction.persons)]
    rows += [("Last touchpoint", STOPS.get(one.kind, one.kind), None, one.persons) for one in friction.kinds]
    rows += [
        ("Where", one.detail or "not known", STOPS.get(one.kind, one.kind), one.persons)
        for one in friction.details
    ]
    rows += [("Where", "elsewhere", None, elsewhere)] if elsewhere else []
    rows += [("Pages seen", pages or "no visit known", None, persons) for pages, persons in friction.pages]
    return ("By", "What", "After", "People"), rows, [("Of", f"{told['whole'].journeys} journeys")]


def _paths(told: Mapping[str, Any], currency: str) -> Parts:
    paths: Paths = told["paths"]
    rows: list[tuple[Cell, ...]] = []
    for kind, all_ in (("purchase", paths.buyers), ("lead", paths.leads)):
        mine = [one for one in paths.paths if one.kind == kind]
        rows += [
            (f"before a {kind}", " > ".join(touch_words(touch) or "–" for touch in one.touches), one.persons,
             _money(one.value_minor, currency))
            for one in mine
        ]  # fmt: skip
        rest = all_ - sum(one.persons for one in mine)
        rows += [(f"before a {kind}", "other paths", rest, None)] if rest else []
    said = [("Bought", f"{paths.buyers}"), ("Leads, not bought yet", f"{paths.leads}")]
    return ("Kind", "Touches", "People", f"Value ({currency})"), rows, said


def _cohorts(told: Mapping[str, Any], currency: str) -> Parts:
    spans = [within for within, _ in WITHIN]
    names = (
        "Month from" if told["is_long"] else "Week from", "First touches",
        *(f"Leads within {span}" for span in spans), "Leads",
        *(f"Bought within {span}" for span in spans), "Bought", f"Value ({currency})",
    )  # fmt: skip
    figures = [
        (one.outcomes.journeys, *one.leads_within, one.outcomes.leads, *one.buyers_within,
         one.outcomes.buyers, one.outcomes.value_minor)
        for one in told["weeks"]
    ]  # fmt: skip
    whole = tuple(map(sum, zip(*figures, strict=True))) if figures else (0,) * (len(names) - 1)
    dated = [("All", whole), *((f"{one.week}", of) for one, of in zip(told["weeks"], figures, strict=True))]
    rows: list[tuple[Cell, ...]] = [
        (name, *of[:-1], _money(of[-1], currency)) for name, of in dated
    ]  # fmt: skip
    more = [
        (f"First touch to {name}", ", ".join(f"{span}: {count}" for span, count in told["times"][kind]))
        for kind, name in (("lead", "lead"), ("bought", "purchase"))
        if told["times"][kind]
    ]
    return names, rows, more


_TABLES: Final[dict[str, Callable[[Mapping[str, Any], str], Parts]]] = {
    "funnel": _funnel, "flow": _flow, "friction": _friction, "paths": _paths, "cohorts": _cohorts,
}  # fmt: skip


def _money(minor: int, currency: str) -> Cell:
    return cell_of("value", minor, currency)
