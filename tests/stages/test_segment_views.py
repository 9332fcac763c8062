"""A segment's views count the rows of exactly the persons it holds for, in the words of the kept sums."""

from collections import Counter
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from calltrack.kernel.errors import BadInput
from calltrack.stages import cells
from calltrack.stages.cell_rules import SPANS
from calltrack.stages.cells import Days, Within, cells_of_view, check_size
from calltrack.stages.journey_rules import facts_of
from calltrack.stages.making import sums_from_rows
from calltrack.stages.sankey import sankey
from calltrack.stages.segment_rules import READY, matches, read_segment
from calltrack.stages.views import cohorts, friction, funnel, paths, waiting_times
from tests.builders import NOON
from tests.stages.people import Town

EVER = Days(date(2026, 1, 1), date(2026, 12, 31))
LATER = NOON + timedelta(days=20)
CONDITIONS: list[dict[str, Any]] = [
    *(condition for _, _, condition in READY),
    {"not": {"fact": "calls", "at_least": 3}},
    {"any": [{"fact": "medium", "is": "cpc"}, {"fact": "value_minor", "at_least": 4000}]},
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_sums_of_a_segment_are_those_of_its_rows(crowd: Town, condition: dict[str, Any]) -> None:
    within = Within(read_segment(condition), LATER)
    mine = [
        row for row in crowd.journeys().values()
        if row.is_person and matches(within.tree, facts_of(row), within.now)
    ]  # fmt: skip
    wanted: Counter[tuple[Any, ...]] = Counter()
    for cell, (persons, value) in sums_from_rows(mine).items():
        if not cell.view.startswith("month:"):
            wanted[tuple(cell)] += persons
            wanted[cell.view, "value"] += value
    found: Counter[tuple[Any, ...]] = Counter()
    with crowd.services.db.tenant(crowd.company.id) as session:
        for view in ("flow", "stop", "path", "wait"):
            of = cells_of_view(crowd.company.id, view, EVER, within)
            for row in session.execute(
                of.asked(f"SELECT day, a, b, c, persons, value_minor {of.sql}"), of.values
            ):
                found[view, row.day, row.a, row.b, row.c] += row.persons
                found[view, "value"] += row.value_minor
        all_ = (session, crowd.company.id, EVER, within)
        whole, flow, stops, ways = funnel(*all_).whole, sankey(*all_), friction(*all_), paths(*all_)
        weeks, waits = cohorts(*all_), waiting_times(*all_)
    assert +found == +wanted
    assert whole.journeys == flow.persons == sum(one.outcomes.journeys for one in weeks) == len(mine)
    assert stops.persons + ways.leads + ways.buyers == len(mine)
    assert whole.value_minor == sum(row.value_minor for row in mine)
    assert sum(count for _, count in waits["bought"]) == ways.buyers == whole.buyers


def test_waiting_times_end_where_their_span_ends(crowd: Town) -> None:
    everybody = Within(read_segment({"not": {"fact": "visits", "at_least": 10**6}}), LATER)
    of = cells_of_view(crowd.company.id, "wait", EVER, everybody)
    ends = [end for end, _ in SPANS[:-1]]
    with crowd.services.db.tenant(crowd.company.id) as session:
        find = partial(session.scalar, of.asked("SELECT width_bucket(CAST(:took AS interval), :span_ends)"))
        for place, end in enumerate(ends):
            assert find({"took": end, "span_ends": of.values["span_ends"]}) == place
            late = {"took": end + timedelta(microseconds=1), "span_ends": of.values["span_ends"]}
            assert find(late) == place + 1


def test_a_period_of_too_many_persons_is_refused_with_the_way_out(
    crowd: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    within = Within(read_segment({"fact": "waits"}), LATER)
    monkeypatch.setattr(cells, "MOST_LIVE", 5)
    with crowd.services.db.tenant(crowd.company.id) as session:
        check_size(session, crowd.company.id, EVER, None)
        check_size(session, crowd.company.id, Days(date(2026, 1, 1), date(2026, 1, 9)), within)
        with pytest.raises(BadInput, match="Choose a shorter period"):
            check_size(session, crowd.company.id, EVER, within)
