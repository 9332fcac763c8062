"""Pure rules: any order of facts gives the same journey, sums equal, words are checked, scores add up."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.kernel.errors import BadInput
from calltrack.stages import score_rules, stage_words
from calltrack.stages.cell_rules import MONTH, SPANS, cells_of
from calltrack.stages.events import KINDS, Event, in_order
from calltrack.stages.journey_rules import Given, facts_of, make_journey
from calltrack.stages.score_rules import band_of, lines_of, read_score, score_of
from calltrack.stages.segment_rules import READY, matches, read_segment, sentence
from calltrack.stages.stage_rules import history, reached, step_of
from calltrack.stages.stage_words import read_stages, read_way, written_stages
from tests.builders import NOON

RULES = read_stages(stage_words.DEFAULT)
SCORE = read_score(score_rules.DEFAULT)
GIVEN = Given(RULES, SCORE, ZoneInfo("Europe/Rome"))
# Around the night of the change to winter time.
NIGHT = datetime(2026, 10, 24, 20, tzinfo=UTC)


@st.composite
def events(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from(KINDS))
    # Few moments, so that many fall together.
    at = NIGHT + timedelta(hours=draw(st.sampled_from((0, 1, 3, 4, 24, 25, 800, 1600))))
    event = Event(
        at, kind, UUID(int=draw(st.integers(1, 40))), source=draw(st.sampled_from(("", "google", "bing")))
    )
    if kind == "visit":
        return replace(event, pages=draw(st.integers(0, 6)), seconds=draw(st.integers(0, 300)), landing="/")
    if kind == "call":
        return replace(event, talked=draw(st.booleans()), talk_seconds=draw(st.integers(0, 200)))
    return replace(event, value_minor=draw(st.integers(0, 900)), name="shop") if kind != "tap" else event


def unique(found: list[Event]) -> list[Event]:
    """One fact has one content."""
    return list({(one.kind, one.id): one for one in found}.values())


@given(st.lists(events(), min_size=1, max_size=12).map(unique), st.randoms())
@settings(max_examples=100, deadline=None)
def test_any_order_and_repetition_gives_the_same_journey(found: list[Event], random: Any) -> None:
    shuffled = found + found[:3]
    random.shuffle(shuffled)
    journey = make_journey(found, GIVEN)
    assert journey is not None
    assert journey == make_journey(shuffled, GIVEN)
    steps = [step_of(one) for one in journey.history]
    assert [step.stage for step in steps] == sorted({step.stage for step in steps})
    assert (steps[0].stage, steps[-1].stage) == (0, journey.stage)
    assert all(step.reason for step in steps)
    before = in_order(found)[:-1]
    if before:  # What comes later never changes the past.
        assert list(history(before, RULES)[0]) == steps[: len(history(before, RULES)[0])]
    all_cells = [cell for cell, _ in cells_of(journey)]
    cells = [cell for cell in all_cells if not cell.view.startswith(MONTH)]
    assert len(all_cells) == 2 * len(cells)
    assert sum(cell.view == "flow" for cell in cells) == 1
    assert sum(cell.view in ("path", "stop") for cell in cells) == 1
    assert sum(cell.view == "wait" and cell.a in stage_words.STAGES for cell in cells) == journey.stage
    assert all(SPANS[int(cell.b)][1] for cell in cells if cell.view == "wait")
    assert 0 <= journey.score <= 100
    lines = lines_of(facts_of(journey), SCORE)
    assert journey.score == max(0, min(100, sum(line.points for line in lines)))


@pytest.mark.parametrize(
    ("found", "stage", "fact"),
    [
        ([("visit", 0, {})], "awareness", "first_touch"),
        ([("visit", 0, {"pages": 3})], "familiarity", "pages"),
        ([("visit", 0, {"seconds": 120})], "familiarity", "minutes"),
        ([("visit", 0, {}), ("visit", 5, {})], "familiarity", "visits"),
        ([("visit", 0, {"contact": True})], "consideration", "contact_page"),
        ([("visit", 0, {"price": True})], "consideration", "price_page"),
        ([("visit", 0, {}), ("form", 0, {})], "consideration", "form"),
        ([("call", 0, {})], "consideration", "calls"),
        ([("call", 0, {"talked": True}), ("lead", 0, {})], "purchase", "leads"),
        ([("purchase", 0, {})], "purchase", "purchases"),
        ([("purchase", 0, {}), ("purchase", 1, {})], "loyalty", "purchases"),
        ([("purchase", 0, {}), ("call", 24 * 30, {})], "loyalty", "days_after_purchase"),
        ([("purchase", 0, {}), ("call", 24 * 30 - 1, {})], "purchase", "purchases"),
        ([("call", 0, {"tags": ("Existing customer",)})], "loyalty", "tag"),
    ],
)
def test_the_five_stages_by_default(
    found: list[tuple[str, int, dict[str, Any]]], stage: str, fact: str
) -> None:
    made = [Event(NOON + timedelta(hours=hours), kind, UUID(int=place), **more)
            for place, (kind, hours, more) in enumerate(found)]  # fmt: skip
    last = history(in_order(made), RULES)[0][-1]
    assert (last.name, last.fact) == (stage, fact)


BOTH = {"all": [{"fact": "visits", "at_least": 2, "within_days": 7}, {"fact": "form", "within_days": 1}]}


@pytest.mark.parametrize(
    ("found", "way", "reason"),
    [
        ([("visit", 0), ("visit", 6)], {"fact": "visits", "at_least": 2, "within_days": 7},
         "came 2 times or more within 7 days"),
        ([("visit", 0), ("visit", 7)], {"fact": "visits", "at_least": 2, "within_days": 7}, ""),
        ([("visit", 0), ("visit", 9), ("visit", 11)], {"fact": "visits", "at_least": 2, "within_days": 3},
         "came 2 times or more within 3 days"),
        ([("visit", 0), ("visit", 5), ("form", 5.5)], BOTH,
         "came 2 times or more within 7 days"
         " and typed a phone number or an address into a form within 1 day"),
        ([("form", 0), ("visit", 0), ("visit", 5)], BOTH, ""),
        ([("visit", 0), ("form", 7), ("visit", 7.5)], BOTH, ""),
        ([("touchpoint", 0), ("call", 3)], {"all": [{"fact": "touchpoint", "is": "shop", "within_days": 4},
                                                    {"fact": "calls", "at_least": 1}]},
         "had a touchpoint “shop” within 4 days and called once or more"),
        ([("touchpoint", 0), ("call", 4)], {"all": [{"fact": "touchpoint", "is": "shop", "within_days": 4},
                                                    {"fact": "calls", "at_least": 1}]}, ""),
    ],
)  # fmt: skip
def test_a_window_counts_what_happened_up_to_the_moment(
    found: list[tuple[str, float]], way: dict[str, Any], reason: str
) -> None:
    rules = read_stages({"stages": {"loyalty": [way]}})
    assert read_stages(written_stages(rules)) == rules
    made = [
        Event(NOON + timedelta(days=days), kind, UUID(int=place + 1), name="shop")
        for place, (kind, days) in enumerate(found)
    ]
    last = history(in_order(made), rules)[0][-1]
    assert (last.name, last.reason) == (("loyalty", reason) if reason else ("awareness", last.reason))
    assert step_of(json.loads(json.dumps(last.stored()))) == last


@given(st.lists(events(), min_size=1, max_size=12).map(unique), st.integers(1, 80))
@settings(max_examples=60, deadline=None)
def test_a_window_longer_than_the_journey_changes_nothing(found: list[Event], days: int) -> None:
    facts: list[dict[str, Any]] = [{"fact": "calls", "at_least": 2}, {"fact": "form"}]
    ever = read_stages({"stages": {"loyalty": [{"all": facts}]}})
    lately = read_stages({"stages": {"loyalty": [{"all": [one | {"within_days": days} for one in facts]}]}})
    of_ever, of_lately = history(in_order(found), ever)[0], history(in_order(found), lately)[0]
    assert of_lately[-1].stage <= of_ever[-1].stage
    if days > 67:  # Longer than all events lie apart.
        assert [(one.stage, one.at) for one in of_ever] == [(one.stage, one.at) for one in of_lately]


def test_whoever_skips_a_stage_reaches_it_at_the_same_moment() -> None:
    steps, _ = history([Event(NOON, "call", UUID(int=1))], RULES)
    assert reached(steps) == {0: NOON, 1: NOON, 2: NOON}


def test_rules_survive_being_written_and_are_told_in_words() -> None:
    assert read_stages(written_stages(RULES)) == RULES
    assert [read_way(way) for way in RULES.ways[1]] == [
        "came 2 times or more", "stayed 2 minutes or longer in one visit", "saw 3 pages or more in one visit",
    ]  # fmt: skip
    assert read_way(RULES.ways[2][4]) == "called once or more"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"stages": {"awareness": []}}, "everybody begins aware"),
        ({"stages": {"loyalty": [{"fact": "moon"}]}}, "choose one of visits"),
        ({"stages": {"loyalty": [{"fact": "visits"}]}}, "needs the word at_least"),
        ({"stages": {"loyalty": [{"fact": "form", "at_least": 2}]}}, "leave it out"),
        ({"stages": {"loyalty": [{"fact": "visits", "at_least": 0}]}}, "greater than or equal to 1"),
        ([], "at the top"),
    ],
)
def test_stage_rules_that_cannot_be_say_what_to_change(wrong: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_stages(wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"warm": 60, "hot": 60, "rules": []}, "Warm must begin below hot"),
        (
            {"warm": 1, "hot": 2, "rules": [{"points": 5, "if": {"fact": "purchases", "at_least": 1}}]},
            "no fact here",
        ),
        (
            {"warm": 1, "hot": 2, "rules": [{"points": 5, "if": {"fact": "visits"}}]},
            "needs at_least or at_most",
        ),
        (
            {"warm": 1, "hot": 2, "rules": [{"points": 500, "if": {"fact": "form"}}]},
            "less than or equal to 100",
        ),
        ({"warm": 1, "hot": 2, "rules": [{"points": 1, "if": {"fact": "form"}}] * 21}, "at most 20"),
        (
            {
                "warm": 1,
                "hot": 2,
                "rules": [{"points": 5, "if": {"fact": "calls", "at_least": 2, "at_most": 4}}],
            },
            "compares once",
        ),
    ],
)
def test_score_rules_that_cannot_be_say_what_to_change(wrong: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_score(wrong)


def test_a_score_is_the_sum_of_its_lines_within_its_limits() -> None:
    facts = {"longest_talk": 150, "answered": 1, "calls": 2, "medium": "cpc"}
    assert [(line.points, line.reason) for line in lines_of(facts, SCORE)] == [
        (30, "seconds of the longest talk: at least 120"), (15, "answered calls: at least 1"),
        (10, "calls: at least 2"), (5, "medium: “cpc”"),
    ]  # fmt: skip
    assert (score_of(facts, SCORE), band_of(60, SCORE), band_of(59, SCORE), band_of(29, SCORE)) == (
        60, "hot", "warm", "cold",
    )  # fmt: skip
    assert score_of({"short_calls": 5}, SCORE) == 0


def test_segments_are_read_matched_and_told() -> None:
    shopper = read_segment(next(condition for name, _, condition in READY if name == "Price shopper"))
    assert sentence(shopper) == "answered calls under a minute: at least 2 and purchases: at most 0"
    assert matches(shopper, {"short_calls": 2, "purchases": 0}, NOON)
    assert not matches(shopper, {"short_calls": 2, "purchases": 1}, NOON)
    sleeping = read_segment({"not": {"fact": "last_at", "within_days": 30}})
    assert matches(sleeping, {"last_at": NOON - timedelta(days=31)}, NOON)
    assert all(read_segment(condition) for _, _, condition in READY)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("calls", "A condition is an object"),
        ({"all": []}, "at least one part"),
        ({"all": [{"fact": "waits"}], "fact": "calls"}, "nothing stands beside it"),
        ({"fact": "calls", "is": "two"}, "knows no word is"),
        ({"not": {"not": {"not": {"not": {"fact": "waits"}}}}}, "nested more than 4"),
        ({"any": [{"fact": "waits"}] * 20}, "more than 20 parts"),
    ],
)
def test_segments_that_cannot_be_say_what_to_change(wrong: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_segment(wrong)
