"""Curves rise and flatten, draw what is told, and know what they do not know."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.budgets.allocation import best_splits, in_minor_units, within
from calltrack.budgets.curves import curves_of
from calltrack.budgets.history import History
from calltrack.budgets.what_if import what_if
from tests.budgets.weeks import histories, weekly
from tests.examples import examples


@settings(max_examples=examples(40), deadline=None)
@given(history=histories().filter(lambda one: one.conversions[one.spend > 0].sum() > 0))
def test_more_spend_never_brings_less_and_each_unit_less_than_the_one_before(history: History) -> None:
    curves = curves_of(history, draws=50)
    steps = np.linspace(0, 4 * history.spend.max(), 40)
    spent = np.repeat(steps[:, None], len(history.names), axis=1)
    brought = np.array([curves.conversions(split) for split in spent])
    marginal = np.array([curves.marginal(split) for split in spent])
    assert np.isfinite(brought).all()
    assert (np.diff(brought, axis=0) >= 0).all()
    assert (np.diff(marginal, axis=0) <= 0).all()
    assert (marginal >= 0).all()


@settings(max_examples=examples(60), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(2, 8))
def test_the_best_split_earns_at_least_what_any_other_does(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    curves = curves_of(weekly(tuple(rng.lognormal(1, 1, size))), draws=20)
    low, high = rng.uniform(0, 0.5, size), rng.uniform(1, 3, size)
    total = float(rng.uniform(low.sum(), high.sum()))
    best = best_splits(curves, total, low, high)
    assert np.allclose(best.sum(1), total)
    assert ((best >= low - 1e-9) & (best <= high + 1e-9)).all()
    for _ in range(20):
        other = within(rng.uniform(low, high), total, low, high)
        earned = (curves.conversions(best) * curves.worth).sum(1)
        assert (earned >= curves.value(other) * (1 - 1e-6)).all()


@settings(max_examples=examples(200), deadline=None)
@given(data=st.data())
def test_whole_minor_units_add_up_within_their_limits(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 9))
    low = data.draw(st.lists(st.integers(0, 10**9), min_size=size, max_size=size))
    high = [each + data.draw(st.integers(0, 10**9)) for each in low]
    total = data.draw(st.integers(sum(low), sum(high)))
    wanted = np.array(data.draw(st.lists(st.floats(0, 2e9), min_size=size, max_size=size)))
    split = in_minor_units(wanted, total, low, high)
    assert sum(split) == total
    assert all(a <= each <= b for a, each, b in zip(low, split, high, strict=True))


def test_what_was_told_is_read_back_and_little_is_drawn_towards_the_others() -> None:
    history = weekly((20.0, 20.0, 20.0, 1.0), weeks=26)
    curves = curves_of(history)
    now = curves.conversions(np.full(4, 100_000.0)).mean(0)
    assert np.allclose(now[:3], 20, rtol=0.1)
    assert 1.0 < now[3] < 2.5
    few = curves_of(weekly((20.0, 20.0, 20.0, 1.0), weeks=1)).conversions(np.full(4, 100_000.0)).mean(0)
    assert few[3] > now[3]


def test_what_is_told_late_is_not_taken_for_a_bad_week() -> None:
    history = weekly((20.0, 10.0), weeks=2, swing=0)
    history.conversions[:, -1] *= 0.7
    naive, told = (curves_of(history, late).conversions(np.full(2, 1e5)).sum(1).mean() for late in (0.0, 0.3))
    assert naive < told
    assert abs(told - 30) < abs(naive - 30)


def test_what_if_more_is_spent_than_ever() -> None:
    history = weekly((20.0, 10.0))
    curves = curves_of(history)
    same = what_if(history, curves, history.today())
    assert (same.gain.mean, same.p_gain, same.beyond) == (0, 0, ())
    more = what_if(history, curves, [10 * each for each in history.today()])
    assert more.beyond == ("c0", "c1")
    assert more.p_gain == 1
    assert same.value.mean < more.value.mean < 10 * same.value.mean
    widths = [(one.value.high - one.value.low) / one.value.mean for one in (same, more)]
    assert widths[0] < widths[1]
