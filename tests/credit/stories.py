"""Random journeys."""

from hypothesis import strategies as st

from calltrack.journeys.credit.journey import Journey

CHANNELS = ("direct", "organic", "paid", "email", "billboard")
names = st.sampled_from(CHANNELS)


@st.composite
def a_journey(draw: st.DrawFn) -> Journey:
    path = draw(st.lists(names, min_size=1, max_size=6))
    conversions = draw(st.integers(0, 3))
    hours = draw(st.lists(st.integers(0, 2000), min_size=len(path), max_size=len(path)))
    return Journey(
        path=tuple(path),
        conversions=conversions,
        nulls=draw(st.integers(0, 3)),
        value_minor=draw(st.integers(0, 10**7)) if conversions else 0,
        hours_before=tuple(float(one) for one in sorted(hours, reverse=True)),
    )


journeys = st.lists(a_journey(), min_size=1, max_size=12)
