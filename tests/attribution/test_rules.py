import math
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.attribution.rules import MOST_KEPT, decide, gone_rate, repeat_rate, survival, tap_rate
from calltrack.attribution.verdict import CallFacts, Candidate, EarlierCall, Shown, Verdict
from calltrack.kernel.ids import new_id

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def visit(seconds_ago: float = 0, *, dwell: float = 120, **more: Any) -> Shown:
    """A visit whose last sign of life is so many seconds old when the call begins."""
    last_seen = NOON - timedelta(seconds=seconds_ago)
    began = last_seen - timedelta(seconds=dwell)
    given: dict[str, Any] = {
        "visit_id": new_id(began),
        "visitor_id": new_id(began),
        "visit_started_at": began,
        "shown_from": began,
        "last_seen_at": last_seen,
        "source": "google",
        "medium": "cpc",
        "campaign": "roma",
    }
    return Shown(**(given | more))


def call(**more: Any) -> CallFacts:
    given: dict[str, Any] = {"started_at": NOON, "number_kind": "pool", "talk_seconds": 180}
    return CallFacts(**(given | more))


def earlier(seconds_ago: float, *visits: tuple[Shown, float], p_nobody: float = 0.0) -> EarlierCall:
    candidates = tuple(
        Candidate(
            visit_id=row.visit_id, visitor_id=row.visitor_id, probability=share, age_seconds=0,
            on_screen=True, tapped_seconds=None, dwell_seconds=100, pages=1, is_overflow=False,
            source=row.source, medium=row.medium, campaign=row.campaign,
        )
        for row, share in visits
    )  # fmt: skip
    at = NOON - timedelta(seconds=seconds_ago)
    return EarlierCall(started_at=at, candidates=candidates, p_nobody=p_nobody)


def share_of(verdict: Verdict, row: Shown) -> float:
    return next(one.probability for one in verdict.candidates if one.visit_id == row.visit_id)


HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize(
    ("others", "seconds_ago", "more", "is_credited"),
    [
        ([], 0, {}, True),
        ([], 30, {"dwell": 5}, True),
        ([], 2 * HOUR, {}, True),
        ([], 20 * DAY, {}, False),
        ([2 * HOUR, 3 * DAY, 9 * DAY], 0, {}, True),
        ([300], 290, {}, True),
        ([300, 310, 320], 290, {}, False),
        ([0, 0, 0], 0, {"tapped_at": NOON - timedelta(seconds=8)}, True),
        ([0, 0, 0], 0, {}, False),
    ],
)
def test_the_visit_nearest_to_the_call_is_credited_when_it_is_sure_enough(
    others: list[float], seconds_ago: float, more: dict[str, Any], is_credited: bool
) -> None:
    own = visit(seconds_ago, **more)
    verdict = decide(call(), [own, *(visit(age) for age in others)], 0.5)
    assert (verdict.visit_id == own.visit_id) is is_credited


def test_a_visit_shown_the_number_only_after_the_call_is_no_candidate() -> None:
    late = visit(shown_from=NOON + timedelta(seconds=1), last_seen_at=NOON + timedelta(seconds=60))
    verdict = decide(call(), [late], 0.5)
    assert (verdict.candidates, verdict.visit_id, verdict.p_nobody) == ((), None, 1.0)


def test_a_static_number_names_its_source_without_a_visit() -> None:
    verdict = decide(
        call(number_kind="static", static_campaign=("billboard", "offline", "EUR")), [visit()], 0.5
    )
    assert (verdict.visit_id, verdict.campaign, verdict.p_campaign) == (
        None,
        ("billboard", "offline", "EUR"),
        1.0,
    )
    assert verdict.reasons == ("Static number: it is shown nowhere but in billboard / offline / EUR.",)


def test_two_visits_of_one_campaign_credit_the_campaign_though_no_visit() -> None:
    verdict = decide(call(), [visit(200), visit(200), visit(200)], 0.5)
    assert verdict.visit_id is None
    assert verdict.campaign == ("google", "cpc", "roma")
    assert verdict.p_campaign > 0.95
    assert verdict.probability < 0.5


def test_a_repeated_call_carries_the_first_calls_visit_over_a_stranger_on_screen() -> None:
    first, stranger = visit(4 * HOUR, campaign="first"), visit(0, campaign="stranger")
    verdict = decide(call(earlier=earlier(3.9 * HOUR, (first, 0.97), p_nobody=0.03)), [first, stranger], 0.5)
    assert verdict.visit_id == first.visit_id
    assert (
        verdict.reasons[0] == "This caller called 3 hours before; that call came from google / cpc / first."
    )


def test_a_repeated_call_goes_to_the_new_visit_of_the_same_person() -> None:
    first, again = visit(4 * DAY), visit(0, known_as="caller", campaign="return")
    verdict = decide(call(earlier=earlier(4 * DAY, (first, 0.97), p_nobody=0.03)), [first, again], 0.5)
    assert verdict.visit_id == again.visit_id
    assert "An earlier call showed that this visitor is this caller." in verdict.reasons


def test_a_carried_visit_keeps_its_share_when_it_is_older_than_the_window() -> None:
    forgotten = visit(40 * DAY)
    verdict = decide(call(earlier=earlier(HOUR, (forgotten, 0.9), p_nobody=0.1)), [], 0.5)
    assert verdict.visit_id == forgotten.visit_id
    assert verdict.probability == pytest.approx(0.9, abs=0.01)


def test_a_visitor_known_to_be_somebody_else_is_less_likely() -> None:
    own, other = visit(300), visit(300, known_as="somebody_else")
    verdict = decide(call(), [own, other], 0.5)
    assert share_of(verdict, own) == pytest.approx(share_of(verdict, other) / 0.4, rel=0.01)


def test_a_withheld_number_makes_nobody_likelier_and_earlier_calls_count_for_nothing() -> None:
    row = visit(6 * HOUR)
    open_, hidden = decide(call(), [row], 0.5), decide(call(is_withheld=True), [row], 0.5)
    assert hidden.p_nobody > open_.p_nobody
    assert "The caller withheld the number, so earlier calls say nothing." in hidden.reasons


def test_a_long_talk_makes_a_wrong_number_unlikely() -> None:
    row = visit(6 * HOUR)
    assert decide(call(talk_seconds=5), [row], 0.5).p_nobody > decide(call(), [row], 0.5).p_nobody


def test_a_lapsed_and_renewed_lease_is_one_candidate() -> None:
    first = visit(3000, tapped_at=NOON - timedelta(seconds=3100))
    again = visit(0, visit_id=first.visit_id, visit_started_at=first.visit_started_at)
    verdict = decide(call(), [first, again], 0.5)
    assert [one.on_screen for one in verdict.candidates] == [True]


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        ([visit()], "Was looking at the number when the call began."),
        ([visit(tapped_at=NOON - timedelta(seconds=8))], "Tapped the number 8 seconds before the call."),
        ([visit(720)], "Left the site 12 minutes before the call."),
        ([visit()], "No other visit saw this number in the time a call is linked to."),
        ([visit(), visit(7300), visit(9 * DAY)],
         "2 other visits saw this number; the nearest left 2 hours before the call."),
        ([visit(pages=4, dwell=250)], "Looked at 4 pages in 4 minutes."),
        ([visit(is_overflow=True)],
         "Every number of the pool was in use, so this one was shown to several visits at once."),
        ([visit(0), visit(0)], "2 visits saw this number; 2 of them were looking at it when the call began."),
        ([visit(29 * DAY)], "1 visit saw this number; the nearest left 29 days before the call."),
        ([], "Nobody is known to have been shown this number in the time a call is linked to."),
    ],
)  # fmt: skip
def test_the_reasons_are_sentences(shown: list[Shown], sentence: str) -> None:
    assert sentence in decide(call(), shown, 0.5).reasons


def test_the_rates_fall_with_age_and_end_at_nothing() -> None:
    ages = [0, 10, 60, 600, 3600, 86400, 30 * 86400]
    rates = [gone_rate(age) for age in ages]
    assert rates == sorted(rates, reverse=True)
    assert survival(0) == 1
    assert survival(600) == 0.5
    assert [tap_rate(age) for age in (None, 61)] == [0, 0]
    assert tap_rate(8) > tap_rate(40) > 0
    assert (
        repeat_rate(timedelta(minutes=5)) > repeat_rate(timedelta(hours=5)) > repeat_rate(timedelta(days=5))
    )


AGES = st.floats(0, 30 * DAY)
ROWS = st.builds(
    visit,
    AGES,
    dwell=st.floats(0, 4000),
    campaign=st.sampled_from(["roma", "milano"]),
    is_overflow=st.booleans(),
    saw_contact_page=st.booleans(),
    known_as=st.sampled_from([None, "caller", "somebody_else"]),
    tapped_at=st.none() | st.floats(-5, 90).map(lambda seconds: NOON - timedelta(seconds=seconds)),
)
CALLS = st.builds(
    call, is_withheld=st.booleans(), talk_seconds=st.integers(0, 900), earlier=st.none() | st.builds(
        lambda age, row, share: earlier(age, (row, share), p_nobody=round(1 - share, 6)),
        st.floats(1, 29 * DAY), ROWS, st.floats(0, 1).map(lambda share: round(share, 6)),
    ),
)  # fmt: skip


@given(CALLS, st.lists(ROWS, max_size=30))
def test_probabilities_are_probabilities(facts: CallFacts, rows: list[Shown]) -> None:
    verdict = decide(facts, rows, 0.5)
    shares = [one.probability for one in verdict.candidates]
    assert all(0 <= share <= 1 for share in [*shares, verdict.p_nobody, verdict.rest, verdict.p_campaign])
    assert math.fsum([*shares, verdict.p_nobody, verdict.rest]) == pytest.approx(1, abs=2e-5)
    assert len(shares) <= MOST_KEPT
    assert shares == sorted(shares, reverse=True)
    assert verdict.p_campaign >= verdict.probability - 1e-6


@given(CALLS, st.lists(ROWS, max_size=25), st.randoms())
def test_the_order_of_the_rows_does_not_matter(facts: CallFacts, rows: list[Shown], chance: Any) -> None:
    mixed = list(rows)
    chance.shuffle(mixed)
    assert decide(facts, rows, 0.5) == decide(facts, mixed, 0.5)


@given(AGES, AGES, st.floats(0, 4000), st.lists(ROWS, max_size=5))
def test_a_later_sign_of_life_never_makes_a_visit_less_likely(
    one: float, other: float, dwell: float, rows: list[Shown]
) -> None:
    id_ = UUID(int=1)
    near, far = (visit(age, dwell=dwell, visit_id=id_) for age in sorted((one, other)))
    shares = [share_of_id(decide(call(), [*rows, row], 0.5), id_) for row in (near, far)]
    assert shares[0] >= shares[1] - 1e-6


def share_of_id(verdict: Verdict, id_: UUID) -> float:
    return next(one.probability for one in verdict.candidates if one.visit_id == id_)
