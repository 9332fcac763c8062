"""Histories for tests: what campaigns spent and brought, made by chance or by hand."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from calltrack.budgets.history import History, WeekOfCampaign, history_of
from calltrack.budgets.limits import Constraints


def weekly(
    rates: Sequence[float],
    weeks: int = 12,
    spend: float = 100_000,
    worth: float = 20_000,
    swing: float = 0.25,
) -> History:
    """Return a history in which campaigns bring exactly their rate of conversions, spending more by turns."""
    rows = [
        WeekOfCampaign(
            week=week,
            campaign=f"c{place}",
            spend=spent,
            conversions=rate * spent / spend,
            value=rate * spent / spend * worth,
        )
        for week in range(weeks)
        for place, rate in enumerate(rates)
        for spent in [spend * (1 + (swing if (week + place) % 2 else -swing))]
    ]
    return history_of(rows)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Any history: few or many campaigns and weeks, some without spend, conversions or value."""
    size, weeks = draw(st.integers(1, 8)), draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    level = draw(st.sampled_from([0.0, 0.3, 3.0, 40.0]))
    spend = rng.lognormal(9, draw(st.sampled_from([0.0, 0.3, 2.0])), (size, weeks))
    spend[rng.random((size, weeks)) < draw(st.sampled_from([0.0, 0.2]))] = 0
    spend[0, -1] = max(spend[0, -1], 100.0)
    conversions = rng.poisson(level, (size, weeks)).astype(float)
    value = conversions * rng.lognormal(9, 1, (size, weeks)) * draw(st.sampled_from([0, 1]))
    names = tuple(f"c{place}" for place in range(size))
    return History(
        names=names,
        members={name: (name,) for name in names},
        spend=spend,
        conversions=conversions,
        value=value,
    )


@st.composite
def constraints_for(draw: st.DrawFn, history: History) -> Constraints:
    """Any constraints on the budgets of a history, possible or not."""
    today = dict(zip(history.names, history.today(), strict=True))
    near = st.sampled_from([0.0, 0.5, 0.8, 1.0, 1.2, 1.5])

    def some() -> dict[str, int]:
        return {name: round(now * draw(near)) for name, now in today.items() if draw(st.booleans())}

    return Constraints(
        floors=some() if draw(st.booleans()) else {},
        caps=some() if draw(st.booleans()) else {},
        locked=frozenset(draw(st.sets(st.sampled_from(history.names)))),
        most_change=draw(st.sampled_from([Fraction(0), Fraction(1, 7), Fraction(3, 10), Fraction(2)])),
        late_share=draw(st.sampled_from([0.0, 0.3])),
    )
