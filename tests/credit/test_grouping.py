"""Equal paths become one, however many touches they have, and nothing is lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.journeys.credit.choice import Choice, Decay
from calltrack.journeys.credit.gathering import gather
from calltrack.journeys.credit.grouping import grouped, packed
from calltrack.journeys.credit.journey import Journey
from calltrack.journeys.credit.models import MODELS, credit
from calltrack.journeys.credit.paths import Paths, joined
from tests.credit.stories import CHANNELS, journeys
from tests.credit.vectors import by_channel
from tests.examples import examples

some = settings(max_examples=examples(25), deadline=None)


def rows_of(paths: Paths) -> list[tuple[int, ...]]:
    return [tuple(part.tolist()) for part in np.split(paths.touches, paths.starts[1:])]


def same(one: Paths, other: Paths, models: list[str]) -> None:
    for model in models:
        a, b = credit(model, one, insist=True), credit(model, other, insist=True)
        seen = {name: part for name, part in by_channel(a).items() if part > 1e-12}
        assert seen == pytest.approx({name: part for name, part in by_channel(b).items() if part > 1e-12}), (
            model
        )
        assert sum(a.value_minor) + a.uncredited_value_minor == b.totals.value_minor


@given(st.lists(journeys, min_size=1, max_size=4))
@some
def test_parts_that_were_read_apart_are_one_after_grouping(told: list[list[Journey]]) -> None:
    choice = Choice(decay=Decay())
    together = joined([gather(part, choice) for part in told])
    found = grouped(together)
    rows = rows_of(found)
    assert len(set(rows)) == len(rows) == len(set(rows_of(together)))
    assert found.totals == together.totals
    same(found, gather([one for part in told for one in part], choice), sorted(MODELS))


@given(st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=30), min_size=1, max_size=30))
@some
def test_paths_of_many_words_are_told_apart(paths: list[list[int]]) -> None:
    names = tuple(f"c{at:03}" for at in range(201))
    paths = paths + paths[::2] + [path + path for path in paths]
    lengths = np.array([len(path) for path in paths])
    ones = np.ones(len(paths))
    found = packed(
        names, np.array([one for path in paths for one in path], np.uint8), lengths, ones, ones, lengths
    )
    assert rows_of(found) == list(dict.fromkeys(map(tuple, paths)))
    assert found.conversions.sum() == len(paths)
    assert found.totals.value_minor == lengths.sum()


@given(journeys)
@some
def test_journeys_in_arrays_are_credited_like_those_that_are_told(told: list[Journey]) -> None:
    found = packed(
        CHANNELS,
        np.array([CHANNELS.index(str(step)) for one in told for step in one.path], np.uint8),
        np.array([len(one.path) for one in told], np.uint8),
        np.array([one.conversions for one in told], np.uint8),
        np.array([one.nulls for one in told], np.uint8),
        np.array([one.value_minor for one in told], np.int32),
    )
    same(found, gather(told), sorted(set(MODELS) - {"time_decay"}))
