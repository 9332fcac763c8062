"""Who is a nuisance: a table of callers, and laws that hold for any."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.calls.guard.spam_rules import Signals, judge_caller

FAILED = "TN-Validation-Failed-C"
TABLE: list[tuple[str, Signals, str]] = [
    ("a first call", Signals(), "clean"),
    ("a verified first call", Signals(stir="TN-Validation-Passed-A"), "clean"),
    ("a network that does not verify", Signals(stir="No-TN-Validation"), "clean"),
    ("on the list", Signals(is_listed=True, is_trusted=True), "spam"),
    ("a customer who dials again and again because nobody answers", Signals(calls_lately=12), "clean"),
    ("a customer who tries two branches", Signals(calls_lately=4, numbers_lately=2), "clean"),
    ("a robot that goes through the numbers", Signals(calls_lately=9, numbers_lately=9), "spam"),
    ("one that goes through a few numbers", Signals(calls_lately=3, numbers_lately=3), "suspect"),
    ("a forged number", Signals(stir=FAILED), "suspect"),
    ("a forged number, diverted", Signals(stir="TN-Validation-Failed-Diverted"), "suspect"),
    ("a forged number that always hangs up at once", Signals(stir=FAILED, short=6, answered=6), "spam"),
    ("one that hangs up at once", Signals(short=5, answered=6), "suspect"),
    ("one that sometimes hangs up at once", Signals(short=5, answered=12), "clean"),
    ("one other company's word", Signals(reports=1), "suspect"),
    ("two other companies' word", Signals(reports=2), "spam"),
    ("a known customer with two companies' word", Signals(reports=2, is_trusted=True), "clean"),
    ("a known customer whose network failed to verify", Signals(stir=FAILED, is_trusted=True), "clean"),
]  # fmt: skip


@pytest.mark.parametrize(("who", "signals", "mark"), TABLE, ids=[row[0] for row in TABLE])
def test_a_caller_gets_the_mark_people_would_give(who: str, signals: Signals, mark: str) -> None:
    judged = judge_caller(signals)
    assert judged.mark == mark
    assert bool(judged.reasons) == (judged.points > 0)
    assert all(reason.endswith(".") for reason in judged.reasons)


callers = st.builds(
    Signals,
    stir=st.sampled_from([None, FAILED, "TN-Validation-Passed-A", "odd"]),
    calls_lately=st.integers(1, 64),
    numbers_lately=st.integers(1, 64),
    short=st.integers(0, 64),
    answered=st.integers(0, 64),
    reports=st.integers(0, 9),
    is_trusted=st.booleans(),
)
RANK = {"clean": 0, "suspect": 1, "spam": 2}


@given(callers)
def test_more_signs_never_clear_a_caller_and_trust_never_accuses(signals: Signals) -> None:
    rank = RANK[judge_caller(signals).mark]
    assert RANK[judge_caller(replace(signals, reports=signals.reports + 1)).mark] >= rank
    assert RANK[judge_caller(replace(signals, numbers_lately=signals.numbers_lately + 5)).mark] >= rank
    assert RANK[judge_caller(replace(signals, is_trusted=True)).mark] <= rank
    assert judge_caller(replace(signals, is_listed=True)).mark == "spam"


@given(st.integers(1, 64))
def test_dialling_again_alone_makes_nobody_a_nuisance(calls: int) -> None:
    assert judge_caller(Signals(calls_lately=calls)).mark == "clean"
