"""Ways to a conversion and journeys that led nowhere: the rules, without rows."""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.reports.credit.day_paths import QUESTIONS, DayPaths
from calltrack.reports.credit.lost import Won, lost_of
from calltrack.reports.credit.packing import pack, unpack
from calltrack.reports.credit.told import MOST_TOUCHES, Ended, Seen, Suspect, ways_of
from tests.examples import examples
from tests.reports.credit.rows import DIRECT, GOOGLE, META, ORGANIC, RADIO

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
KEYS = (GOOGLE, META, ORGANIC, DIRECT, RADIO)
BROWSERS = [UUID(int=at) for at in range(1, 5)]
some = settings(max_examples=examples(40), deadline=None)


@st.composite
def told(draw: st.DrawFn) -> tuple[Ended, dict[UUID, list[Seen]]]:
    """A call with suspects, other browsers and billboards; everything up to the call, and after it."""
    visits = {
        browser: [
            Seen(NOON - timedelta(hours=hours), draw(st.sampled_from(KEYS)), UUID(int=at * 100 + place))
            for place, hours in enumerate(
                sorted(draw(st.lists(st.integers(-5, 3000), max_size=4)), reverse=True)
            )
        ]
        for at, browser in enumerate(BROWSERS, 1)
    }
    before = [(browser, one) for browser in BROWSERS for one in visits[browser] if one.at <= NOON]
    chosen = draw(st.lists(st.sampled_from(before), max_size=3, unique=True)) if before else []
    parts = draw(st.lists(st.integers(1, 9), min_size=len(chosen) + 2, max_size=len(chosen) + 2))
    whole = sum(parts)
    suspects = [
        Suspect(one.visit, browser, one.campaign, part / whole)
        for (browser, one), part in zip(chosen, parts, strict=False)
    ]
    by_campaign: dict[str, float] = defaultdict(float)
    for suspect in suspects:
        by_campaign[suspect.campaign] += suspect.p
    by_campaign[draw(st.sampled_from(KEYS))] += parts[-2] / whole
    probability = st.sampled_from([0.0, 0.3, 0.9, 1.0])
    browsers = [(one, draw(probability)) for one in draw(st.lists(st.sampled_from(BROWSERS), unique=True))]
    heard = [Seen(NOON - timedelta(hours=hours), RADIO) for hours in draw(st.lists(st.integers(0, 900)))][:2]
    return Ended("lead", NOON, draw(st.integers(0, 10**6)), suspects, by_campaign, browsers, heard), visits


@given(told())
@some
def test_ways_add_up_to_1_and_end_as_the_verdict_says(
    case: tuple[Ended, dict[UUID, list[Seen]]],
) -> None:
    ended, visits = case
    ways = ways_of(ended, visits)
    assert math.fsum(way.weight for way in ways) == pytest.approx(1, abs=1e-12)
    assert all(way.weight > 0 for way in ways)
    for way in ways:
        hours = [hours for _, hours in way.touches]
        assert hours == sorted(hours, reverse=True)
        assert all(0 <= one <= 90 * 24 for one in hours)
    # What the verdict gives to a campaign whose visit is not too old ends with that campaign.
    last: dict[str, float] = defaultdict(float)
    for way in ways:
        if way.touches:
            last[way.touches[-1][0]] += way.weight
    old = math.fsum(
        one.p
        for one in ended.suspects
        if any(seen.visit == one.visit and NOON - seen.at > timedelta(days=90)
               for browser in visits.values() for seen in browser)
    )  # fmt: skip
    for key, p in ended.by_campaign.items():
        assert last[key] >= p - old - 1e-9


@given(st.lists(told(), max_size=4))
@settings(max_examples=examples(12), deadline=None)
def test_a_day_keeps_every_conversion_and_its_value_in_every_question(
    cases: list[tuple[Ended, dict[UUID, list[Seen]]]],
) -> None:
    day = DayPaths()
    for ended, visits in cases:
        day.add([ended], visits)
    for question in QUESTIONS:
        paths = day.paths(question)
        mine = [ended for ended, _ in cases if ended.kind == question[1]]
        assert paths.totals.conversions == len(mine)
        assert paths.totals.value_minor == sum(ended.value_minor for ended in mine)
        whole = float(paths.conversions.sum()) + paths.totals.uncredited
        assert whole == pytest.approx(len(mine), abs=1e-9)
        again = unpack(pack(paths), paths.channels, paths.totals)
        for name in ("touches", "starts", "conversions", "nulls", "values"):
            assert np.array_equal(getattr(again, name), getattr(paths, name)), name
        assert paths.decayed is not None
        assert again.decayed is not None
        assert all(np.array_equal(a, b) for a, b in zip(again.decayed, paths.decayed, strict=True))
        assert paths.decayed[0].sum() == pytest.approx(paths.conversions.sum())


def seen(*hours_before_noon: float) -> list[Seen]:
    return [
        Seen(NOON - timedelta(hours=hours), KEYS[at % len(KEYS)])
        for at, hours in enumerate(hours_before_noon)
    ]


DAY = 24.0


@pytest.mark.parametrize(
    ("visits", "won", "days", "expected"),
    [
        (seen(1), [], 7, ((GOOGLE,), 1.0)),
        (seen(30), [], 7, None),  # on another day
        (seen(1, -3 * DAY), [], 7, None),  # came back within the window: it goes on
        (seen(1, -8 * DAY), [], 7, ((GOOGLE,), 1.0)),
        (seen(20 * DAY, 6 * DAY, 2), [], 7, ((META, ORGANIC), 1.0)),
        (seen(20 * DAY, 6 * DAY, 2), [], 30, ((GOOGLE, META, ORGANIC), 1.0)),
        (seen(2, 1), [Won("lead", NOON, 0.75)], 7, ((GOOGLE, META), 0.25)),
        (seen(2, 1), [Won("lead", NOON, 1.0)], 7, None),
        (seen(2, 1), [Won("purchase", NOON, 1.0)], 7, ((GOOGLE, META), 1.0)),
        (seen(2, 1), [Won("lead", NOON + timedelta(days=8), 1.0)], 7, ((GOOGLE, META), 1.0)),
        (seen(3 * DAY, 1), [Won("lead", NOON - timedelta(days=2), 0.9)], 7, ((META,), 1.0)),
        (seen(3 * DAY, 1), [Won("lead", NOON - timedelta(days=2), 0.3)], 7, ((GOOGLE, META), 1.0)),
    ],
)  # fmt: skip
def test_journeys_that_led_to_nothing(
    visits: Sequence[Seen], won: Sequence[Won], days: int, expected: tuple[tuple[str, ...], float] | None
) -> None:
    found = lost_of(visits, won, "lead", days, NOON - timedelta(hours=12), NOON + timedelta(hours=12))
    assert (found and (found.campaigns, found.weight)) == expected


def test_a_browser_that_comes_all_the_time_keeps_its_latest_touches() -> None:
    browser = BROWSERS[0]
    often = [Seen(NOON - timedelta(hours=500 - at), KEYS[at % 5], UUID(int=at + 1)) for at in range(500)]
    suspect = Suspect(often[-1].visit, browser, often[-1].campaign, 1.0)
    (way,) = ways_of(Ended("lead", NOON, 0, [suspect], {suspect.campaign: 1.0}), {browser: often})
    assert len(way.touches) == MOST_TOUCHES
    assert way.touches[-1] == (often[-1].campaign, 1.0)


def test_a_forgotten_visit_still_had_its_campaign() -> None:
    gone = Suspect(None, None, GOOGLE, 0.6)
    ways = ways_of(Ended("lead", NOON, 0, [gone], {GOOGLE: 0.6, META: 0.4}), {})
    assert {way.touches: round(way.weight, 9) for way in ways} == {((GOOGLE, 0.0),): 0.6, ((META, 0.0),): 0.4}
