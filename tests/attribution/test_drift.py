from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.attribution.densities import Model
from calltrack.attribution.drift import FEWEST_CALLS, MOST_TIMES, nightly, within_bounds
from calltrack.attribution.facts import CallAt
from calltrack.attribution.history import History
from calltrack.attribution.prior import shipped
from tests.attribution.visits import NOW, holding

SHIPPED = shipped()


def taught(calls: int) -> History:
    """So many visits that each called from the open page."""
    visits = tuple(
        holding(f"v{n}", shown_from=NOW + 5000 * n, last_seen=NOW + 5000 * n + 200, left=True)
        for n in range(calls)
    )
    rung = tuple(CallAt(at=NOW + 5000 * n + 100, number="n1", caller=f"+39{n}") for n in range(calls))
    return History(holdings={"n1": visits}, calls=rung, began=NOW, until=NOW + 5000 * calls)


def test_few_calls_leave_the_model_of_yesterday() -> None:
    lesson = nightly(taught(FEWEST_CALLS - 1), SHIPPED, "tonight")
    assert (lesson.model, lesson.is_new, lesson.calls) == (SHIPPED, False, FEWEST_CALLS - 1)


def test_the_first_lesson_goes_as_far_as_calls_say_and_later_ones_step_by_step() -> None:
    history = taught(60)
    first = nightly(history, SHIPPED, "first")
    assert first.is_new
    assert first.held == ()
    # Every visit called from the page, not one in sixty.
    assert first.model.on_screen[1] > 5 * SHIPPED.on_screen[1]
    calm = replace(SHIPPED, calls_learnt=100.0, version="calm")
    second = nightly(history, calm, "second")
    assert "on_screen" in second.held
    assert second.model.on_screen[1] == pytest.approx(MOST_TIMES * calm.on_screen[1])
    assert second.model.version == "second"
    third = nightly(history, second.model, "third")
    assert third.model.on_screen[1] == pytest.approx(MOST_TIMES**2 * calm.on_screen[1])


def test_a_model_that_hardly_changed_is_taken_as_it_is() -> None:
    model = replace(SHIPPED, campaigns={"roma": (1.0,) * 3}, nobody={"n1": 1e-6}, area_match=0.55)
    assert within_bounds(SHIPPED, model) == (model, ())


scales = st.floats(0.05, 20)


@settings(max_examples=40, deadline=None)
@given(scales, scales, st.floats(0, 1))
def test_no_part_ever_leaps(rates: float, factor: float, share: float) -> None:
    wild = _scaled(SHIPPED, rates, factor, share)
    found, held = within_bounds(SHIPPED, wild)
    for old, new in zip(SHIPPED.gone, found.gone, strict=True):
        assert old / MOST_TIMES - 1e-15 <= new <= old * MOST_TIMES + 1e-15
    for old, new in zip(SHIPPED.factors["dwell"][1], found.factors["dwell"][1], strict=True):
        assert old / MOST_TIMES - 1e-9 <= new <= old * MOST_TIMES + 1e-9
    assert abs(found.area_match - SHIPPED.area_match) <= 0.1 + 1e-9
    assert set(held) == {
        name for name in ("gone", "factors", "area_match") if getattr(found, name) != getattr(wild, name)
    }
    # A night in which nothing more is learnt comes nearer, and never past it.
    again, _ = within_bounds(found, wild)
    assert abs(again.gone[0] - wild.gone[0]) <= abs(found.gone[0] - wild.gone[0]) + 1e-15


def _scaled(model: Model, rates: float, factor: float, share: float) -> Model:
    dwell = tuple(tuple(one * factor for one in phase) for phase in model.factors["dwell"])
    gone = tuple(one * rates for one in model.gone)
    return replace(model, gone=gone, factors={**model.factors, "dwell": dwell}, area_match=share)
