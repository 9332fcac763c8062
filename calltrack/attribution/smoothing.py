"""Hold back what few calls say: rates that only fall, and changes that stay within a bound."""

from __future__ import annotations

import numpy as np

from calltrack.attribution.densities import Floats


def falling(rates: Floats, weights: Floats) -> Floats:
    """Return the nearest rates that never rise: neighbours that do are pooled by weight."""
    pools: list[tuple[float, float, int]] = []
    for rate, weight in zip(rates.tolist(), weights.tolist(), strict=True):
        pools.append((rate, weight, 1))
        while len(pools) > 1 and pools[-2][0] < pools[-1][0]:
            (r1, w1, n1), (r2, w2, n2) = pools[-2], pools[-1]
            pools[-2:] = [((r1 * w1 + r2 * w2) / (w1 + w2), w1 + w2, n1 + n2)]
    return np.concatenate([np.full(count, rate) for rate, _, count in pools]) if pools else rates
