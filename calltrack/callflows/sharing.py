"""Who of a ring group is rung first: by a draw that comes out the same when the carrier asks again.

Nothing is counted and nothing is remembered: the draw hangs on the call alone, so any process answers a
repeated question alike. Over many calls each phone gets its share.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Literal

How = Literal["together", "in_order", "round_robin", "weighted"]


def order(how: How, weights: Sequence[int], seed: str) -> tuple[int, ...]:
    """Return the places of the phones in the order in which they ring.

    `round_robin` begins anywhere and goes round; `weighted` draws without putting back, so that a phone of
    weight 3 is rung first three times as often as one of weight 1.
    """
    places = range(len(weights))
    if how == "round_robin":
        first = int(_draw(seed) * len(weights))
        return tuple((first + place) % len(weights) for place in places)
    if how == "weighted":
        # The exponential race: the smallest waiting time wins, and weights make waiting shorter.
        waits = {place: -math.log(_draw(f"{seed}:{place}")) / weights[place] for place in places}
        return tuple(sorted(places, key=lambda place: (waits[place], place)))
    return tuple(places)


def _draw(seed: str) -> float:
    """Return a number above 0 and below 1 that belongs to the seed."""
    digest = hashlib.blake2b(seed.encode(), digest_size=6).digest()
    return (int.from_bytes(digest) + 0.5) / 2**48
