"""Every view is drawn from one table of sums: totals are equal everywhere, and equal to the raw journeys."""

import random
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from calltrack.calls.people.tags import make_tag, set_tags
from calltrack.kernel.ids import new_id
from calltrack.stages import segments
from calltrack.stages.cells import Days
from calltrack.stages.journey_rules import facts_of
from calltrack.stages.preview import preview_score
from calltrack.stages.sankey import sankey
from calltrack.stages.score_rules import DEFAULT, read_score
from calltrack.stages.segment_rules import READY, Tree, matches, read_segment
from calltrack.stages.segments import Given
from calltrack.stages.views import cohorts, friction, funnel, paths, waiting_times
from calltrack.wiring import Services
from tests.builders import NOON, Company, fresh_e164
from tests.stages.people import Town

EVER = Days(date(2026, 1, 1), date(2026, 12, 31))


def test_totals_equal_the_journeys_and_each_other(crowd: Town) -> None:
    crowd.assert_sums_hold()
    rows = list(crowd.journeys().values())
    assert len(rows) == 60
    with crowd.services.db.tenant(crowd.company.id) as session:
        all_ = (session, crowd.company.id, EVER)
        found, flow, stops, ways = funnel(*all_), sankey(*all_), friction(*all_), paths(*all_)
        weeks, waits = cohorts(*all_), waiting_times(*all_)
        parts = (Days(EVER.first, date(2026, 10, 25)), Days(date(2026, 10, 26), EVER.last))
        halves = [funnel(session, crowd.company.id, days).whole.journeys for days in parts]
        for dice in map(random.Random, range(12)):
            first = EVER.first + timedelta(days=dice.randrange(330))
            some = Days(first, min(first + timedelta(days=dice.randrange(365)), EVER.last))
            wanted = sum(some.first <= row.day <= some.last for row in rows)
            assert funnel(session, crowd.company.id, some).whole.journeys == wanted
            assert sankey(session, crowd.company.id, some).persons == wanted
    leads = [row for row in rows if row.lead_at or row.bought_at]
    buyers = [row for row in rows if row.bought_at]
    value = sum(row.value_minor for row in rows)
    whole = found.whole
    assert (whole.journeys, whole.leads, whole.buyers, whole.value_minor) == (
        60,
        len(leads),
        len(buyers),
        value,
    )
    assert [step.reached for step in found.steps] == [sum(row.stage >= n for row in rows) for n in range(5)]
    assert sum(one.outcomes.journeys for one in found.sources) == 60
    assert sum(halves) == 60
    for column in flow.columns:
        assert sum(node.persons for node in column) == 60
    assert sum(not node.is_other for column in flow.columns for node in column) <= 12
    for node in (*flow.columns[0], *flow.columns[1]):
        assert sum(one.persons for one in flow.flows if one.start == node) == node.persons
    for node in (*flow.columns[1], *flow.columns[2]):
        assert sum(one.persons for one in flow.flows if one.end == node) == node.persons
    assert [
        sum(node.persons for node in flow.columns[2] if node.key == step.stage) for step in found.steps
    ] == [step.now for step in found.steps]
    assert stops.persons == 60 - len(leads)
    assert sum(one.persons for one in stops.kinds) == sum(count for _, count in stops.pages) == stops.persons
    assert ways.leads + ways.buyers == len(leads)
    assert sum(one.persons for one in ways.paths) == len(leads)
    assert sum(one.value_minor for one in ways.paths) == value
    assert sum(one.outcomes.journeys for one in weeks) == 60
    assert sum(count for _, count in waits["bought"]) == len(buyers)
    assert sum(one.leads_within[2] for one in weeks) == sum(
        row.lead_at is not None and row.lead_at - row.first_at <= timedelta(days=30) for row in rows
    )


@pytest.mark.parametrize(
    ("fact", "word", "holds"),
    [
        ("tag", "stammkunde österreich", True), ("source", "Google", True), ("medium", "CPC", True),
        ("city", "Milano", True), ("campaign", "Traslochi-Roma", False), ("tag", "stammkunde", False),
    ],
)  # fmt: skip
def test_words_are_found_whatever_their_case_but_names_of_campaigns(
    town: Town, fact: str, word: str, holds: bool
) -> None:
    company_id, browser, phone = town.company.id, new_id(NOON), fresh_e164()
    town.visit(NOON - timedelta(hours=1), browser)
    town.person(phone, browser)
    call = town.call(phone, NOON)
    with town.services.db.tenant(company_id) as session:
        tag = make_tag(session, company_id, "Stammkunde Österreich", NOON, by="t")
        set_tags(session, company_id, call.id, [tag], NOON, by="t")
    town.run("UPDATE call SET caller_city = 'MILANO' WHERE company_id = :c")
    town.keep()
    read = read_segment({"fact": fact, "is": word})
    (row,) = town.journeys().values()
    with town.services.db.tenant(company_id) as session:
        assert segments.count_persons(session, company_id, read, NOON) == holds
    assert matches(read, facts_of(row), NOON) == holds


def page_by_page(session: Session, company_id: UUID, tree: Tree, now: datetime) -> list[UUID]:
    """Return who is listed when every page is turned."""
    found: list[UUID] = []
    before: tuple[datetime, UUID] | None = None
    while rows := segments.persons(session, company_id, tree, now, before=before, most=7):
        found += [row.id for row in rows]
        before = (rows[-1].last_at, rows[-1].id)
    return found


def test_a_segment_says_the_same_in_sql_as_in_the_rules(crowd: Town) -> None:
    dice, now = random.Random(7), NOON
    leaves: list[dict[str, object]] = [
        {"fact": "calls", "at_least": 2}, {"fact": "stage", "at_most": 2}, {"fact": "pages", "at_least": 3},
        {"fact": "waits"}, {"fact": "form"}, {"fact": "medium", "is": "cpc"}, {"fact": "city", "is": "Roma"},
        {"fact": "tag", "is": "vip"}, {"fact": "last_at", "within_days": 20}, {"fact": "hour", "at_most": 12},
        {"fact": "last_bought_at", "older_than_days": 10}, {"fact": "value_minor", "at_least": 3000},
        {"fact": "lead_at", "within_days": 40, "older_than_days": 5}, {"fact": "score", "at_least": 30},
    ]  # fmt: skip

    def tree(deep: int) -> dict[str, object]:
        how = dice.choice(("leaf", "all", "any", "not") if deep < 3 else ("leaf",))
        if how == "leaf":
            return dice.choice(leaves)
        return {"not": tree(deep + 1)} if how == "not" else {how: [tree(deep + 1), tree(deep + 1)]}

    trees = [condition for _, _, condition in READY] + leaves + [tree(1) for _ in range(40)]
    people = [row for row in crowd.journeys().values() if row.is_person]
    sizes = set()
    with crowd.services.db.tenant(crowd.company.id) as session:
        counts = segments.count_each(session, crowd.company.id, list(map(read_segment, trees)), now)
        for place, condition in enumerate(trees):
            read = read_segment(condition)
            wanted = {row.id for row in people if matches(read, facts_of(row), now)}
            found = page_by_page(session, crowd.company.id, read, now)
            assert set(found) == wanted, condition
            assert len(found) == segments.count_persons(session, crowd.company.id, read, now) == counts[place]
            some, number = segments.newest_persons(session, crowd.company.id, read, now, 3)
            assert (some, number) == (
                segments.persons(session, crowd.company.id, read, now, most=3),
                counts[place],
            )
            assert all(segments.is_in(session, crowd.company.id, read, row.id, now) == (row.id in wanted)
                       for row in people[:3])  # fmt: skip
            sizes.add(len(wanted))
        first = segments.persons(session, crowd.company.id, None, now, most=4)
        rest = segments.persons(session, crowd.company.id, None, now, most=99,
                                before=(first[-1].last_at, first[-1].id))  # fmt: skip
    assert len(sizes) > 8
    assert len({row.id for row in (*first, *rest)}) == len(people)


def test_a_preview_counts_every_person_of_the_last_days_once(crowd: Town) -> None:
    held, now = read_score(DEFAULT), NOON + timedelta(days=5)
    strict = read_score({"warm": 1, "hot": 2, "rules": []})
    with crowd.services.db.tenant(crowd.company.id) as session:
        same = preview_score(session, crowd.company.id, held, now, held)
        other = preview_score(session, crowd.company.id, strict, now, held)
    recent = [
        row for row in crowd.journeys().values() if row.is_person and row.last_at > now - timedelta(days=30)
    ]
    assert sum(one.persons for one in same.bands) == len(recent) > 5
    assert sum(one.won for one in same.bands) == sum(row.is_won for row in recent)
    assert (same.moved, other.bands[2].persons, other.precision) == (0, len(recent), None)
    assert other.recall == 0
    assert other.moved > 0


def test_segments_are_named_once_changed_and_deleted(services: Services, company: Company) -> None:
    given = Given("Callers from Rome", "blue", {"fact": "city", "is": "Roma"})
    with services.db.tenant(company.id) as session:
        id_ = segments.make_segment(session, company.id, given, NOON, by="Ada")
        segments.change_segment(
            session, company.id, id_, Given("Rome", "red", {"fact": "waits"}), NOON, by="Ada"
        )
        assert [(one.name, one.color, one.sentence) for one in segments.segments(session, company.id)] == [
            ("Rome", "red", "called, nobody answered, not called back")
        ]
        with pytest.raises(Exception, match="already"):
            segments.make_segment(
                session, company.id, Given("Rome ", "red", {"fact": "waits"}), NOON, by="Ada"
            )
        segments.delete_segment(session, company.id, id_, NOON, by="Ada")
        assert segments.segments(session, company.id) == ()
