"""Every reason that code gives has its sentence, and no sentence is without a reason."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import calltrack.budgets
from calltrack.budgets.advice import advise, outlook
from calltrack.budgets.changes import words_of
from calltrack.budgets.history import History, WeekOfCampaign, history_of
from calltrack.budgets.limits import Constraints
from calltrack.budgets.reasons import Reason
from calltrack.budgets.showing import shown
from calltrack.budgets.words import WORDS, said
from calltrack.destinations.outcomes import Class, Outcome
from tests.budgets.weeks import histories

ROOM = Path(calltrack.budgets.__file__).parent


def given_codes() -> set[str]:
    found = set()
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason":
                words = [one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)]
                found |= {word for word in words if isinstance(word, str)}
    return found


def test_reasons_and_sentences_are_the_same() -> None:
    assert given_codes() == set(WORDS)


@settings(max_examples=40, deadline=None)
@given(history=histories())
def test_any_advice_can_be_said(history: History) -> None:
    seen = outlook(history, sum(history.today()), Constraints(locked=frozenset({"c0"})))
    advice = advise(seen)
    assert json.dumps(shown(seen, advice, "EUR"), allow_nan=False)
    for reason in advice.reasons:
        words = said(reason, "EUR")
        assert words.endswith(".")
        assert "nan" not in words


def test_amounts_are_written_in_the_currency() -> None:
    values = {"total": 900_000, "low": 280_000, "high": 520_000}
    assert said(Reason("total_out_of_reach", values), "EUR").startswith("9,000.00 EUR cannot be reached")
    assert said(Reason("total_out_of_reach", values), "JPY").startswith("900,000 JPY cannot be reached")


def test_what_the_next_conversion_costs_is_told_to_the_unit() -> None:
    """A return of 0.00113 was once rounded to 0.0011, and read as 909 instead of 885."""
    weeks = [
        WeekOfCampaign(week=week, campaign="a", spend=50_000 + week % 2 * 9_000, conversions=0.6, value=0)
        for week in range(12)
    ]
    history = history_of(weeks)
    seen = outlook(history, sum(history.today()), Constraints())
    assert seen.curves is not None
    exact = float(seen.curves.marginal(np.array(history.today(), float)).mean())
    told = shown(seen, advise(seen), "EUR")["budgets"][0]["return_of_next_unit"]["mean"]
    assert told == pytest.approx(exact, rel=1e-4)
    assert told < 0.01


def test_nobody_is_told_to_wait_for_a_check_that_is_not_repeated() -> None:
    unwell = Outcome(Class.LATER, "X", "No answer.", "Nothing to do: calltrack tries again.")
    assert words_of(unwell) == "No answer. Try it again in some minutes."
    assert words_of(unwell, is_asked_again=True).endswith("calltrack tries again.")
    assert words_of(Outcome(Class.ROW, "X", "Refused.", "Raise it.")) == "Refused. Raise it."


def test_one_is_not_called_many() -> None:
    assert " 1 week cannot tell; 3 more" in said(Reason("too_few_weeks", {"weeks": 1, "needed": 3}), "EUR")
    assert " 2 weeks cannot tell; 2 more" in said(Reason("too_few_weeks", {"weeks": 2, "needed": 2}), "EUR")
