from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calltrack.accounts.rules import CompanySettings
from calltrack.conversions.rules import Outcome
from calltrack.conversions.tree_rules import Facts, default_tree, judge
from calltrack.conversions.tree_words import reason_of
from calltrack.kernel.errors import BadInput

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("call", "earlier", "limits", "expected", "reason"),
    [
        (
            {}, [], {}, "lead",
            "Rule 1 (A talk with a new caller): a person answered, they talked 180 seconds and the caller was"
            " not counted in the 30 days before.",
        ),
        ({"answered": False}, [], {}, "nothing", "No person answered."),
        ({"talk_seconds": 60}, [], {}, "lead", None),
        ({"talk_seconds": 59}, [], {}, "nothing", "They talked 59 seconds; it takes 60."),
        ({"talk_seconds": 59}, [], {"lead_min_talk_seconds": 30}, "lead", None),
        (
            {}, [DAY], {}, "nothing",
            "The caller was counted on 2026-11-19 already, less than 30 days before.",
        ),
        ({}, [29 * DAY], {}, "nothing", None),
        ({}, [30 * DAY], {}, "lead", None),
        ({}, [45 * DAY, 31 * DAY], {}, "lead", None),
        ({}, [2 * DAY], {"lead_window_days": 1}, "lead", None),
        ({}, [-DAY], {}, "lead", None),
        ({"is_withheld": True}, [DAY], {}, "lead", None),
        ({"is_withheld": True, "talk_seconds": 5}, [], {}, "nothing", None),
    ],
)  # fmt: skip
def test_without_rules_of_its_own_a_company_counts_the_first_long_enough_talk(
    call: dict[str, Any], earlier: list[timedelta], limits: dict[str, Any], expected: str, reason: str | None
) -> None:
    known: dict[str, Any] = {"started_at": NOON, "answered": True, "talk_seconds": 180}
    facts = Facts(**(known | call), earlier=tuple(NOON - ago for ago in earlier))
    tree = default_tree(CompanySettings(**limits))
    verdict = judge(tree, facts)
    assert verdict.mark == expected
    assert reason in (None, reason_of(tree, facts, verdict))


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
        {"kind": "refund", "value_minor": 0},
        {"kind": "cancelled", "value_minor": 1},
        {"kind": "none", "said_at": datetime(2026, 1, 1)},
        {"kind": "none", "called_back_at": NOON},
    ],
)
def test_an_outcome_that_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Outcome(by="anna", **given)


def test_a_currency_is_written_in_capitals() -> None:
    assert Outcome(kind="purchase", by="anna", value_minor=1, currency="eur").currency == "EUR"
