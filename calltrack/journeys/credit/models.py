"""The one registry of models of credit, and what each finds in the same journeys."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from calltrack.journeys.credit.apportion import apportion
from calltrack.journeys.credit.by_place import first, last, last_non_direct, linear, position
from calltrack.journeys.credit.chain import chain_of
from calltrack.journeys.credit.markov import Removal, removal
from calltrack.journeys.credit.need import Need
from calltrack.journeys.credit.paths import Floats, Paths, Totals, summed
from calltrack.journeys.credit.shapley import shapley
from calltrack.kernel.errors import BadInput


@dataclass(frozen=True)
class Found:
    """What a model says, unscaled: conversions and value per channel, and removal effects if it has them."""

    conversions: Floats
    values: Floats
    removal: Removal | None = None


@dataclass(frozen=True)
class Model:
    """A way to share credit: its name for people, what it does in one sentence, what it needs."""

    label: str
    sentence: str
    find: Callable[[Paths], Found]
    needs_conversions: int = 0
    """Below so many conversions chance says more than the journeys do."""


@dataclass(frozen=True)
class Credit:
    """What each channel is credited with, channels in the order of their names; parts add up to totals."""

    model: str
    channels: tuple[str, ...]
    conversions: tuple[float, ...]
    value_minor: tuple[int, ...]
    uncredited: float
    uncredited_value_minor: int
    totals: Totals
    need: Need
    removal: tuple[float, ...] | None = None
    """What share of conversions would be lost without each channel, for models that tell."""
    p_conv: float | None = None

    @property
    def need_sentence(self) -> str:
        """Return in a sentence whether there is enough data for this model."""
        return self.need.sentence(MODELS[self.model].label, INSTEAD)


class TooLittleData(BadInput):
    """The model would say more about chance than about the journeys; the sentence tells what is missing."""


def credit(model: str, paths: Paths, *, insist: bool = False) -> Credit:
    """Return each channel's credit under a model.

    `insist` computes it even where there is too little data (for audits; `need` still says so).

    Raises:
        TooLittleData: a model driven by data has fewer conversions than it needs.
        BadInput: the model cannot be computed over so many channels.
    """
    chosen, totals = MODELS[model], paths.totals
    need = Need(chosen.needs_conversions, totals.conversions - totals.uncredited)
    if not need.is_met and not insist:
        raise TooLittleData(need.sentence(chosen.label, INSTEAD))
    found = chosen.find(paths)
    *value_minor, uncredited_value = apportion(
        [*map(float, found.values), totals.uncredited_value], totals.value_minor
    )
    return Credit(
        model=model,
        channels=paths.channels,
        conversions=_adding_up(list(map(float, found.conversions)), need.seen),
        value_minor=tuple(value_minor),
        uncredited=totals.uncredited,
        uncredited_value_minor=uncredited_value,
        totals=totals,
        need=need,
        removal=tuple(map(float, found.removal.of_conversions)) if found.removal else None,
        p_conv=found.removal.conversions_per_journey if found.removal else None,
    )


def _adding_up(parts: list[float], whole: float) -> tuple[float, ...]:
    """Return the parts without the noise of millions of additions: they add up to the whole."""
    found = math.fsum(parts)
    if not found:
        return tuple(parts)
    parts = [part * (whole / found) for part in parts]
    largest = max(range(len(parts)), key=lambda at: parts[at])
    parts[largest] += whole - math.fsum(parts)
    return tuple(parts)


def _by_sums(share: Callable[[Paths, Floats], Floats]) -> Callable[[Paths], Found]:
    def find(paths: Paths) -> Found:
        return Found(share(paths, paths.conversions), share(paths, paths.values))

    return find


def _time_decay(paths: Paths) -> Found:
    if paths.decayed is None:
        raise BadInput("Time decay needs journeys that were read with a half-life.")
    conversions, values = paths.decayed
    size = len(paths.channels)
    return Found(summed(paths.touches, conversions, size), summed(paths.touches, values, size))


def _markov(order: int, paths: Paths) -> Found:
    effects = removal(chain_of(paths, order))
    return Found(
        _in_proportion(effects.of_conversions, float(paths.conversions.sum())),
        _in_proportion(effects.of_value, float(paths.values.sum())),
        effects,
    )


def _in_proportion(effects: Floats, whole: float) -> Floats:
    total = effects.sum()
    return effects / total * whole if total else np.zeros_like(effects)


INSTEAD = "the last touch that was not direct"
MODELS = {
    "first": Model("First touch", "The first touch of a journey gets all of it.", _by_sums(first)),
    "last": Model("Last touch", "The last touch of a journey gets all of it.", _by_sums(last)),
    "last_non_direct": Model(
        "Last touch that was not direct",
        "The last touch that had a source gets all of it; direct only where all touches were direct.",
        _by_sums(last_non_direct),
    ),
    "linear": Model("Linear", "All touches share equally, repeated ones too.", _by_sums(linear)),
    "position": Model(
        "Position 40/20/40",
        "The first and the last touch get 40 % each, those between share 20 %; two touches get half each.",
        _by_sums(position),
    ),
    "time_decay": Model(
        "Time decay", "A touch weighs half as much for every 7 days before the conversion.", _time_decay
    ),
    "markov1": Model(
        "Markov, order 1",
        "In proportion to the conversions that would be lost if the channel were not there; what follows a"
        " touch depends on that touch.",
        partial(_markov, 1),
        needs_conversions=200,
    ),
    "markov2": Model(
        "Markov, order 2",
        "As order 1; what follows a touch depends on the last two.",
        partial(_markov, 2),
        needs_conversions=400,
    ),
    "markov3": Model(
        "Markov, order 3",
        "As order 1; what follows a touch depends on the last three.",
        partial(_markov, 3),
        needs_conversions=800,
    ),
    "shapley": Model(
        "Shapley",
        "The distinct channels of a journey share equally: what each is worth by Shapley.",
        _by_sums(shapley),
        needs_conversions=200,
    ),
}
