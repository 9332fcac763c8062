"""From a week's amount to daily budgets: shares, rounding, and which are left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.budgets.spent_lately import LATELY, SpentLately
from calltrack.budgets.wishes import Wish, lines_of, wishes_of
from calltrack.destinations.google_ads_budgets import BudgetNow
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key
from tests.examples import examples

MICROS = 1_000_000


def budget(amount: float, *, shared: bool = False, count: int = 1, daily: bool = True) -> BudgetNow:
    return BudgetNow(
        id="1", name="Roma", amount_micros=round(amount * MICROS), currency="EUR", is_daily=daily,
        explicitly_shared=shared, reference_count=count,
        campaigns=tuple((str(number), f"c{number}") for number in range(count)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("now", "wanted", "is_raise", "named", "fate"),
    [
        (budget(20), 25, True, [], "change"),
        (budget(20), 15, False, [], "change"),
        (budget(20), 20.001, True, [], "same"),
        (budget(30), 25, True, [], "not_used_up"),
        (budget(10), 15, False, [], "low_already"),
        (budget(20, daily=False), 25, True, [], "not_daily"),
        (budget(20, shared=True), 25, True, [], "shared"),
        (budget(20, shared=True), 25, True, ["0"], "change"),
        (budget(20, count=2), 25, True, ["0"], "shared"),
        (budget(20, count=2), 25, True, ["0", "1"], "change"),
        (None, 25, True, [], "gone"),
    ],
)
def test_what_becomes_of_a_budget(
    now: BudgetNow | None, wanted: float, is_raise: bool, named: list[str], fate: str
) -> None:
    wish = Wish(budget_id="1", unit="roma", micros=wanted * MICROS, is_raise=is_raise)
    (line,) = lines_of([wish], {"1": now} if now else {}, {"1": named})
    assert (line.fate, line.is_change) == (fate, fate == "change")
    assert line.wanted == (round(wanted * MICROS) if fate in ("change", "shared") else line.before)


def test_a_budget_whose_campaigns_google_does_not_all_name_is_never_changed() -> None:
    known = BudgetNow(
        id="1", name="", amount_micros=MICROS, currency="EUR", is_daily=True, explicitly_shared=False,
        reference_count=3, campaigns=(("0", "a"), ("1", "b")),
    )  # fmt: skip
    wish = Wish(budget_id="1", unit="roma", micros=2 * MICROS, is_raise=True)
    assert lines_of([wish], {"1": known}, {"1": ["0", "1"]})[0].fate == "shared"


def test_what_stood_there_before_is_put_back_whatever_is_used_up() -> None:
    wish = Wish(budget_id="1", unit="roma", micros=15 * MICROS, is_raise=True, exact=True)
    assert lines_of([wish], {"1": budget(20)}, {})[0].fate == "change"


def test_what_other_campaigns_take_from_a_budget_stays_theirs() -> None:
    """Of 10 a day half is spent by a campaign nobody matched: a tenth more is 10.50 a day, not 5.50."""
    mine, account = {"source": "google", "medium": "cpc", "campaign": "roma"}, new_id()
    key = campaign_key("google", "cpc", "roma")
    lately = SpentLately(
        ((key, account, "1", 140 * MICROS, 14_000), ("", account, "1", 140 * MICROS, 14_000),
         ("", account, "2", 7 * MICROS, 700), ("", new_id(), "1", 7 * MICROS, 700))
    )  # fmt: skip
    beside = lately.beside(account, "1", [mine])
    assert (beside, lately.total([mine])) == (140 * MICROS, 14_000)
    here = lately.at(account, [mine])
    (wish,) = wishes_of("roma", 3_850, True, here, 14_000, {"1": beside / LATELY.days})
    assert wish.micros == pytest.approx(10.5 * MICROS)


@given(
    st.integers(1, 10**7),
    st.dictionaries(st.text("123", min_size=1, max_size=3), st.integers(1, 10**8), min_size=1, max_size=5),
    st.integers(0, 10**8),
    st.sampled_from([10_000, 11_300]),
)
@settings(max_examples=examples(60))
def test_a_weeks_amount_is_divided_as_it_was_spent(
    weekly: int, spent: dict[str, int], elsewhere: int, rate: int
) -> None:
    both = {name: (minor * rate, minor) for name, minor in spent.items()}
    total = sum(spent.values()) + elsewhere
    wishes = wishes_of("roma", weekly, True, both, total)
    assert {wish.budget_id for wish in wishes} == set(spent)
    at_account = sum(wish.micros for wish in wishes) * 7 / rate
    assert at_account == pytest.approx(weekly * sum(spent.values()) / total)
