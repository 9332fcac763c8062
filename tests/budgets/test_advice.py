"""Advice keeps to every limit, moves money only when that is sure enough, or says what is missing."""

from dataclasses import replace
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.budgets.advice import Advice, advise, outlook
from calltrack.budgets.enough import SURE, more_needed
from calltrack.budgets.history import History, WeekOfCampaign, history_of
from calltrack.budgets.limits import Constraints
from tests.budgets.weeks import constraints_for, histories, weekly
from tests.examples import examples

FOUR = (14.0, 2.0, 6.0, 6.0)


def advised(history: History, total: int | None = None, constraints: Constraints | None = None) -> Advice:
    return advise(outlook(history, total or sum(history.today()), constraints or Constraints()))


def codes(advice: Advice) -> list[str]:
    return [reason.code for reason in advice.reasons]


@settings(max_examples=examples(120), deadline=None)
@given(data=st.data())
def test_every_split_keeps_to_total_floors_caps_locks_and_30_percent(data: st.DataObject) -> None:
    history = data.draw(histories())
    constraints = data.draw(constraints_for(history))
    today = history.today()
    total = max(round(sum(today) * data.draw(st.sampled_from([0.6, 0.9, 1.0, 1.0, 1.0, 1.17]))), 1)
    advice = advised(history, total, constraints)
    splits = [advice.unchanged, advice.proposed, advice.recommended, advice.trial]
    assert advice.recommended in (None, advice.proposed)
    assert advice.recommended is None or (advice.p_gain is not None and advice.p_gain >= SURE)
    assert advice.reasons
    for split in splits:
        if split is None:
            continue
        assert sum(split) == total
        for name, now, new in zip(history.names, today, split, strict=True):
            assert isinstance(new, int)
            assert abs(new - now) <= Fraction(3, 10) * now
            assert abs(new - now) <= constraints.most_change * now
            assert new >= constraints.floors.get(name, 0)
            assert new <= constraints.caps.get(name, new)
            assert name not in constraints.locked or new == now


@settings(max_examples=examples(40), deadline=None)
@given(history=histories())
def test_no_advice_without_conversions_and_the_same_advice_for_the_same_weeks(history: History) -> None:
    nothing = replace(history, conversions=history.conversions * 0, value=history.value * 0)
    assert advised(nothing).recommended is None
    first, second = advised(history), advised(history)
    assert (first.recommended, first.gain, first.p_gain, first.reasons) == (
        second.recommended, second.gain, second.p_gain, second.reasons,
    )  # fmt: skip


def test_money_goes_from_what_returns_little_to_what_returns_much() -> None:
    history = weekly(FOUR, weeks=26)
    advice = advised(history)
    assert advice.method == "curves"
    assert advice.recommended is not None
    today = history.today()
    assert advice.recommended[0] > today[0]
    assert advice.recommended[1] < today[1]
    assert advice.gain is not None
    assert 0 < advice.gain.low < advice.gain.mean < advice.gain.high
    moves = {
        reason.values["budget"]: reason.code for reason in advice.reasons if reason.code in ("raise", "cut")
    }
    assert (moves["c0"], moves["c1"]) == ("raise", "cut")
    assert codes(advice)[0] == "sure"
    assert codes(advice)[-1] == "correlational"


def test_who_is_raised_was_below_the_best_and_who_is_cut_above_it() -> None:
    seen = outlook(weekly(FOUR), sum(weekly(FOUR).today()), Constraints())
    advice = advise(seen)
    assert seen.curves is not None
    assert advice.recommended is not None
    marginal = seen.curves.marginal(np.array(seen.history.today(), float)).mean(0)
    moved = np.array(advice.recommended) - np.array(seen.history.today())
    assert marginal[moved > 0].min() > marginal[moved < 0].max()


def test_below_ten_conversions_a_week_the_return_of_all_time_decides() -> None:
    advice = advised(weekly((5.0, 0.4, 1.6, 1.6)))
    assert advice.method == "roas"
    assert "few_conversions" in codes(advice)
    assert advice.proposed is not None
    assert advice.proposed[0] > weekly(FOUR).today()[0] > 0


def test_campaigns_alike_are_left_as_they_are() -> None:
    advice = advised(weekly((8.0, 8.0, 8.0, 8.0)))
    assert advice.recommended is None
    assert codes(advice)[0] in ("near_best", "not_sure")


def test_a_gain_that_is_not_sure_yet_says_how_many_conversions_are_missing() -> None:
    advice = advised(weekly((4.0, 2.6, 3.0, 3.2), weeks=6))
    assert advice.recommended is None
    assert codes(advice)[0] == "not_sure"
    needed = advice.reasons[0].values["needed"]
    assert isinstance(needed, int)
    assert 1 <= needed < 5_000


@pytest.mark.parametrize(
    ("gain", "error", "counted"), [(1.0, 2.0, 50.0), (1.0, 8.0, 400.0), (30.0, 50.0, 90.0)]
)
def test_with_the_conversions_that_were_missing_the_gain_would_be_sure(
    gain: float, error: float, counted: float
) -> None:
    draws = gain + error * np.array([NormalDist().inv_cdf(each / 2001) for each in range(1, 2001)])
    needed = more_needed(draws, counted)
    then = gain + (draws - gain) * np.sqrt(counted / (counted + needed))
    assert (draws > 0).mean() < SURE
    assert (then > 0).mean() == pytest.approx(SURE, abs=0.01)


@pytest.mark.parametrize(
    ("history", "code", "needed"),
    [
        (weekly(FOUR, weeks=3), "too_few_weeks", 1),
        (weekly((0.5, 0.1, 0.2, 0.2), weeks=10), "not_enough_conversions", 20),
        (weekly((0.0, 0.0)), "not_enough_conversions", 30),
    ],
)
def test_too_little_to_go_by_is_told_with_what_is_missing(history: History, code: str, needed: int) -> None:
    advice = advised(history)
    assert advice.method == "none"
    assert (advice.reasons[0].code, advice.reasons[0].values["needed"]) == (code, needed)
    assert advice.recommended is None
    assert advice.trial is not None
    assert advice.trial != history.today()


@pytest.mark.parametrize(
    ("total", "constraints", "code"),
    [
        (None, Constraints(floors={"c0": 400_000}), "limits_conflict"),
        (None, Constraints(caps={"c0": 10_000}), "limits_conflict"),
        (None, Constraints(locked=frozenset({"c0"}), caps={"c0": 10_000}), "limits_conflict"),
        (900_000, Constraints(), "total_out_of_reach"),
        (100_000, Constraints(), "total_out_of_reach"),
        (None, Constraints(locked=frozenset({"c0", "c1", "c2"})), "nothing_to_move"),
    ],
)
def test_limits_that_leave_no_split_are_named(total: int | None, constraints: Constraints, code: str) -> None:
    advice = advised(weekly(FOUR), total, constraints)
    assert codes(advice)[0] == code
    assert advice.recommended is None


@pytest.mark.parametrize("size", [2, 12, 60])
def test_money_can_be_moved_however_many_share_it(size: int) -> None:
    history = weekly(tuple(12.0 if place % 2 else 2.0 for place in range(size)), weeks=20)
    advice = advised(history)
    assert advice.recommended is not None
    moved = [new / now - 1 for new, now in zip(advice.recommended, history.today(), strict=True)]
    assert sum(abs(each) for each in moved) / size > 0.2


def test_a_shared_budget_moves_as_one() -> None:
    rows = [
        WeekOfCampaign(
            week=week, campaign=name, spend=spent, conversions=rate * spent / 1e5, value=rate * spent
        )
        for week in range(12)
        for name, rate in {"a": 14.0, "b": 10.0, "c": 2.0, "d": 2.0}.items()
        for spent in [100_000 * (1.25 if week % 2 else 0.75)]
    ]
    constraints = Constraints(groups={"search": ("a", "b")})
    history = history_of(rows, constraints.groups)
    assert history.names == ("c", "d", "search")
    advice = advised(history, None, constraints)
    assert "shared" in codes(advice)
    assert advice.recommended is not None
    assert advice.recommended[2] > history.today()[2] == 250_000


def test_without_values_conversions_count_alike() -> None:
    history = weekly(FOUR, worth=0)
    advice = advised(history)
    assert "no_values" in codes(advice)
    assert advice.recommended is not None
    assert advice.value is not None
    assert advice.value.mean == pytest.approx(100 * 28, rel=0.4)


def test_a_campaign_that_is_off_stays_off() -> None:
    history = weekly(FOUR)
    spend = history.spend.copy()
    spend[3, -1] = 0
    advice = advised(replace(history, spend=spend))
    assert advice.unchanged is not None
    assert advice.unchanged[3] == 0
    assert "not_running" in codes(advice)
    assert "without_spend" in codes(advice)


def test_spend_that_never_changed_is_told() -> None:
    assert "hardly_varied" in codes(advised(weekly(FOUR, swing=0)))
    assert "hardly_varied" not in codes(advised(weekly(FOUR)))
