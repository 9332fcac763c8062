"""What holds for every model over any journeys, and each beside its definition written out slowly."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.journeys.credit.beside import difference
from calltrack.journeys.credit.chain import chain_of
from calltrack.journeys.credit.choice import Choice, Decay
from calltrack.journeys.credit.gathering import gather
from calltrack.journeys.credit.journey import Journey
from calltrack.journeys.credit.markov import by_flow, by_inverse, removal
from calltrack.journeys.credit.models import MODELS, Credit, TooLittleData, credit
from calltrack.journeys.credit.paths import OTHER, folded
from calltrack.kernel.errors import BadInput
from tests.credit import reference
from tests.credit.stories import CHANNELS, journeys
from tests.credit.vectors import by_channel, credit_of
from tests.examples import examples

ALL = sorted(MODELS)
some = settings(max_examples=examples(25), deadline=None)


def all_of(told: list[Journey]) -> dict[str, Credit]:
    return {model: credit_of(model, told) for model in ALL}


def amounts(found: Credit) -> dict[str, int]:
    return dict(zip(found.channels, found.value_minor, strict=True))


def same(one: Credit, other: Credit) -> bool:
    return by_channel(one) == pytest.approx(by_channel(other), abs=1e-9) and (
        one.removal is None or one.removal == pytest.approx(other.removal, abs=1e-9)
    )


@given(journeys)
@some
def test_credits_add_up_to_conversions_and_to_the_last_cent(told: list[Journey]) -> None:
    for model, found in all_of(told).items():
        assert math.fsum(found.conversions) == pytest.approx(sum(one.conversions for one in told), abs=1e-9)
        assert sum(found.value_minor) == sum(one.value_minor for one in told), model
        assert min(found.conversions) >= 0, model
        assert min(found.value_minor) >= 0, model
        assert set(found.channels) == {step for one in told for step in one.path}
        assert min(found.removal or [0]) >= 0
        assert max(found.removal or [0]) <= 1


@given(journeys, st.randoms(use_true_random=False))
@some
def test_the_order_of_journeys_and_how_they_are_split_do_not_matter(
    told: list[Journey], chance: random.Random
) -> None:
    split = [
        part
        for one in told
        for part in (
            replace(one, nulls=0),
            replace(one, conversions=0, value_minor=0),
        )
    ]
    chance.shuffle(split)
    for model, found in all_of(told).items():
        again = credit_of(model, split)
        assert same(found, again), model
        # Another order of summing may turn a tie: one unit then goes to the neighbour.
        for channel, amount in amounts(found).items():
            assert abs(amount - amounts(again)[channel]) <= 1, model
        assert sum(found.value_minor) == sum(again.value_minor)


@given(journeys, st.integers(2, 1000))
@some
def test_so_many_times_the_journeys_are_so_many_times_the_credit(told: list[Journey], times: int) -> None:
    more = [replace(one, conversions=one.conversions * times, nulls=one.nulls * times) for one in told]
    for model, found in all_of(told).items():
        again = credit_of(model, more)
        scaled = {channel: part * times for channel, part in by_channel(found).items()}
        assert by_channel(again) == pytest.approx(scaled, rel=1e-9, abs=1e-9), model
        assert again.removal is None or again.removal == pytest.approx(found.removal, abs=1e-9)


@given(journeys)
@some
def test_a_channel_nobody_was_seen_on_gets_nothing_and_changes_nothing(told: list[Journey]) -> None:
    never = Journey(("never", "organic"), hours_before=(2.0, 1.0))
    for model, found in all_of(told).items():
        again = by_channel(credit_of(model, [*told, never]))
        assert again.pop("never") == 0
        assert again.pop("organic", 0) == pytest.approx(by_channel(found).get("organic", 0), abs=1e-9), model
        assert again == pytest.approx(
            {name: part for name, part in by_channel(found).items() if name != "organic"}, abs=1e-9
        )


@given(journeys)
@some
def test_journeys_that_led_nowhere_matter_to_chains_only(told: list[Journey]) -> None:
    without = [replace(one, nulls=0) for one in told]
    for model in ALL:
        if not model.startswith("markov"):
            assert same(credit_of(model, told), credit_of(model, without)), model


@given(journeys)
@some
def test_names_say_nothing_but_for_direct(told: list[Journey]) -> None:
    new = {name: name if name == "direct" else f"z{at}" for at, name in enumerate(reversed(CHANNELS))}
    renamed = [replace(one, path=tuple(new[str(step)] for step in one.path)) for one in told]
    for model, found in all_of(told).items():
        expected = {new[name]: part for name, part in by_channel(found).items()}
        assert by_channel(credit_of(model, renamed)) == pytest.approx(expected, abs=1e-9), model


@given(journeys)
@some
def test_models_by_place_follow_their_definitions(told: list[Journey]) -> None:
    for model in ("first", "last", "last_non_direct", "linear", "position"):
        exact = {name: float(part) for name, part in reference.summed(model, told).items()}
        found = by_channel(credit_of(model, told))
        assert found == pytest.approx(dict.fromkeys(found, 0.0) | exact, abs=1e-9)


@given(journeys)
@some
def test_shapley_in_closed_form_is_shapley_over_every_coalition(told: list[Journey]) -> None:
    exact = {name: float(part) for name, part in reference.shapley(told).items()}
    assert by_channel(credit_of("shapley", told)) == pytest.approx(exact, abs=1e-9)


@given(journeys, st.sampled_from([1, 2, 3]))
@settings(max_examples=examples(75), deadline=None)
def test_one_inverse_for_all_channels_is_removing_each(told: list[Journey], order: int) -> None:
    found = credit_of(f"markov{order}", told)
    assert found.removal is not None
    removal = dict(zip(found.channels, found.removal, strict=True))
    exact = reference.removal(told, order)
    assert removal == pytest.approx(exact, abs=1e-9)
    whole = sum(exact.values())
    conversions = sum(one.conversions for one in told)
    if conversions:
        shares = {name: effect / whole * conversions for name, effect in exact.items()}
        assert by_channel(found) == pytest.approx(shares, abs=1e-9)


@given(journeys)
@some
def test_a_journey_converts_as_often_as_it_did(told: list[Journey]) -> None:
    whole = sum(one.conversions + one.nulls for one in told)
    rate = sum(one.conversions for one in told) / whole if whole else 0
    for order in (1, 2, 3):
        assert credit_of(f"markov{order}", told).p_conv == pytest.approx(rate, abs=1e-9)


@given(st.lists(st.just("a"), min_size=1, max_size=50))
def test_one_channel_alone_gets_all(path: list[str]) -> None:
    one = Journey(tuple(path), 2, 1, 999, tuple(float(at) for at in reversed(range(len(path)))))
    for model in ALL:
        found = credit_of(model, [one])
        assert found.conversions == pytest.approx((2.0,))
        assert found.value_minor == (999,)


def test_time_decay_survives_ages_beyond_all_floats() -> None:
    old = Journey(("a", "b"), 1, hours_before=(1e9, 1e9 - 168))
    found = credit("time_decay", gather([old], Choice(decay=Decay(half_life_hours=168.0))), insist=True)
    assert by_channel(found) == pytest.approx({"a": 1 / 3, "b": 2 / 3})


@given(journeys)
@some
def test_differences_of_two_models_add_up_to_nothing(told: list[Journey]) -> None:
    found = difference(credit_of("linear", told), credit_of("last", told))
    assert math.fsum(found.conversions) == pytest.approx(0, abs=1e-9)
    assert sum(found.value_minor) == 0
    assert 0 <= found.moved <= sum(one.conversions for one in told) + 1e-9


def test_credits_of_different_journeys_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same journeys"):
        difference(credit_of("last", [Journey(("a",), 1)]), credit_of("last", [Journey(("a",), 2)]))


@pytest.mark.parametrize(
    ("model", "conversions", "missing"),
    [("markov1", 199, 1), ("markov2", 100, 300), ("markov3", 799.5, 1), ("shapley", 0, 200)],
)
def test_models_driven_by_data_refuse_below_their_need_and_say_what_is_missing(
    model: str, conversions: float, missing: int
) -> None:
    paths = gather([Journey(("a", "b"), conversions, 5000)])
    with pytest.raises(TooLittleData, match=rf" {missing} more are needed\. Until then use the last touch"):
        credit(model, paths)
    assert credit(model, paths, insist=True).need.missing == missing
    assert credit("last", paths).need.is_met


def test_a_model_driven_by_data_answers_when_its_need_is_met() -> None:
    assert credit("markov1", gather([Journey(("a", "b"), 200, 5000)])).need.is_met


@given(journeys, st.integers(1, 5))
@some
def test_rare_channels_become_one_without_loss(told: list[Journey], most: int) -> None:
    paths = gather(told)
    found = folded(paths, most)
    assert len(found.channels) <= most
    assert found is paths or OTHER in found.channels
    for model in ("markov2", "linear", "shapley"):
        whole = credit(model, found, insist=True)
        assert math.fsum(whole.conversions) == pytest.approx(paths.totals.conversions, abs=1e-9)
    linear = by_channel(credit("linear", paths))
    for name, part in by_channel(credit("linear", found)).items():
        assert name == OTHER or part == pytest.approx(linear[name], abs=1e-9)


@given(journeys, st.sampled_from([1, 2, 3]))
@some
def test_both_ways_to_solve_a_chain_agree(told: list[Journey], order: int) -> None:
    chain = chain_of(gather(told), order)
    one, other = by_inverse(chain), by_flow(chain)
    assert other is not None
    assert other.conversions_per_journey == pytest.approx(one.conversions_per_journey, abs=1e-12)
    assert other.of_conversions == pytest.approx(one.of_conversions, abs=1e-12)
    assert other.of_value == pytest.approx(one.of_value, abs=1e-12)


def test_a_large_chain_is_solved_and_one_in_which_journeys_go_round_too() -> None:
    chance = random.Random(4)
    told = [
        Journey(tuple(f"c{chance.randrange(9)}" for _ in range(4)), conversions=at % 3, nulls=2)
        for at in range(2000)
    ]
    chain = chain_of(gather(told), 3)
    assert chain.size > 400
    assert removal(chain).of_conversions == pytest.approx(by_inverse(chain).of_conversions, abs=1e-12)
    round_ = chain_of(gather([*told, Journey(("c1",) * 20_000, 1)]), 3)
    assert by_flow(round_) is None
    rate = (sum(one.conversions for one in told) + 1) / (sum(one.conversions + one.nulls for one in told) + 1)
    assert removal(round_).conversions_per_journey == pytest.approx(rate, abs=1e-9)


def test_a_chain_too_large_to_solve_is_refused_with_what_to_do() -> None:
    many = [Journey((f"c{at}", f"c{(at * 7) % 10_001}"), 1) for at in range(10_001)]
    with pytest.raises(BadInput, match=r"10,001 states, too many.* fold rare channels"):
        credit("markov1", gather(many), insist=True)
    chance = random.Random(3)
    long_ways = [Journey(tuple(f"c{chance.randrange(70)}" for _ in range(300)), 1) for _ in range(300)]
    with pytest.raises(BadInput, match=r"4,970 states, too many"):
        credit("markov2", gather(long_ways), insist=True)
