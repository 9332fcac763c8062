"""Which number a visit is shown: the remaining call mass, and the choice that rests on it."""

import math
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.numbers.choice import (
    AFFINE,
    LONGEST_IDLE,
    POLICIES,
    RANDOM,
    RESIDUAL,
    SCREEN_SECONDS,
    Choice,
    Policy,
    Pool,
    choose,
)
from calltrack.numbers.masses import HAS_CALLED, Doubt, Masses, Origin, remaining, weight

DAY = 86_400.0
BRAND, SHOES, HATS = Origin("google", "brand"), Origin("google", "shoes"), Origin("meta", "hats")


def visit(pool: Pool, now: float, name: str, origin: Origin = BRAND, stays: float = 400.0) -> Choice:
    """Let a visitor come, stay and leave."""
    chosen = choose(pool, now, name, origin)
    pool.give(chosen.number, now, name, name, origin)
    pool.seen(chosen.number, now + stays, name, weight(stays), left=True)
    return chosen


@pytest.mark.parametrize("age", [0.0, 60.0, 600.0, 3_600.0, 14_400.0, DAY, 3 * DAY])
def test_the_fading_parts_follow_the_curve(age: float) -> None:
    assert remaining(age) == pytest.approx(1 / (1 + (age / 600) ** 0.55), abs=0.085)


def test_what_makes_a_call_likelier() -> None:
    assert weight(5) < weight(30) < weight(100) < weight(1_000)
    assert weight(100, contact=True) == 2.5
    assert weight(100, copied=True) == 4.0
    assert weight(100, called=True) == HAS_CALLED


origins = st.sampled_from([BRAND, SHOES, HATS])
held = st.tuples(st.integers(0, 3), origins, st.floats(1, 9_000), st.floats(0, 9_000), st.floats(0, 9))


@settings(max_examples=30)
@given(st.lists(held, min_size=1, max_size=25), origins, st.floats(0, 3 * DAY))
def test_the_kept_sums_equal_the_sum_over_all_past_holders(
    holdings: list[tuple[int, Origin, float, float, float]], asked: Origin, later: float
) -> None:
    masses, doubt, now = Masses(4), Doubt(), 0.0
    past = []
    for number, origin, stays, pause, heavy in holdings:
        masses.settle(number, now)
        masses.hold(number, now, origin)
        masses.last_seen[number], masses.weight[number] = now + stays, heavy
        past.append((number, origin, now + stays, heavy))
        now += stays + pause
    now += later
    for number, found in enumerate(masses.at_risk(now, asked, doubt)):
        parts = [
            heavy * remaining(now - seen) * cost(origin, asked)
            for held_by, origin, seen, heavy in past
            if held_by == number
        ]
        assert found == pytest.approx(math.fsum(parts), rel=1e-9, abs=1e-9)


def cost(origin: Origin, asked: Origin) -> float:
    if origin == asked:
        return 0.15
    return 0.65 if origin.source == asked.source else 1.0


def test_a_returning_visitor_keeps_the_number_until_somebody_else_had_it() -> None:
    pool = Pool(2)
    first = visit(pool, 0, "anna")
    assert choose(pool, 5 * DAY, "anna", HATS) == Choice(first.number, "kept")
    visit(pool, 5 * DAY, "ben")
    visit(pool, 5 * DAY + 900, "carla")
    assert choose(pool, 6 * DAY, "anna", BRAND).how == "free"


def test_untouched_numbers_come_first_in_their_order() -> None:
    pool = Pool(3)
    assert [visit(pool, 1_000.0 * place, str(place)).number for place in range(3)] == [0, 1, 2]


def test_a_number_last_shown_to_the_same_campaign_is_preferred_then_to_the_same_source() -> None:
    pool = Pool(3)
    shown = {origin: visit(pool, 1_000.0 * place, origin.campaign, origin) for place, origin in
             enumerate((BRAND, SHOES, HATS))}  # fmt: skip
    assert choose(pool, 4_000, "new", BRAND) == Choice(shown[BRAND].number, "free")
    assert choose(pool, 4_000, "new", HATS) == Choice(shown[HATS].number, "free")
    other = Origin("google", "bags")
    assert choose(pool, 4_000, "new", other) == Choice(shown[BRAND].number, "free")
    assert choose(pool, 4_000, "new", other, RESIDUAL) == Choice(shown[BRAND].number, "free")
    assert choose(pool, 4_000, "new", HATS, LONGEST_IDLE) == Choice(shown[BRAND].number, "free")


def test_one_campaign_name_at_two_sources_is_two_campaigns() -> None:
    pool = Pool(2)
    visit(pool, 0, "anna", Origin("meta", "brand"))
    mine = visit(pool, 1_000, "ben", Origin("google", "brand"))
    assert choose(pool, 3_000, "new", Origin("google", "brand")).number == mine.number


def test_all_on_screen_shares_what_was_given_out_first_and_says_so() -> None:
    pool = Pool(2)
    for place, name in enumerate(("anna", "ben")):
        pool.give(choose(pool, place, name, BRAND).number, place, name, name, BRAND)
    shared = choose(pool, 10, "carla", BRAND)
    assert shared == Choice(0, "shared")
    assert shared.is_shared


def test_who_leaves_a_shared_number_does_not_free_it_for_the_other() -> None:
    pool = Pool(1)
    pool.give(0, 0, "anna", "anna", BRAND)
    pool.give(0, 10, "ben", "ben", BRAND)
    pool.seen(0, 20, "ben", 1.0, left=True)
    assert choose(pool, 30, "carla", BRAND).how == "shared"
    assert choose(pool, SCREEN_SECONDS, "carla", BRAND).how == "free"


def test_a_number_rests_before_another_visitor_gets_it_if_one_can_wait() -> None:
    pool = Pool(2, rest_seconds=600)
    visit(pool, 0, "anna", stays=10)
    visit(pool, 20, "ben", stays=10)
    assert choose(pool, 100, "carla", BRAND) == Choice(0, "early")
    assert choose(pool, 100, "ben", BRAND) == Choice(1, "kept")
    assert choose(pool, 615, "carla", HATS) == Choice(0, "free")


def test_near_numbers_come_first_whatever_a_mix_up_costs_and_far_ones_before_sharing() -> None:
    pool = Pool(3, far=[0, 2])
    assert visit(pool, 0, "anna").number == 1
    pool.give(1, 1_000, "ben", "ben", BRAND)
    far = [choose(pool, 1_010, name, BRAND) for name in ("carla", "dora")]
    assert far == [Choice(0, "free")] * 2
    assert choose(pool, 5_000, "emil", HATS) == Choice(1, "free"), "near, though others may still call it"
    for number, name in ((0, "carla"), (1, "ben"), (2, "dora")):
        pool.give(number, 6_000 + number, name, name, BRAND)
    assert choose(pool, 6_010, "emil", BRAND) == Choice(0, "shared"), "shared is what was given out first"
    assert choose(pool, 9_000, "dora", BRAND) == Choice(2, "kept"), "who comes again keeps a far one"


def test_a_far_number_that_rested_comes_before_a_near_one_that_rests() -> None:
    pool = Pool(3, rest_seconds=600, far=[0, 1])
    visit(pool, 0, "anna", stays=10)
    assert choose(pool, 100, "ben", BRAND).number == 0
    pool.give(0, 100, "ben", "ben", BRAND)
    pool.give(1, 101, "carla", "carla", BRAND)
    assert choose(pool, 200, "dora", BRAND) == Choice(2, "early"), "of those that rest the near one"
    assert choose(pool, 650, "dora", BRAND) == Choice(2, "free")


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.name)
def test_every_policy_takes_a_near_number(policy: Policy) -> None:
    assert choose(Pool(4, far=[0, 1, 3]), 0.0, "new", BRAND, policy, 0.9).number == 2
    assert choose(Pool(2, far=[0, 1]), 0.0, "new", BRAND, policy).number == 0


def test_a_policy_by_chance_takes_any_free_number() -> None:
    pool = Pool(4)
    visit(pool, 0, "anna")
    pool.give(2, 900, "ben", "ben", BRAND)
    taken = {choose(pool, 910, "new", BRAND, RANDOM, chance / 10).number for chance in range(11)}
    assert taken == {0, 1, 3}


def test_a_pool_without_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Pool(0)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.name)
def test_no_two_visits_on_screen_share_a_number_while_one_is_off_screen(policy: object) -> None:
    rules = POLICIES[policy.name]  # type: ignore[attr-defined] # parametrize gives objects
    rng, pool, now = Random(7), Pool(5), 0.0
    screens: dict[str, tuple[int, float]] = {}
    how = set()
    for place in range(600):
        now += rng.expovariate(1 / 40)
        on_screen = {number for number, until in screens.values() if until > now}
        name = str(rng.randrange(place + 1))
        chosen = choose(pool, now, name, rng.choice([BRAND, SHOES, HATS]), rules, rng.random())
        how.add(chosen.how)
        if chosen.how != "kept":
            assert (chosen.number in on_screen) == chosen.is_shared
            assert not chosen.is_shared or len(on_screen) == 5
        pool.give(chosen.number, now, str(place), name, BRAND)
        screens[str(place)] = (chosen.number, now + SCREEN_SECONDS)
    assert {"free", "shared"} <= how


def test_a_choice_among_a_thousand_numbers_takes_less_than_a_millisecond() -> None:
    pool, now = Pool(1_000), 0.0
    for place in range(3_000):
        now += 60
        origin = Origin(f"s{place % 5}", f"c{place % 30}")
        number = choose(pool, now, str(place), origin).number if place < 50 else place % 1_000
        pool.give(number, now, str(place), str(place), origin)
    took = []
    for place in range(30):
        begun = time.process_time()
        choose(pool, now + 1_000, "new", Origin(f"s{place % 5}", f"c{place % 30}"), AFFINE)
        took.append(time.process_time() - begun)
    assert min(took) < 0.001
