"""What hidden and revealed calls say about a model's honesty, against the truth of a simulated world."""

import random
from dataclasses import dataclass, replace

import pytest

from calltrack.attribution.densities import DAY, Model
from calltrack.attribution.facts import CallAt
from calltrack.attribution.history import History, Told
from calltrack.attribution.prior import shipped
from calltrack.attribution.revealed import reveal, tapped_calls
from tests.attribution.visits import NOW, holding
from tests.worlds.assumptions import Assumptions
from tests.worlds.honesty import Known, Seen, all_calls, known_world, revealed, seen


@dataclass(frozen=True)
class World:
    """A world, and what calibration finds of the model that was learnt in it, per level."""

    known: Known
    found: dict[str, Seen]


@pytest.fixture(scope="module")
def world() -> World:
    assumptions = Assumptions(seed=4, visits_per_day=250, campaigns=8, days=21, linkable=0.4)
    known = known_world(assumptions, numbers=14, taught_days=7)
    found = {level: seen(rows) for level, rows in revealed(known, known.model).items()}
    return World(known, found)


def overconfident(model: Model) -> Model:
    """A model that thinks nearly all calls come at once."""
    gone = tuple(rate * (20 if place < 5 else 0.02) for place, rate in enumerate(model.gone))
    return replace(model, gone=gone, on_screen=tuple(rate * 20 for rate in model.on_screen))


def test_revealed_calls_are_about_as_honest_as_all_calls(world: World) -> None:
    true, found = seen(all_calls(world.known, world.known.model)), world.found["visitor"]
    assert found.calls >= 80
    assert found.boasts == pytest.approx(true.boasts, abs=0.06)
    assert abs(found.ece - true.ece) < 0.02 + found.by_chance


def test_a_model_that_boasts_is_caught(world: World) -> None:
    known, before = world.known, world.found["visitor"]
    model = overconfident(known.model)
    true, found = seen(all_calls(known, model)), seen(revealed(known, model)["visitor"])
    assert true.boasts > seen(all_calls(known, known.model)).boasts + 0.01
    assert found.boasts > before.boasts + 0.04
    assert found.ece > 0.06 + found.by_chance
    assert found.brier > before.brier + 0.03


def test_taps_reveal_easy_calls_only_and_stay_apart(world: World) -> None:
    found = world.found
    assert found["tap"].calls >= 5
    assert found["tap"].said > found["visitor"].said


def test_forms_are_hidden_from_the_judge() -> None:
    rows = [holding(f"v{n}", 3600.0 * (n + 1)) for n in range(4)]
    call = CallAt(at=NOW, number="n1", caller="+3906")
    form = Told(at=NOW + 60, visitor="visitor of v3", phone="+3906")
    history = History(
        holdings={"n1": rows}, calls=(call,), told=(form,), began=NOW - 30 * DAY, until=NOW + DAY
    )
    found = reveal(history, shipped(), NOW - DAY, NOW + DAY)
    earlier = replace(history, told=(replace(form, at=NOW - 4000.0),))
    assert reveal(earlier, shipped(), NOW - DAY, NOW + DAY) == found
    (outcome,) = found.outcomes["visitor"]
    assert (outcome.is_right, found.known, found.never_shown) == (False, 1, 0)
    assert outcome.p < 0.9


def test_who_was_never_shown_the_number_is_counted_and_not_judged() -> None:
    history = History(
        holdings={"n1": [holding("v1", 60.0)]},
        calls=(CallAt(at=NOW, number="n1", caller="+3906"),),
        told=(Told(at=NOW, visitor="somebody", phone="+3906"),),
        began=NOW - DAY,
        until=NOW + DAY,
    )
    found = reveal(history, shipped(), NOW - DAY, NOW + DAY)
    assert (found.calls, found.known, found.never_shown) == (1, 0, 1)


def test_a_phone_that_everybody_types_reveals_nobody() -> None:
    rows = [holding(f"v{n}", 60.0 * n) for n in range(1, 6)]
    told = tuple(Told(at=NOW, visitor=one.visitor, phone="+3906") for one in rows)
    call = CallAt(at=NOW, number="n1", caller="+3906")
    history = History(holdings={"n1": rows}, calls=(call,), told=told, began=NOW - DAY, until=NOW + DAY)
    assert reveal(history, shipped(), NOW - DAY, NOW + DAY).known == 0
    assert reveal(replace(history, told=told[:3]), shipped(), NOW - DAY, NOW + DAY).known == 1


@pytest.mark.parametrize(
    ("tap", "others", "is_known"),
    [(-3.0, 0, True), (-5.0, 0, True), (-6.0, 0, False), (4.0, 0, True), (-3.0, 1, False)],
)
def test_a_tap_gives_a_call_away_where_one_page_alone_had_the_number_on_screen(
    tap: float, others: int, is_known: bool
) -> None:
    rows = [holding("v1", taps=(NOW + tap,), last_seen=NOW + 10), holding("gone", 600.0)]
    rows += [holding(f"other{n}") for n in range(others)]
    random.Random(1).shuffle(rows)
    history = History(
        holdings={"n1": rows}, calls=(CallAt(at=NOW, number="n1"),), began=NOW - DAY, until=NOW + DAY
    )
    assert [one.visit for one in tapped_calls(history).values()] == (["v1"] if is_known else [])
