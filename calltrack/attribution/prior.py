"""The model that ships: what is assumed of a company before its own calls have taught anything."""

import math
from itertools import pairwise

from calltrack.attribution.densities import (
    DAY,
    FORGOTTEN,
    GONE_EDGES,
    HOURS_OF_WEEK,
    ON_SCREEN_EDGES,
    REPEAT_EDGES,
    Model,
)

CALLS_PER_VISIT = 1 / 30
# Half of the calls come while the page is on screen, which is two minutes and a half on average.
SHARE_ON_SCREEN, SECONDS_ON_SCREEN = 0.5, 160.0
# Callers call again: share of the calls, and the mean wait, within minutes, hours and days.
REPEATS = ((0.31 * 0.25, 480.0), (0.31 * 0.40, 14_400.0), (0.31 * 0.35, 216_000.0))
NOBODY_PER_DAY = 0.02


def survival(age: float) -> float:
    """Return the share of an ended visit's calls that are still to come, `age` seconds after it left."""
    return 1 / (1 + math.pow(max(age, 0.0) / 900, 0.42))


def repeats_after(age: float) -> float:
    """Return the calls again that are still to come, per call, `age` seconds after it."""
    return math.fsum(share * math.exp(-age / mean) for share, mean in REPEATS)


def shipped(scale: float = 1.0) -> Model:
    """Return the shipped model, with `scale` times its calls per visit."""
    gone = [*GONE_EDGES, FORGOTTEN]
    again = [*REPEAT_EDGES, FORGOTTEN]
    later = (1 - SHARE_ON_SCREEN) * CALLS_PER_VISIT * scale
    on_screen = SHARE_ON_SCREEN * CALLS_PER_VISIT * scale / SECONDS_ON_SCREEN
    return Model(
        version="shipped-1",
        on_screen=(on_screen,) * len(ON_SCREEN_EDGES),
        gone=tuple(later * (survival(a) - survival(b)) / (b - a) for a, b in pairwise(gone)),
        tap=(0.03, 0.04, 0.03, 0.002, 0.0002),
        repeat=tuple((repeats_after(a) - repeats_after(b)) / (b - a) for a, b in pairwise(again)),
        factors={
            "dwell": ((1.0, 1.0, 1.0, 1.0), (0.1, 0.6, 1.3, 1.8), (0.1, 0.6, 1.3, 1.8)),
            "contact": ((0.7, 1.8),) * 3,
            "device": ((0.9, 1.1),) * 3,
            "returning": ((0.95, 1.2),) * 3,
            "copied": ((1.0, 1.0), (0.9, 6.0), (0.9, 6.0)),
        },
        campaigns={},
        nobody={},
        nobody_elsewhere=NOBODY_PER_DAY / DAY,
        area_match=0.5,
        areas={},
        area_elsewhere=0.1,
        clock=(1.0,) * HOURS_OF_WEEK,
        known_caller=0.03,
        own_phone=0.85,
        nobody_known=0.05,
    )
