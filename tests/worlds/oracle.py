"""The best that can be hoped for: a model taught by the truth about every call, the test days included."""

from dataclasses import replace
from typing import Any

from calltrack.attribution.densities import DAY, Model
from calltrack.attribution.history import History, Truth
from calltrack.attribution.learning import learn
from calltrack.attribution.prior import shipped
from calltrack.attribution.replay import Replay
from calltrack.attribution.replay_events import read_events
from calltrack.numbers.choice import AFFINE, Policy
from tests.worlds.events import World, lines

NEVER = 0.0


def play(world: World, player: Replay) -> list[dict[str, Any]]:
    """Return what a replay of the world prints."""
    outputs = (player.play(event) for event in read_events(lines(world.events)))
    return [one for one in outputs if one is not None]


def labelled(world: World, player: Replay, until: float) -> History:
    """Return the history of a played world, with the truth about every call."""
    truths = {}
    calls = [event["call"] for event in world.events if event["type"] == "call"]
    for place, call in enumerate(calls):
        visit = world.truth[call].visit
        truths[place] = Truth(visit=player.name_of(visit)) if visit else Truth(nobody=True)
    history = player.history(until)
    return replace(history, truths={place: truths[place] for place in range(len(history.calls))})


def taught_by_truth(world: World, policy: Policy = AFFINE, until: float | None = None) -> Model:
    """Return the model that the truth teaches, until a moment or of the whole world."""
    player = Replay(world.numbers, policy, learn_until=NEVER)
    play(world, player)
    until = world.assumptions.days * DAY if until is None else until
    return learn(labelled(world, player, until), shipped(), "oracle")
