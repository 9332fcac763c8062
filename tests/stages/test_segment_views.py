"""Views of a segment or an origin count exactly its rows, in the words of the kept sums."""

from collections import Counter
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from calltrack.kernel.errors import BadInput
from calltrack.stages import cells
from calltrack.stages.cell_rules import SPANS
from calltrack.stages.cells import Among, Days, Origin, Within, cells_of_view, check_size
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


ORIGINS = [
    Origin("google"),
    Origin("google", "cpc"),
    Origin(medium="cpc"),
    Origin(campaign=""),
    Origin("bing", "cpc", "moves"),
    Origin(""),
    Origin("nowhere"),
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_sums_of_a_segment_are_those_of_its_rows(crowd: Town, condition: dict[str, Any]) -> None:
    assert_sums_of_rows(crowd, Among(Within(read_segment(condition), LATER)))


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_sums_of_an_origin_are_those_of_its_rows(crowd: Town, origin: Origin) -> None:
    assert_sums_of_rows(crowd, Among(origin=origin))
    assert_sums_of_rows(crowd, Among(Within(read_segment({"fact": "calls", "at_least": 1}), LATER), origin))


def test_the_views_of_all_origins_add_up_to_those_of_everybody(crowd: Town) -> None:
    rows = list(crowd.journeys().values())
    some = Days(min(row.day for row in rows) + timedelta(days=2), max(row.day for row in rows))
    parts = {(row.source, row.medium, row.campaign) for row in rows}
    assert len(parts) > 6
    amongs = [Among(origin=Origin(*words)) for words in parts]
    with crowd.services.db.tenant(crowd.company.id) as session:
        whole = _totals(session, crowd.company.id, some, None)
        added = [sum(one) for one in zip(*(_totals(session, crowd.company.id, some, one) for one in amongs),
                                         strict=True)]  # fmt: skip
    assert added == whole
    assert whole[0] == sum(some.first <= row.day for row in rows)


def _totals(session: Session, company_id: UUID, days: Days, among: Among | None) -> list[int]:
    all_ = (session, company_id, days, among)
    of, ways, waits = funnel(*all_), paths(*all_), waiting_times(*all_)
    weeks = cohorts(*all_)
    return [
        of.whole.journeys, of.whole.leads, of.whole.buyers, of.whole.value_minor, *of.whole.by_stage,
        sankey(*all_).persons, friction(*all_).persons, ways.leads, ways.buyers,
        *(sum(count for _, count in waits[name]) for name in ("lead", "bought")),
        *(sum(one.leads_within[place] for one in weeks) for place in range(3)),
        sum(one.outcomes.value_minor for one in weeks),
    ]  # fmt: skip


def assert_sums_of_rows(crowd: Town, among: Among) -> None:
    """What the views sum up is what the rows asked for add up to, and all views agree."""
    within, words = among.within, among.origin.words
    mine = [
        row for row in crowd.journeys().values()
        if all(getattr(row, name) == word for name, word in words.items())
        and (not within or (row.is_person and matches(within.tree, facts_of(row), within.now)))
    ]  # fmt: skip
    wanted: Counter[tuple[Any, ...]] = Counter()
    for cell, (persons, value) in sums_from_rows(mine).items():
        if not cell.view.startswith("month:"):
            wanted[tuple(cell)] += persons
            wanted[cell.view, "value"] += value
    found: Counter[tuple[Any, ...]] = Counter()
    with crowd.services.db.tenant(crowd.company.id) as session:
        for view in ("flow", "stop", "path", "wait"):
            of = cells_of_view(crowd.company.id, view, EVER, among)
            for row in session.execute(
                of.asked(f"SELECT day, a, b, c, persons, value_minor {of.sql}"), of.values
            ):
                found[view, row.day, row.a, row.b, row.c] += row.persons
                found[view, "value"] += row.value_minor
        all_ = (session, crowd.company.id, EVER, among)
        check_size(*all_)
        whole, flow, stops, ways = funnel(*all_).whole, sankey(*all_), friction(*all_), paths(*all_)
        weeks, waits = cohorts(*all_), waiting_times(*all_)
    assert +found == +wanted
    assert whole.journeys == flow.persons == sum(one.outcomes.journeys for one in weeks) == len(mine)
    assert stops.persons + ways.leads + ways.buyers == len(mine)
    assert whole.value_minor == sum(row.value_minor for row in mine)
    assert sum(count for _, count in waits["bought"]) == ways.buyers == whole.buyers


def test_waiting_times_end_where_their_span_ends(crowd: Town) -> None:
    everybody = Among(Within(read_segment({"not": {"fact": "visits", "at_least": 10**6}}), LATER))
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
    within = Among(Within(read_segment({"fact": "waits"}), LATER))
    monkeypatch.setattr(cells, "MOST_LIVE", 5)
    monkeypatch.setattr(cells, "MOST_COUNTED", 5)
    with crowd.services.db.tenant(crowd.company.id) as session:
        check_size(session, crowd.company.id, EVER, None)
        check_size(session, crowd.company.id, Days(date(2026, 1, 1), date(2026, 1, 9)), within)
        with pytest.raises(BadInput, match="Choose a shorter period"):
            check_size(session, crowd.company.id, EVER, within)
        with pytest.raises(BadInput, match="ask for a medium or campaign as well"):
            check_size(session, crowd.company.id, EVER, Among(origin=Origin(medium="cpc")))
