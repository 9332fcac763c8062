"""Counters and shares with a clock in the hand."""

from calltrack.visits.admission import Window
from calltrack.visits.holds import SWEEP_SECONDS, Holds


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_window_counts_each_key_apart_and_forgets_with_the_minute() -> None:
    clock = Clock()
    window = Window(clock)
    assert [window.count("visit", "a"), window.count("visit", "a"), window.count("visit", "b")] == [1, 2, 1]
    assert window.count("beat", "a") == 1
    clock.now = 59.9
    assert window.count("visit", "a") == 3
    clock.now = 60
    assert window.count("visit", "a") == 1


def test_a_share_is_free_again_when_its_leases_end() -> None:
    clock = Clock()
    holds = Holds(clock)
    assert [holds.reserve("pool", "net", visit, 2, 100) for visit in "abc"] == [True, True, False]
    assert holds.reserve("pool", "other", "d", 2, 100)
    clock.now = 90
    holds.extend("pool", "net", "a", 100)
    clock.now = 101
    assert [holds.reserve("pool", "net", visit, 2, 100) for visit in "ef"] == [True, False]


def test_a_reservation_that_got_no_number_counts_no_more() -> None:
    holds = Holds(Clock())
    assert holds.reserve("pool", "net", "a", 1, 100)
    holds.settle("pool", "net", "a", None, 100)
    assert holds.reserve("pool", "net", "b", 1, 100)
    holds.settle("pool", "net", "b", "live visit", 100)
    assert not holds.reserve("pool", "net", "c", 1, 100)


def test_what_ended_is_swept_out_of_memory() -> None:
    clock = Clock()
    holds = Holds(clock)
    for network in range(100):
        holds.reserve("pool", str(network), "v", 3, 10)
    clock.now = SWEEP_SECONDS + 1
    holds.reserve("pool", "new", "v", 3, 10)
    assert list(holds._held) == [("pool", "new")]
