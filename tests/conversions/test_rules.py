from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calltrack.accounts.rules import CompanySettings
from calltrack.conversions.rules import CallResult, Outcome, is_lead
from calltrack.kernel.errors import BadInput

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("call", "earlier", "limits", "expected", "reason"),
    [
        ({}, [], {}, True, "A person answered and they talked 180 seconds; the caller's first such call."),
        ({"is_bridged": False}, [], {}, False, "No person answered the call."),
        ({"talk_seconds": 60}, [], {}, True, None),
        ({"talk_seconds": 59}, [], {}, False, "They talked 59 seconds; a lead takes 60."),
        ({"talk_seconds": 59}, [], {"lead_min_talk_seconds": 30}, True, None),
        ({}, [DAY], {}, False, "The caller was a lead on 2026-11-19 already, less than 30 days before."),
        ({}, [29 * DAY], {}, False, None),
        ({}, [30 * DAY], {}, True, None),
        ({}, [45 * DAY, 31 * DAY], {}, True, None),
        ({}, [2 * DAY], {"lead_window_days": 1}, True, None),
        ({}, [-DAY], {}, True, None),
        ({"is_withheld": True}, [DAY], {}, True, None),
        ({"is_withheld": True, "talk_seconds": 5}, [], {}, False, None),
    ],
)  # fmt: skip
def test_a_lead_is_the_first_long_enough_talk(
    call: dict[str, Any], earlier: list[timedelta], limits: dict[str, Any], expected: bool, reason: str | None
) -> None:
    facts: dict[str, Any] = {
        "started_at": NOON,
        "is_bridged": True,
        "talk_seconds": 180,
        "is_withheld": False,
    }
    verdict = is_lead(
        CallResult(**(facts | call)), [NOON - ago for ago in earlier], CompanySettings(**limits)
    )
    assert verdict.is_lead is expected
    assert reason in (None, verdict.reason)


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "sale"},
        {"kind": "purchase"},
        {"kind": "purchase", "value_minor": -1},
        {"kind": "purchase", "value_minor": 10**16},
        {"kind": "purchase", "value_minor": 1, "currency": "EURO"},
        {"kind": "purchase", "value_minor": 1, "occurred_at": datetime(2026, 1, 1)},
        {"kind": "lead", "value_minor": 1},
        {"kind": "none", "currency": "EUR"},
        {"kind": "none", "reason": "x" * 501},
    ],
)
def test_an_outcome_that_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Outcome(by="anna", **given)


def test_a_currency_is_written_in_capitals() -> None:
    assert Outcome(kind="purchase", by="anna", value_minor=1, currency="eur").currency == "EUR"
