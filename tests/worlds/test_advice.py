"""The pool advisor in small simulated worlds; all worlds: `python -m tests.worlds.advice`."""

import pytest

from tests.worlds.advice import SHORT_CAMPAIGNS, SHORT_SHARING, campaigns, sharing
from tests.worlds.assumptions import Assumptions


@pytest.mark.parametrize("world", SHORT_SHARING, ids=lambda world: f"{world.visits_per_day} a day")
def test_as_many_visits_share_a_number_as_was_forecast(world: Assumptions) -> None:
    for line in sharing(world, dry=(0.15, 0.04)):
        assert line.holds, line.words


@pytest.mark.parametrize("world", SHORT_CAMPAIGNS, ids=lambda world: f"{world.visits_per_day} a day")
def test_a_number_for_each_campaign_and_the_busy_hour_is_enough(world: Assumptions) -> None:
    line = campaigns(world)
    assert line.holds, line.words
