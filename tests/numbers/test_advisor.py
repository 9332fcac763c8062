import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.kernel.money import Money
from calltrack.numbers.advisor import (
    Delays,
    advise,
    needed,
    numbers_for_visits,
    outlook,
    tight_hours,
    visit_accuracy,
)
from calltrack.numbers.erlang import (
    HOURS_OF_WEEK,
    Traffic,
    blocked,
    busy_hour_numbers,
    dry_share,
    numbers_for_dry_share,
    shared,
)
from calltrack.numbers.pool_hours import evened_out
from calltrack.numbers.rents import Rents

# A thousand visits a day, by day and by night.
HOURS = [0.3] * 7 + [1.0] * 2 + [1.9] * 9 + [1.1] * 6
WEEK = Traffic(
    visits=tuple(1000 / 24 * hour / (sum(HOURS) / 24) for hour in HOURS * 7),
    seconds_on_screen=164.0,
    campaigns=30,
    sources=5,
)
flows = st.builds(
    Traffic,
    visits=st.lists(st.floats(0, 200), min_size=HOURS_OF_WEEK, max_size=HOURS_OF_WEEK).map(tuple),
    seconds_on_screen=st.floats(1, 600),
    campaigns=st.integers(1, 50),
)
some = settings(max_examples=25, deadline=None)


@pytest.mark.parametrize(
    ("load", "numbers", "share"),
    [(1.0, 1, 0.5), (2.0, 2, 0.4), (10.0, 10, 0.2146), (20.0, 30, 0.00846), (0.0, 3, 0.0)],
)
def test_erlangs_published_table(load: float, numbers: int, share: float) -> None:
    assert blocked(np.array([load]), numbers)[0] == pytest.approx(share, abs=1e-4)


def test_the_recursion_is_the_formula() -> None:
    load, numbers = 7.3, 12
    terms = [load**k / math.factorial(k) for k in range(numbers + 1)]
    assert blocked(np.array([load]), numbers)[0] == pytest.approx(terms[-1] / sum(terms))


def test_who_shares_keeps_the_number_on_screen_for_longer() -> None:
    """One number and short visits: it is on screen whenever anybody is there, 1 - exp(-load)."""
    for load in (0.1, 0.3, 0.6):
        assert shared(np.array([load]), 1)[0] == pytest.approx(1 - math.exp(-load), rel=0.05)
    loads = np.array([0.0, 0.5, 5.0, 500.0])
    found = shared(loads, 5)
    assert (found >= blocked(loads, 5) - 1e-9).all()
    assert (found <= 1).all()


@some
@given(flows, st.integers(1, 60))
def test_one_more_number_never_makes_a_pool_drier(traffic: Traffic, numbers: int) -> None:
    assert dry_share(traffic, numbers + 1) <= dry_share(traffic, numbers) + 1e-5


@some
@given(flows, st.sampled_from([0.1, 0.01]))
def test_the_smallest_pool_that_is_rarely_dry(traffic: Traffic, share: float) -> None:
    least = numbers_for_dry_share(traffic, share)
    assert dry_share(traffic, least) <= share + 1e-9
    assert least == 1 or dry_share(traffic, least - 1) > share - 1e-5


def test_a_dry_pool_is_explained_by_its_hours() -> None:
    """Tuesdays at ten everybody comes."""
    visits = [20.0] * HOURS_OF_WEEK
    visits[24 + 10] = 400.0
    traffic = Traffic(visits=tuple(visits), seconds_on_screen=164.0)
    (worst,) = tight_hours(traffic, 8)
    assert (worst.hour, round(worst.on_screen, 1)) == (34, 18.2)
    assert worst.dry_share > 0.5
    assert tight_hours(traffic, 40) == ()


def test_campaigns_take_one_number_each_and_the_busy_hours_need() -> None:
    busy = busy_hour_numbers(WEEK)
    assert 8 <= busy <= 11
    assert needed(WEEK, 30) == (
        (0.95, math.ceil(0.75 * (30 + busy))),
        (0.98, 30 + busy),
        (0.99, math.ceil(1.4 * (30 + busy))),
    )
    assert outlook(WEEK, 30 + busy).campaign_accuracy == 0.98
    assert outlook(WEEK, 5).campaign_accuracy is None


def test_who_waits_longer_takes_more_numbers_and_who_rings_at_once_none_less() -> None:
    plain = dict(needed(WEEK, 30))
    for late, times in ((0.0, 1.0), (0.2, 1.0), (0.44, 1.3466), (0.8, 1.6455)):
        delays = Delays(visits_between=(0.0, 5_000.0), weights=(1 - late, late))
        more = dict(needed(WEEK, 30, delays))
        assert more[0.98] == math.ceil(times * plain[0.98]), late
        assert more[0.95] - plain[0.95] == pytest.approx(more[0.98] - plain[0.98], abs=1)
        assert outlook(WEEK, more[0.98], delays=delays).campaign_accuracy == 0.98
        assert (outlook(WEEK, plain[0.98], delays=delays).campaign_accuracy == 0.98) is (times == 1.0)
    assert needed(WEEK, 30, Delays(visits_between=(), weights=())) == needed(WEEK, 30)


def test_the_last_holder_is_right_while_fewer_came_since_than_go_round() -> None:
    delays = Delays(visits_between=(0.0, 0.0, 5.0, 30.0, 400.0), weights=(1.0, 1.0, 1.0, 1.0, 1.0))
    assert visit_accuracy(WEEK, delays, 20) == pytest.approx(0.6)
    assert visit_accuracy(WEEK, delays, 50) == pytest.approx(0.8)
    assert numbers_for_visits(WEEK, delays, 0.8) in range(33, 37)
    assert visit_accuracy(WEEK, delays, numbers_for_visits(WEEK, delays, 0.8) or 0) >= 0.8
    assert visit_accuracy(WEEK, delays, (numbers_for_visits(WEEK, delays, 0.8) or 0) - 1) < 0.8


def test_advice_names_today_and_one_number_either_way() -> None:
    delays = Delays(visits_between=(0.0, 3.0, 90.0), weights=(5.0, 3.0, 2.0))
    found = advise(WEEK, 12, Rents(Money(1_500, "EUR"), 10), delays)
    assert (found.now.numbers, found.now.cost) == (12, Money(1_800, "EUR"))
    assert found.fewer is not None
    assert (found.fewer.numbers, found.more.numbers) == (11, 13)
    assert found.fewer.dry_share > found.now.dry_share > found.more.dry_share
    assert dict(found.for_sources)[0.98] < dict(found.for_campaigns)[0.98]
    assert [goal for goal, _ in found.for_visits] == [0.8, 0.9]


def test_a_pool_without_traffic_is_never_dry() -> None:
    empty = Traffic(visits=(0.0,) * HOURS_OF_WEEK, seconds_on_screen=100.0)
    found = advise(empty, 1, None)
    assert (found.now.dry_share, found.for_rarely_dry, found.fewer) == (0.0, 1, None)
    assert found.now.visit_accuracy is None
    nothing = Delays(visits_between=(), weights=())
    assert numbers_for_visits(empty, nothing, 0.9) is None


def test_hours_are_evened_out_by_day_and_clock_where_they_differ_by_chance_only() -> None:
    chance = np.random.default_rng(4)
    true = np.outer([1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.4], HOURS) * 9.0
    counted = chance.poisson(true.ravel() * 4).astype(float)
    watched = np.full(HOURS_OF_WEEK, 4.0)
    evened = evened_out(counted, watched)
    off, raw = (np.abs(rates - true.ravel()).mean() for rates in (evened, counted / 4))
    assert off < 0.6 * raw
    assert evened.sum() * 4 == pytest.approx(counted.sum(), rel=0.02)
    counted[34] = 400.0
    assert evened_out(counted, watched)[34] > 90, "a peak that recurs is a peak"
    assert evened_out(np.zeros(HOURS_OF_WEEK), watched).sum() == 0
    assert evened_out(np.zeros(HOURS_OF_WEEK), np.zeros(HOURS_OF_WEEK)).sum() == 0
