"""The Markov chain of some order through journeys: states, moves between them, and where they end."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calltrack.journeys.credit.paths import Floats, Paths, Places, summed
from calltrack.kernel.errors import BadInput

TABLE = 1 << 22
"""Up to so many codes of states are told apart by a table, more by sorting."""
MOST_CELLS = 100_000_000
"""States times channels: a byte for each tells which channels a state contains."""


@dataclass(frozen=True)
class Chain:
    """States are the last touches of a journey; moves go from one to the next with a chance."""

    begins: Floats
    """How likely a journey begins in each state."""
    sources: Places
    targets: Places
    chances: Floats
    """One for each move: from, to, how likely next."""
    rates: Floats
    """Per state: conversions, and value, that come next on average."""
    holds: NDArray[np.bool_]
    """Whether a state (row) contains a channel (column)."""
    touches_each: float
    """How many touches a journey has on average."""

    @property
    def size(self) -> int:
        """Return how many states there are."""
        return len(self.begins)


def chain_of(paths: Paths, order: int) -> Chain:
    """Return the chain of the given order through these paths.

    Raises:
        BadInput: it would be too large.
    """
    counts = paths.conversions + paths.nulls
    state, codes = _states(paths, order)
    size = len(codes)
    if size * len(paths.channels) > MOST_CELLS:
        raise too_large(size, len(paths.channels))
    leaving = summed(state, np.repeat(counts, paths.lengths), size)
    often = np.where(leaving > 0, leaving, 1.0)
    moves, weights = _moves(paths, state, counts, size)
    sources, targets = np.divmod(moves, max(size, 1))
    ends = state[paths.lasts]
    return Chain(
        begins=summed(state[paths.starts], counts, size) / max(counts.sum(), np.finfo(float).tiny),
        sources=sources,
        targets=targets,
        chances=weights / often[sources],
        rates=np.column_stack(
            [summed(ends, part, size) / often for part in (paths.conversions, paths.values)]
        ),
        holds=_holds(codes, len(paths.channels), order),
        touches_each=float(leaving.sum() / max(counts.sum(), np.finfo(float).tiny)),
    )


def _moves(paths: Paths, state: Places, counts: Floats, size: int) -> tuple[Places, Floats]:
    """Return the moves that occur, as from * size + to, and how often each does."""
    goes_on = np.ones(len(state), bool)
    goes_on[paths.lasts] = False
    here = np.flatnonzero(goes_on)
    move = state[here] * size
    move += state[here + 1]
    often = np.repeat(counts, paths.lengths - 1)
    if size**2 > TABLE:
        moves, which = np.unique(move, return_inverse=True)
        return moves, summed(which, often, len(moves))
    moves = np.flatnonzero(np.bincount(move, minlength=size**2))
    return moves, summed(move, often, size**2)[moves]


def too_large(states: int, channels: int) -> BadInput:
    """Return the error that says what to do about a chain that is too large to be solved."""
    return BadInput(
        f"The chain over these {channels:,} channels has {states:,} states, too many to be solved."
        " Take a lower order, or fold rare channels into one."
    )


def _states(paths: Paths, order: int) -> tuple[Places, Places]:
    """Return the state of each touch, and the code of each state: its channels as digits, the latest last."""
    base = len(paths.channels) + 1
    code = paths.touches + 1
    place = paths.place_in_path() if order > 1 else code
    for back in range(1, order):
        before = np.zeros_like(code)
        before[back:] = paths.touches[: max(len(code) - back, 0)] + 1
        code = code + np.where(place >= back, before, 0) * base**back
    if base**order > TABLE:
        codes, state = np.unique(code, return_inverse=True)
        return state, codes
    # A table of all codes there could be: many times quicker than sorting all touches.
    occurs = np.zeros(base**order, bool)
    occurs[code] = True
    return (np.cumsum(occurs) - 1)[code], np.flatnonzero(occurs)


def _holds(codes: Places, channels: int, order: int) -> NDArray[np.bool_]:
    base = channels + 1
    holds = np.zeros((len(codes), base), bool)
    for back in range(order):
        holds[np.arange(len(codes)), codes // base**back % base] = True
    return holds[:, 1:]
