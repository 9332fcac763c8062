"""Removal effects in a Markov chain: what would be lost if a channel were not there. Nothing is simulated.

With Q the chances to go from state to state and r what comes next from each, N = (I - Q)^-1 tells how often a
journey comes by each state, and h = N r what it brings from there on. Take the states C that contain a
channel. A journey that passes any of them does so first at rates a, with a N[C, C] = N[start, C], and is lost
if the channel is not there. So the removal effect is

    a h[C] / h[start],    a = N[start, C] N[C, C]^-1

from one inverse for all channels. With order 1 it is N[start, c] / N[c, c] * h[c] / h[start].

Large chains are sparse. Then all journeys are sent through the chain without the channel, step by step, until
fewer than 1 in 10^16 are on their way, and what they brought is compared. Both ways agree to 10^-12.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calltrack.journeys.credit.chain import Chain, too_large
from calltrack.journeys.credit.paths import Floats, summed

SMALL = 400
"""Up to so many states the inverse is the quicker way."""
MOST_STATES = 3_000
"""The inverse of so many takes some seconds and 200 MB."""
MOST_STEPS = 5_000
MOST_WORK = 40_000_000
"""Moves times channels times touches of a journey: so many take some ten seconds."""
ON_THEIR_WAY = 1e-16


@dataclass(frozen=True)
class Removal:
    """Per channel, what removing it would cost as a share of all conversions, and of all value."""

    of_conversions: Floats
    of_value: Floats
    conversions_per_journey: float


def removal(chain: Chain) -> Removal:
    """Return the removal effects of all channels.

    Raises:
        BadInput: the chain is too large to be solved.
    """
    found = None
    work = len(chain.chances) * chain.holds.shape[1] * chain.touches_each
    if chain.size > SMALL and work <= MOST_WORK:
        found = by_flow(chain)
    if found is None and chain.size > MOST_STATES:
        raise too_large(chain.size, chain.holds.shape[1])
    return found or by_inverse(chain)


def by_inverse(chain: Chain) -> Removal:
    """Return the removal effects from one inverse."""
    onward = np.zeros((chain.size, chain.size))
    onward[chain.sources, chain.targets] = chain.chances
    visits = np.linalg.inv(np.eye(chain.size) - onward)
    ahead, passing = visits @ chain.rates, chain.begins @ visits
    lost = np.zeros((chain.holds.shape[1], 2))
    for channel in range(len(lost)):
        with_it = np.flatnonzero(chain.holds[:, channel])
        first = np.linalg.solve(visits[np.ix_(with_it, with_it)].T, passing[with_it])
        lost[channel] = first @ ahead[with_it]
    return _shares(lost, chain.begins @ ahead)


def by_flow(chain: Chain) -> Removal | None:
    """Return the removal effects by sending journeys through; None if they go round for too long."""
    whole = _brought(chain, np.ones(chain.size, bool))
    if whole is None:
        return None
    # Without a channel journeys are under way for no longer than with it.
    left = [_brought(chain, ~chain.holds[:, channel]) for channel in range(chain.holds.shape[1])]
    return _shares(np.array([whole - one for one in left if one is not None]).reshape(-1, 2), whole)


def _brought(chain: Chain, there: NDArray[np.bool_]) -> Floats | None:
    """Return what a journey brings that may pass these states only; None if it does not end soon."""
    open_ = there[chain.sources] & there[chain.targets]
    sources, targets, chances = chain.sources[open_], chain.targets[open_], chain.chances[open_]
    under_way = chain.begins * there
    brought = under_way @ chain.rates
    for _ in range(MOST_STEPS):
        if under_way.sum() <= ON_THEIR_WAY:
            return brought
        under_way = summed(targets, under_way[sources] * chances, chain.size)
        brought += under_way @ chain.rates
    return None


def _shares(lost: Floats, whole: Floats) -> Removal:
    shares = np.clip(lost / np.where(whole > 0, whole, 1.0), 0.0, 1.0)
    return Removal(shares[:, 0], shares[:, 1], float(whole[0]))
