import json
import math
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.attribution.densities import Model
from calltrack.attribution.facts import (
    REPORTS,
    UPLOADS,
    CallAt,
    Credit,
    Earlier,
    Evidence,
    Holding,
    Posterior,
    Thresholds,
)
from calltrack.attribution.posterior import credited, judge, without
from calltrack.attribution.prior import shipped
from tests.attribution.visits import NOW, ages, evidence, evidences, holding, told

MODEL = shipped()
some = settings(max_examples=60, deadline=None)


def share_of(found: Posterior, visit: str) -> float:
    return sum(one.p for one in found.candidates if one.visit == visit)


def assert_whole(found: Posterior) -> None:
    listed = math.fsum(one.p for one in found.candidates)
    assert listed + found.rest + found.p_nobody == pytest.approx(1, abs=1e-9)
    for level in (found.by_campaign, found.by_source):
        assert math.fsum(level.values()) + found.p_nobody == pytest.approx(1, abs=1e-9)
    assert min([found.p_nobody, found.rest, *(one.p for one in found.candidates)]) >= 0


@some
@given(evidences())
def test_probabilities_add_up_to_one_at_every_level(facts: Evidence) -> None:
    found = judge(facts, MODEL)
    assert_whole(found)
    assert math.fsum(found.by_visitor.values()) + found.rest + found.p_nobody == pytest.approx(1, abs=1e-9)


@some
@given(evidences(), st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(facts: Evidence, chance: object) -> None:
    rows, before = list(facts.holdings), list(facts.earlier)
    chance.shuffle(rows)  # type: ignore[attr-defined] # hypothesis gives a random.Random without saying so
    assert judge(replace(facts, holdings=tuple(rows)), MODEL) == judge(facts, MODEL)
    backwards = judge(replace(facts, earlier=tuple(reversed(before))), MODEL)
    assert backwards.by_campaign == pytest.approx(judge(facts, MODEL).by_campaign)


@some
@given(evidences())
def test_what_comes_after_the_call_changes_nothing(facts: Evidence) -> None:
    later = holding("later", shown_from=NOW + 1, last_seen=NOW + 60)
    rows = [
        replace(row, last_seen=row.last_seen + 500, left=False) if not row.left else row
        for row in facts.holdings
    ]
    after = [replace(row, taps=(*row.taps, NOW + 30)) for row in rows]
    assert judge(replace(facts, holdings=(*after, later)), MODEL) == judge(facts, MODEL)


@some
@given(evidences(), st.integers(0, 5))
def test_erasing_a_visitor_leaves_valid_sums(facts: Evidence, place: int) -> None:
    gone = f"p{place}"
    found = judge(facts, MODEL)
    erased = without(found, gone)
    assert_whole(erased)
    assert erased.by_campaign == found.by_campaign
    assert gone not in erased.by_visitor
    assert gone not in {one.visitor for one in erased.candidates}
    # And so does judging anew, when the visits are gone and earlier calls were erased too.
    left = replace(
        facts,
        holdings=tuple(row for row in facts.holdings if row.visitor != gone),
        earlier=tuple(replace(one, posterior=without(one.posterior, gone)) for one in facts.earlier),
    )
    again = judge(left, MODEL)
    assert_whole(again)
    assert gone not in again.by_visitor


@some
@given(evidences(), ages)
def test_a_repetition_carries_the_earlier_posterior_unchanged(facts: Evidence, since: float) -> None:
    """Whatever the old visits look like now, their shares stay to each other as they were then."""
    old = judge(facts, MODEL)
    call = CallAt(at=NOW + since + 1, number="n1", caller="+3906", region="RM")
    again = Evidence(
        call=call,
        holdings=facts.holdings,
        earlier=(Earlier(at=NOW, posterior=old, same_caller=True),),
        caller_is_known=True,
        known_callers=500,
    )
    found = judge(again, MODEL)
    assert_whole(found)
    if found.p_repeat > 1 - 1e-6:
        assert found.p_nobody == pytest.approx(old.p_nobody, abs=1e-5)
        for one in old.candidates:
            assert share_of(found, one.visit) == pytest.approx(one.p, abs=1e-5)
    carried = math.fsum(one.carried for one in found.candidates) + found.p_repeat * (old.rest + old.p_nobody)
    assert carried == pytest.approx(found.p_repeat, abs=1e-6)


def test_a_call_again_minutes_later_is_the_same_visit() -> None:
    first = holding("first", 7200)
    facts = evidence(
        first,
        holding("newer", 60),
        earlier=(Earlier(at=NOW - 600, posterior=told((first, 0.9)), same_caller=True),),
        caller_is_known=True,
        known_callers=200,
    )
    found = judge(facts, MODEL)
    assert share_of(found, "first") == pytest.approx(0.9, abs=0.01)
    assert "repeat" in {reason.code for reason in found.reasons}


@given(st.floats(0, 19.9), st.integers(0, 12))
@some
def test_a_tap_within_twenty_seconds_is_as_good_as_sure(seconds: float, others: int) -> None:
    rows = [holding(f"other {n}", 900.0 + 700 * n) for n in range(others)]
    found = judge(evidence(holding("tapped", taps=(NOW - seconds,)), *rows), MODEL)
    assert share_of(found, "tapped") >= 0.99


@some
@given(evidences(), st.floats(86_400, 30 * 86_400))
def test_one_more_old_bounce_changes_next_to_nothing(facts: Evidence, age: float) -> None:
    rows = (holding("fresh", 30.0, stayed=90), *facts.holdings)
    facts = replace(facts, holdings=rows)
    before = judge(facts, MODEL)
    after = judge(replace(facts, holdings=(*rows, holding("bounce", age, stayed=3))), MODEL)
    assert after.p_nobody == pytest.approx(before.p_nobody, abs=1e-3)
    for row in rows:
        assert share_of(after, row.visit) == pytest.approx(share_of(before, row.visit), abs=1e-3)


def test_a_withheld_caller_may_be_anybody_and_a_caller_of_before() -> None:
    row = holding("seen", 20)
    hidden = CallAt(at=NOW, number="n1", caller=None)
    alone = judge(evidence(row, call=hidden), MODEL)
    assert share_of(alone, "seen") > 0.9
    assert "withheld" in {reason.code for reason in alone.reasons}
    other = holding("caller of before", 90_000)
    before = Earlier(at=NOW - 200, posterior=told((other, 1.0)), same_caller=False)
    both = judge(evidence(row, other, call=hidden, earlier=(before,)), MODEL)
    assert share_of(both, "caller of before") > 0.3
    assert_whole(both)


def test_a_known_phone_finds_its_visitor_and_leaves_strangers_alone() -> None:
    rows = (holding("hers", 80_000, visitor="her"), holding("stranger", 600))
    unknown = judge(evidence(*rows), MODEL)
    assert share_of(unknown, "stranger") > 0.7
    facts = evidence(*rows, linked={"her": 0.97}, caller_is_known=True, known_callers=300)
    found = judge(facts, MODEL)
    assert share_of(found, "hers") > 0.9
    assert "known_phone" in {reason.code for reason in found.reasons}
    elsewhere = judge(evidence(*rows, taken={"stranger": 0.0, "visitor of stranger": 0.97}), MODEL)
    assert share_of(elsewhere, "stranger") < share_of(unknown, "stranger")


def test_a_phone_known_from_other_numbers_and_to_none_of_these_visitors_is_rather_nobody() -> None:
    """Who rings up one number after the other shares no visitor with any of them."""
    rows = (holding("a", 900), holding("b", 3000))
    first = judge(evidence(*rows), MODEL)
    again = judge(evidence(*rows, caller_is_known=True, known_callers=300, calls_before=3), MODEL)
    assert again.p_nobody > 1.5 * first.p_nobody


@pytest.mark.parametrize("more", [{}, {"caller_is_known": True, "known_callers": 300}])
def test_a_region_that_one_side_does_not_tell_says_nothing(more: dict[str, Any]) -> None:
    told = (holding("a", 900, region="RM"), holding("b", 3000, region="MI"))
    untold = (holding("a", 900), holding("b", 3000))
    nowhere = CallAt(at=NOW, number="n1", caller="+3906")
    found = judge(evidence(*untold, call=nowhere, **more), MODEL)
    for one in (judge(evidence(*untold, **more), MODEL), judge(evidence(*told, call=nowhere, **more), MODEL)):
        assert [(c.visit, c.p) for c in one.candidates] == [(c.visit, c.p) for c in found.candidates]
        assert one.p_nobody == found.p_nobody


def test_a_caller_from_the_visits_own_region_is_likelier_its_visitor() -> None:
    """By P(region | the visit's) / P(region): five times and a half, or a half, in the shipped model."""
    rows = (holding("same", 900, region="RM"), holding("other", 900, region="MI"), holding("unknown", 900))
    found = judge(evidence(*rows), MODEL)
    weights = {name: share_of(found, name) / share_of(found, "unknown") for name in ("same", "other")}
    assert weights == pytest.approx({"same": 0.5 / 0.1 + 0.5, "other": 0.5})
    assert "same_region" in {reason.code for reason in found.reasons}


def test_nobody_saw_the_number() -> None:
    found = judge(evidence(), MODEL)
    assert (found.p_nobody, found.candidates) == (1.0, ())
    assert credited(found) == Credit()


@pytest.mark.parametrize(
    ("shares", "thresholds", "expected"),
    [
        ((0.5, 0.4), Thresholds(), ("a", "roma", "google")),
        ((0.5, 0.4), REPORTS, (None, "roma", "google")),
        ((0.5, 0.3), UPLOADS, (None, None, None)),
        ((0.95, 0.01), UPLOADS, ("a", "roma", "google")),
        ((0.3, 0.1), Thresholds(), (None, None, None)),
        ((0.3, 0.25), Thresholds(), (None, "roma", "google")),
    ],
)
def test_each_level_is_credited_by_its_own_sum(
    shares: tuple[float, float], thresholds: Thresholds, expected: tuple[str | None, ...]
) -> None:
    found = told((holding("a"), shares[0]), (holding("b"), shares[1]))
    credit = credited(found, thresholds)
    assert (credit.visit, credit.campaign, credit.source) == expected


def test_an_erased_visits_call_is_not_handed_to_the_next_visit() -> None:
    found = without(told((holding("a"), 0.5), (holding("b", visitor="other"), 0.4)), holding("a").visitor)
    credit = credited(found, Thresholds(visit=0.3, campaign=0.3, source=0.3))
    assert (credit.visit, credit.campaign) == (None, "roma")


def test_a_model_survives_being_stored() -> None:
    model = replace(MODEL, campaigns={"roma": (1.0, 2.0, 0.5)}, nobody={"n1": 1e-6}, areas={"RM": 0.3})
    again = Model.from_json(json.loads(json.dumps(model.to_json())))
    assert again == model
    facts = evidence(holding("a", 20), holding("b", 9000, campaign="milano"))
    assert judge(facts, again) == judge(facts, model)


def test_five_thousand_visits_are_judged_within_milliseconds() -> None:
    rows: list[Holding] = [holding(f"v{n}", 60.0 + 500 * n, campaign=f"c{n % 30}") for n in range(5000)]
    facts = evidence(*reversed(rows))
    judge(facts, MODEL)
    took = []
    for _ in range(5):
        began = time.process_time()
        judge(facts, MODEL)
        took.append(time.process_time() - began)
    assert min(took) < 0.03, took
