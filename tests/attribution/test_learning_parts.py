"""The parts of learning: time in each state, rates that only fall, calls judged as live ones are."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.attribution.acquaintances import Acquaintances
from calltrack.attribution.densities import DAY, HOURS_OF_WEEK, Model, tables_of
from calltrack.attribution.expectation import expect
from calltrack.attribution.exposure import expected_calls, exposure_of, repeat_seconds, tap_seconds
from calltrack.attribution.facts import CallAt, Earlier, Evidence, Holding, Posterior
from calltrack.attribution.history import History, Told, Truth, prepare
from calltrack.attribution.learning import learn
from calltrack.attribution.phones import learn_phones
from calltrack.attribution.posterior import judge
from calltrack.attribution.prior import shipped
from calltrack.attribution.smoothing import falling
from tests.attribution.visits import NOW, holding

UNTIL = NOW + 5 * DAY


def history(*calls: CallAt, visits: tuple[Holding, ...], **more: object) -> History:
    given: dict[str, object] = {"holdings": {"n1": visits}, "calls": calls, "began": 0.0, "until": UNTIL}
    return History(**(given | more))  # type: ignore[arg-type] # keywords of a dataclass from a plain dict


def ring(at: float, caller: str | None = "+3901", region: str = "RM") -> CallAt:
    return CallAt(at=at, number="n1", caller=caller, region=region)


VISITS = (
    holding("a", 3 * DAY, region="RM", visitor="p1", contact_at=NOW - 3 * DAY - 60),
    holding("b", 7200, region="MI", visitor="p2", taps=(NOW - 7210,), campaign="milano"),
    holding("c", 600, region="RM", visitor="p1", device="mobile", copied_at=NOW - 620),
    holding("d", None, visitor="p3", source="bing"),
)
CALLS = (
    ring(NOW - 7200), ring(NOW - 2 * DAY + 86_400, "+3902"), ring(NOW - 3000), ring(NOW - 500, None, ""),
    ring(NOW, "+3903", "MI"), ring(NOW + 100, "+3901"), ring(NOW + DAY, "+3903", "MI"),
)  # fmt: skip


def test_learning_judges_each_call_exactly_as_the_live_rules_do() -> None:
    calls = tuple(sorted(CALLS, key=lambda one: one.at))
    told = (Told(at=NOW - 4000, visitor="p2", phone="+3903"),)
    found = expect(prepare(history(*calls, visits=VISITS, told=told)), shipped())
    waiting = list(told)
    known, before = Acquaintances(), list[tuple[CallAt, Posterior]]()
    for call, judged in zip(calls, found.calls, strict=True):
        if waiting and call.at > waiting[0].at:
            known.reach(waiting[0].at)
            known.told_by_form(waiting[0].visitor, waiting.pop().phone)
        known.reach(call.at)
        live = judge(
            Evidence(
                call=call,
                holdings=VISITS,
                earlier=tuple(
                    Earlier(
                        at=one.at,
                        posterior=posterior,
                        same_caller=call.caller is not None and one.caller == call.caller,
                        region=one.region,
                    )
                    for one, posterior in before
                ),
                linked=known.linked_to(call.caller),
                taken=known.taken_from(call.caller, ["p1", "p2", "p3"]),
                caller_is_known=known.is_known(call.caller),
                known_callers=known.known_callers(),
            ),
            shipped(),
        )
        assert judged.whole_nobody == pytest.approx(live.p_nobody, abs=5e-3)
        for place, p in judged.whole.items():
            listed = {one.visit: one.p for one in live.candidates}
            assert p == pytest.approx(listed.get(VISITS[place].visit, 0.0), abs=5e-3)
        known.told_by_call(call.caller, live.by_visitor)
        before.append((call, live))


def test_what_is_known_for_sure_is_believed() -> None:
    calls = (ring(NOW + 10), ring(NOW + 400), ring(NOW + 500, "+3999"))
    truths = {0: Truth(visit="b"), 2: Truth(nobody=True)}
    first, again, nobody = expect(prepare(history(*calls, visits=VISITS, truths=truths)), shipped()).calls
    assert {VISITS[place].visit for place, p in first.whole.items() if p > 0.999} == {"b"}
    assert sum(p for place, p in again.whole.items() if VISITS[place].visit == "b") > 0.9
    assert nobody.whole_nobody == pytest.approx(1)


def test_every_second_of_a_visit_is_in_exactly_one_state() -> None:
    prepared = prepare(history(ring(NOW), visits=VISITS))
    exposure = exposure_of(prepared)
    per_visit = exposure.seconds[: len(VISITS)].sum(axis=1) + exposure.seconds[len(VISITS) :].sum(axis=1)
    # Between the last sign of life and the end of the time on screen no age is counted twice.
    assert per_visit == pytest.approx([UNTIL - one.shown_from for one in VISITS])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, HOURS_OF_WEEK - 1), st.floats(0.1, 5))
def test_the_clock_only_moves_time_about(hour: int, much: float) -> None:
    """However unequal the hours, a week of waiting counts as a week (its first hour: in plain seconds)."""
    clock = np.ones(HOURS_OF_WEEK)
    clock[hour] += much
    clock /= clock.mean()
    seconds = repeat_seconds(prepare(history(ring(0.0), visits=VISITS, until=7 * DAY)), clock)
    assert seconds.sum() == pytest.approx(7 * DAY - 3600 * clock[0] + 3600)


def test_expected_calls_follow_the_rates() -> None:
    exposure = exposure_of(prepare(history(ring(NOW), visits=VISITS)))
    model = shipped()
    names = ["google", "milano", "roma"]
    once = expected_calls(exposure, tables_of(model, names)).sum()
    doubled = replace(
        model, on_screen=tuple(2 * r for r in model.on_screen), gone=tuple(2 * r for r in model.gone)
    )
    assert expected_calls(exposure, tables_of(doubled, names)).sum() == pytest.approx(2 * once)


def test_a_tap_counts_until_the_next_one() -> None:
    row = holding("a", None, taps=(NOW - 30, NOW - 20))
    assert tap_seconds([row], NOW) == pytest.approx([10, 10, 10, 0, 0])


@given(st.lists(st.floats(0.001, 10), min_size=1, max_size=12))
def test_falling_rates_never_rise_and_keep_the_whole(rates: list[float]) -> None:
    weights = np.ones(len(rates))
    found = falling(np.array(rates), weights)
    assert (np.diff(found) <= 1e-12).all()
    assert found.sum() == pytest.approx(math.fsum(rates))


def test_nothing_is_learnt_from_nothing() -> None:
    model = learn(history(visits=VISITS), shipped(), "tonight")
    assert model == replace(shipped(), version="tonight")


def test_few_calls_change_little() -> None:
    start = shipped()
    calls = tuple(sorted(CALLS, key=lambda one: one.at))
    learnt = learn(history(*calls, visits=VISITS), start, "tonight")
    assert _farthest(start, learnt) < math.log(4)
    assert learnt.calls_learnt == len(calls)


def _farthest(one: Model, other: Model) -> float:
    pairs = zip((*one.on_screen, *one.gone), (*other.on_screen, *other.gone), strict=True)
    return max(abs(math.log(a / b)) for a, b in pairs)


@pytest.mark.parametrize(("shift", "learnt"), [(0, (0.8, 0.98)), (1, (0.0, 0.2)), (None, (0.5, 0.5))])
def test_how_far_regions_agree_is_learnt_where_both_are_known(
    shift: int | None, learnt: tuple[float, float]
) -> None:
    """Each visit tapped its number just before the call, so it is clear who called; eight regions."""
    calls, visits = [], []
    for place in range(40):
        at = NOW - 3600.0 * (40 - place)
        calls.append(ring(at, f"+39{place}", f"R{place % 8}"))
        seen = holding(
            f"v{place}", 0, taps=(at - 5,), region="" if shift is None else f"R{(place + shift) % 8}"
        )
        visits.append(replace(seen, shown_from=at - 60, last_seen=at))
    prepared, model = prepare(history(*calls, visits=tuple(visits))), shipped()
    found = expect(prepared, model)
    own = np.concatenate([one.own for one in found.calls])
    least, most = learnt
    assert least <= learn_phones(prepared, found, own, model, model).area_match <= most
