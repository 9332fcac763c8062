"""The call storm in short; `python -m tests.chaos.call_storm` runs it at length."""

from tests.chaos.call_faults import FAULTS
from tests.chaos.call_rig import storm_rig
from tests.chaos.call_storm import run

ELSEWHERE = {"F5", "F6", "F7", "F9", "F10", "F29"}
"""Faults that last for seconds or have tests of their own; the long form plays them, too."""
CALLS = 5


def test_every_caller_meets_what_the_flow_says_and_is_stored_once_whatever_fails() -> None:
    faults = tuple(fault for fault in FAULTS if fault.number not in ELSEWHERE)
    with storm_rig() as rig:
        storm = run(rig, CALLS * len(faults), seed=11, rounds=1, faults=faults)
    assert storm.problems == []
    assert {name: tally.calls for name, tally in storm.tallies.items()} == {
        f"{fault.number} {fault.name}": CALLS for fault in faults
    }
    assert sum(tally.equal for tally in storm.tallies.values()) > storm.calls / 3
    assert sum(tally.talked for tally in storm.tallies.values()) > storm.calls / 4
