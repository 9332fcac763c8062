from datetime import UTC, datetime
from uuid import UUID

import pytest

from calltrack.journeys.rules import Binding, Known, bind, is_sure

OLD = Known(UUID(int=2), datetime(2026, 1, 1, tzinfo=UTC))
NEW = Known(UUID(int=1), datetime(2026, 2, 1, tzinfo=UTC))
TWIN = Known(UUID(int=3), OLD.since)


@pytest.mark.parametrize(
    ("by_caller", "by_visitor", "expected"),
    [
        (None, None, Binding(None)),
        (OLD, None, Binding(OLD)),
        (None, OLD, Binding(OLD)),
        (OLD, OLD, Binding(OLD)),
        (OLD, NEW, Binding(OLD, NEW)),
        (NEW, OLD, Binding(OLD, NEW)),
        (TWIN, OLD, Binding(OLD, TWIN)),
        (OLD, TWIN, Binding(OLD, TWIN)),
    ],
)
def test_the_older_person_stays(by_caller: Known | None, by_visitor: Known | None, expected: Binding) -> None:
    assert bind(by_caller, by_visitor) == expected


@pytest.mark.parametrize(("probability", "sure"), [(0.79, False), (0.8, True), (1.0, True)])
def test_only_a_sure_verdict_binds_a_visitor(probability: float, sure: bool) -> None:
    assert is_sure(probability) is sure
