"""What a journey adds to the sums that every view is drawn from. Pure: the same journey, the same cells."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from calltrack.kernel.origin import source_key
from calltrack.stages.stage_rules import reached, step_of
from calltrack.stages.stage_words import STAGES

# Upper ends of the spans that waiting times are counted in.
SPANS: Final = (
    (timedelta(minutes=1), "at once"), (timedelta(minutes=10), "10 minutes"), (timedelta(hours=1), "1 hour"),
    (timedelta(hours=4), "4 hours"), (timedelta(hours=12), "12 hours"), (timedelta(days=1), "1 day"),
    (timedelta(days=2), "2 days"), (timedelta(days=3), "3 days"), (timedelta(days=5), "5 days"),
    (timedelta(days=7), "7 days"), (timedelta(days=10), "10 days"), (timedelta(days=14), "14 days"),
    (timedelta(days=21), "21 days"), (timedelta(days=30), "30 days"), (timedelta(days=45), "45 days"),
    (timedelta(days=60), "60 days"), (timedelta(days=90), "90 days"), (timedelta(days=180), "180 days"),
    (timedelta.max, "longer"),
)  # fmt: skip
# Words of addresses are up to 256 letters; a key of sums has to fit into an index's row (2,704 bytes).
LONGEST: Final = 120
PAGES: Final = ((1, "1 page"), (2, "2 pages"), (5, "3 to 5 pages"), (10, "6 to 10 pages"))


class Cell(NamedTuple):
    """One count: which view, which day, which words."""

    view: str
    day: date
    a: str
    b: str
    c: str


# The same sums once more by month: long periods are read from these. `day` is the month's first.
MONTH: Final = "month:"


def cells_of(journey: Any) -> Iterator[tuple[Cell, int]]:
    """Yield each cell of a journey (or its stored row) and the value it adds, by day and by month."""
    month = journey.day.replace(day=1)
    for cell, value in _cells(journey):
        yield cell, value
        yield Cell(MONTH + cell.view, month, cell.a, cell.b, cell.c), value


def _cells(journey: Any) -> Iterator[tuple[Cell, int]]:
    """Yield the cells by day; values are in minor units.

    flow: source, first page, stage and outcome (`3b`: purchase stage, bought; l: lead; none: neither).
    stop: kind and detail of where somebody is who is no lead, pages seen. path: lead or purchase, touches.
    wait: from the stage before (or the first touch) to a stage, a lead, a purchase; span.
    """
    day = journey.day
    outcome = "b" if journey.bought_at else "l" if journey.lead_at else ""
    origin = source_key(journey.source[:LONGEST], journey.medium[:LONGEST])
    yield Cell("flow", day, origin, journey.landing, f"{journey.stage}{outcome}"), journey.value_minor
    if outcome:
        kind = "purchase" if outcome == "b" else "lead"
        yield Cell("path", day, kind, journey.path, ""), journey.value_minor
    else:
        pages = _pages(int(journey.figures.get("all_pages", 0)))
        yield Cell("stop", day, journey.stop_kind, journey.stop_detail, pages), 0
    moments = reached([step_of(one) for one in journey.history])
    for stage in range(1, len(STAGES)):
        if stage in moments:
            yield Cell("wait", day, STAGES[stage], _span(moments[stage] - moments[stage - 1]), ""), 0
    for name, at in (("lead", journey.lead_at), ("bought", journey.bought_at)):
        if at is not None:
            yield Cell("wait", day, name, _span(at - journey.first_at), ""), 0


def _span(waited: timedelta) -> str:
    return f"{next(place for place, (end, _) in enumerate(SPANS) if waited <= end):02d}"


def _pages(number: int) -> str:
    return next((words for most, words in PAGES if number <= most), "more than 10 pages") if number else ""
