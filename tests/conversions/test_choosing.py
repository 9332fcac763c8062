"""Which of several calls an outcome is about."""

from datetime import UTC, datetime, timedelta

import pytest

from calltrack.conversions.choosing import Candidate, latest, nearest
from calltrack.kernel.ids import new_id

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROME = "Europe/Rome"


def calls(*minutes: float, callers: str = "") -> list[Candidate]:
    """Calls that began so many minutes after noon, all of one caller unless told otherwise."""
    hashes = (callers or "a" * len(minutes)).encode()
    return [
        Candidate(new_id(), NOON + timedelta(minutes=minute), bytes([hashes[place]]))
        for place, minute in enumerate(minutes)
    ]


@pytest.mark.parametrize(
    ("minutes", "chosen", "said"),
    [
        ((0,), 0, "caller and time"),
        ((1439,), 0, "23 hours away"),
        ((-1440,), 0, "24 hours away"),
        ((1441,), None, "nearest was 2026-11-21 13:01"),
        ((), None, "No call of this number"),
        ((-300, 5, 600), 1, "nearest of 3"),
        ((-5, 5), None, "equally near: 2026-11-20 12:55 and 2026-11-20 13:05"),
        ((-5, 5.5), None, "equally near"),
        ((-5, 7), 0, "nearest of 2"),
        ((0, 0), None, "equally near"),
    ],
)
def test_the_callers_nearest_call_within_a_day_is_meant(
    minutes: tuple[float, ...], chosen: int | None, said: str
) -> None:
    found = calls(*minutes)
    choice = nearest(found, NOON, ROME)
    assert choice.call_id == (None if chosen is None else found[chosen].call_id)
    assert said in choice.reason
    assert choice.ambiguous == ("equally" in said)


@pytest.mark.parametrize(
    ("minutes", "chosen"),
    [((-600,), 0), ((-60, 60), None), ((60, 1000), 0), ((1000,), None), ((), None)],
)
def test_of_a_day_only_its_single_call_is_meant(minutes: tuple[float, ...], chosen: int | None) -> None:
    found = calls(*minutes)
    choice = nearest(found, NOON, ROME, day_only=True)
    assert choice.call_id == (None if chosen is None else found[chosen].call_id)


@pytest.mark.parametrize(
    ("minutes", "callers", "chosen", "said"),
    [
        ((-60,), "a", 0, "click id"),
        ((-600, -60), "aa", 1, "the last of 2 calls"),
        ((-600, 60), "aa", 0, "click id"),
        ((5,), "a", 0, "click id"),
        ((60,), "a", None, "it began later"),
        ((-600, -60), "ab", None, "2 different callers"),
        ((-600, 60), "ab", 0, "click id"),
    ],
)
def test_behind_a_click_the_last_call_before_the_outcome_is_meant(
    minutes: tuple[float, ...], callers: str, chosen: int | None, said: str
) -> None:
    found = calls(*minutes, callers=callers)
    choice = latest(found, NOON, ROME, "click id")
    assert choice.call_id == (None if chosen is None else found[chosen].call_id)
    assert said in choice.reason
