"""Replaying events: numbers shown, calls credited, what no rule may see, and files that make no sense."""

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest

from calltrack.attribution.facts import REPORTS
from calltrack.attribution.replay import Replay, replay
from calltrack.attribution.replay_events import read_events
from calltrack.kernel.errors import BadInput
from calltrack.numbers.choice import POLICIES
from tests.worlds.assumptions import DAY, Assumptions
from tests.worlds.events import Event, World, lines, live, with_pool

Output = dict[str, Any]
NUMBERS = 4


@pytest.fixture(scope="module")
def world() -> World:
    return with_pool(
        live(Assumptions(seed=5, visits_per_day=60, days=12, campaigns=6, linkable=0.1)), NUMBERS
    )


@pytest.fixture(scope="module")
def printed(world: World) -> list[Output]:
    return play(world.events)


def play(events: Iterable[Event], **settings: Any) -> list[Output]:
    settings = {"numbers": NUMBERS, "learn_until": 7 * DAY} | settings
    return list(replay(read_events(lines(events)), Replay(**settings)))


def visit(at: float, id_: str, **more: Any) -> Event:
    told = {
        "visitor": f"b-{id_}",
        "campaign": "brand",
        "source": "google",
        "device": "mobile",
        "region": "mi",
    }
    return {"t": at, "type": "visit", "visit": id_, "returning": False, **told, **more}


def test_each_visit_and_each_call_gets_a_line_in_order(world: World, printed: list[Output]) -> None:
    asked = [
        event.get("call") or event["visit"] for event in world.events if event["type"] in ("visit", "call")
    ]
    assert [line.get("call") or line["visit"] for line in printed] == asked
    assert all(0 <= line["number"] < NUMBERS for line in printed)


def test_probabilities_add_up(printed: list[Output]) -> None:
    calls = [line for line in printed if "call" in line]
    assert calls
    for line in calls:
        listed = sum(one["p"] for one in line["candidates"])
        assert listed + line["rest"] + line["p_nobody"] == pytest.approx(1, abs=1e-3)
        assert sum(line["by_campaign"].values()) + line["p_nobody"] == pytest.approx(1, abs=1e-3)
        assert sum(line["by_source"].values()) + line["p_nobody"] == pytest.approx(1, abs=1e-3)


def test_the_same_events_give_the_same_bytes(world: World, printed: list[Output]) -> None:
    assert json.dumps(play(world.events)) == json.dumps(printed)
    chance = [json.dumps(play(world.events, policy=POLICIES["random"], seed=seed)) for seed in (1, 1, 2)]
    assert chance[0] == chance[1] != chance[2]


def test_whose_number_is_dialled_tells_no_rule_whose_call_it_is(world: World, printed: list[Output]) -> None:
    """The number alone, told by its place, gives the same bytes."""
    shown = {line["visit"]: line["number"] for line in printed if "visit" in line}
    blind = []
    for event in world.events:
        told = dict(event)
        if "dials_visit" in told:
            told["dials_number"] = shown[told.pop("dials_visit")]
        blind.append(told)
    assert json.dumps(play(blind)) == json.dumps(printed)


def test_another_visit_with_the_number_tells_the_same(world: World, printed: list[Output]) -> None:
    """A call told by any other visit that was shown the number before is credited to the same."""
    shown: dict[int, list[str]] = {}
    numbers = {line["visit"]: line["number"] for line in printed if "visit" in line}
    swapped = []
    for event in world.events:
        told = dict(event)
        if event["type"] == "visit":
            shown.setdefault(numbers[event["visit"]], []).append(event["visit"])
        elif "dials_visit" in event:
            told["dials_visit"] = shown[numbers[event["dials_visit"]]][0]
        swapped.append(told)
    assert swapped != world.events
    assert json.dumps(play(swapped)) == json.dumps(printed)


def test_ids_are_names_and_nothing_more(world: World, printed: list[Output]) -> None:
    """Other ids, whose order is turned round, give the same output under the other names."""
    renamed = play([rename(event) for event in world.events])
    assert renamed == [rename(line) for line in printed]


def rename(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rename(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rename(one) for one in value]
    if isinstance(value, str) and re.fullmatch(r"[vbcs]\d+", value):
        return f"{value[0]}x{9_999_999 - int(value[1:])}"
    return value


def test_a_tap_seconds_before_is_as_good_as_certain() -> None:
    events = [
        visit(0, "early"),
        {"t": 30, "type": "leave", "visit": "early"},
        visit(900, "late", campaign="shoes"),
        {"t": 940, "type": "page", "visit": "late", "kind": "contact"},
        {"t": 960, "type": "tap", "visit": "late"},
        {"t": 968, "type": "call", "call": "c", "caller": "+39021", "region": "mi", "dials_visit": "late"},
        {"t": 1_900, "type": "call", "call": "d", "caller": "+39021", "region": "mi", "dials_number": 0},
    ]
    first, again = play(events, numbers=1)[-2:]
    assert (first["credited_visit"], first["credited_campaign"]) == ("late", "shoes")
    assert first["candidates"][0]["p"] >= 0.99
    assert again["credited_visit"] == "late"


def test_credit_needs_what_is_asked_for(world: World) -> None:
    strict = [line for line in play(world.events, thresholds=REPORTS) if "call" in line]
    assert any(line["credited_visit"] is None for line in strict)
    for line in strict:
        if line["credited_visit"]:
            assert line["candidates"][0]["p"] >= 0.7
        if line["credited_campaign"] is not None:
            assert line["by_campaign"][line["credited_campaign"]] >= 0.7


def test_nobody_is_left_without_a_number_and_sharing_is_said() -> None:
    printed = play([visit(place, str(place)) for place in range(3)], numbers=2)
    assert [(line["number"], line["shared"]) for line in printed] == [(0, False), (1, False), (0, True)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Line 2: this is not JSON"),
        ("[1]", "Line 2: this is no JSON object"),
        ("[" * 100_000, "Line 2: this is not JSON"),
        ('{"type": "visit"}', "Line 2: t must be a number"),
        ('{"t": NaN, "type": "leave", "visit": "a"}', "Line 2: t must be a number"),
        ('{"t": 1' + "0" * 400 + ', "type": "leave", "visit": "a"}', "Line 2: t must be a number"),
        ('{"t": true, "type": "leave", "visit": "a"}', "Line 2: t must be a number"),
        ('{"t": 9, "type": "dance"}', "Line 2: there is no event of type 'dance'"),
        ('{"t": 9, "type": "leave"}', "Line 2: visit is missing"),
        ('{"t": 9, "type": "leave", "visit": {}}', "Line 2: visit must be text"),
        ('{"t": 9, "type": "leave", "visit": "b"}', "there was no visit b before"),
        ('{"t": -1, "type": "leave", "visit": "a"}', "Line 2: its time -1 is before 0"),
        ('{"t": 9, "type": "visit", "visit": "a", "visitor": "x"}', "the visit a began before"),
        ('{"t": 9, "type": "form", "visit": "a"}', "Line 2: phone is missing"),
        ('{"t": 9, "type": "call", "call": "c"}', "Line 2: a call needs either"),
        ('{"t": 9, "type": "call", "call": "c", "dials_visit": "a", "dials_number": 0}', "needs either"),
        ('{"t": 9, "type": "call", "call": "c", "dials_number": 4}', "there is no number 4"),
        ('{"t": 9, "type": "call", "call": "c", "dials_number": true}', "must be a whole number"),
        ('{"t": 9, "type": "call", "call": "c", "dials_visit": "b"}', "there was no visit b before"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(line: str, said: str) -> None:
    begun = json.dumps(visit(0, "a"))
    with pytest.raises(BadInput, match=re.escape(said)):
        list(replay(read_events([begun, line]), Replay(NUMBERS)))
