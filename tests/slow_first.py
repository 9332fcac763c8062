"""Which files begin first when two processes share the tests: a long one begun last would leave one idle."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# The longest stand first; journeys stay together because they share a running demo. What takes less than
# about ten seconds fills the end, in whatever order.
SLOW = (
    "chaos/test_crash_storm.py",
    "journeys",
    "chaos/test_worker_killed_between_send_and_settle.py",
    "workers/test_process.py",
    "chaos",
    "dashboard/test_isolation.py",
    "delivery/test_outage.py",
    "infra/test_embedded.py",
    "audiences/test_random_events.py",
    "visits/test_no_shared_number.py",
    "dashboard/test_hostile_text.py",
    "sandbox/test_history.py",
    "conversions/test_imports.py",
    "calls/test_nets.py",
    "callflows/test_random_flows.py",
    "calls/test_random_flow_calls.py",
    "audiences/test_suppression.py",
    "audiences",
    "infra/test_stack.py",
    "workers",
    "snippet",
    "delivery",
    "dashboard",
)


def slow_first(items: list[pytest.Item]) -> None:
    """Order tests by their files' places above; files that are not named keep their order and come last."""
    items.sort(key=lambda item: _place(item.path))


def _place(file: Path) -> int:
    names = (file, *file.parents)
    return next((place for place, slow in enumerate(SLOW) if TESTS / slow in names), len(SLOW))
