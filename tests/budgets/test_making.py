"""Advice of a company from its rows: weeks, limits, fingerprint, what is beside it, and the record."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from calltrack.budgets import night
from calltrack.budgets.keeping import Kept, Limit, keep, kept_by
from calltrack.budgets.making import NO_SPEND, advise_now, newest_advice
from calltrack.budgets.model import BudgetAdvice, BudgetChange, BudgetPlan
from calltrack.budgets.night import advise_due, companies_to_advise, plan_advice
from calltrack.budgets.queries import places
from calltrack.budgets.record import first_week_after, followed, past_advice
from calltrack.budgets.units import id_of
from calltrack.budgets.weekly import read_weeks
from calltrack.kernel.errors import BadFields
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.budgets.spending import MONDAY, Spending, key_of, usual
from tests.builders import NOON, Company, make_company
from tests.examples import examples

WEEK = timedelta(weeks=1)


@pytest.fixture(scope="module")
def then(services: Services) -> Services:
    """The same parts on the Friday after the newest whole week."""
    return replace(services, clock=lambda: NOON)


def advice_of(services: Services, company: Company) -> BudgetAdvice:
    with services.db.tenant(company.id) as session:
        found = newest_advice(session, company.id)
    assert found is not None
    return found


def test_what_brings_more_is_raised_and_the_same_inputs_are_the_same_advice(then: Services) -> None:
    company = make_company(then)
    usual(company).write(then)
    said = advise_now(then, company.id)
    row = advice_of(then, company)
    result = row.result
    verdicts = {one["budget"]: one["verdict"] for one in result["budgets"]}
    assert (verdicts["roma"], verdicts["preventivo"]) == ("raise", "cut")
    assert (row.week, result["counts"], result["weeks"]) == (MONDAY - WEEK, "purchase", 20)
    assert sum(result["recommended"].values()) == pytest.approx(result["total"])
    assert result["p_gain"] >= 0.8
    assert result["expected_gain"]["low"] < result["expected_gain"]["mean"] < result["expected_gain"]["high"]
    assert said.startswith("With this split more is earned")
    assert [one["id"] for one in result["budgets"]] == [
        id_of(key_of(name)) for name in ("milano", "preventivo", "roma")
    ]
    advise_now(then, company.id)
    assert advice_of(then, company).id == row.id
    with then.db.tenant(company.id) as session:
        locked = Kept(limits={key_of("roma"): Limit(locked=True), key_of("milano"): Limit(cap=90_000)})
        keep(session, company.id, locked, NOON, by="test")
    advise_now(replace(then, clock=lambda: NOON + timedelta(minutes=1)), company.id)
    other = advice_of(then, company)
    assert other.id != row.id
    verdicts = {one["budget"]: one["verdict"] for one in other.result["budgets"]}
    assert verdicts["roma"] == "locked"
    assert other.result["proposed"]["milano"] <= 900
    assert other.result["proposed"]["roma"] == other.result["today"]["roma"]


@pytest.mark.parametrize("part", [0.8, 1.0, 1.2])
def test_with_another_total_changes_are_told_from_what_was_spent(then: Services, part: float) -> None:
    company = make_company(then)
    usual(company).write(then)
    with then.db.tenant(company.id) as session:
        weeks = read_weeks(session, company.id, "Europe/Rome", "purchase", NOON)
        assert weeks is not None
        spent = sum(row.spend for row in weeks.rows if row.week == weeks.rows[-1].week)
        keep(session, company.id, Kept(total_minor=round(part * spent)), NOON, by="test")
    advise_now(then, company.id)
    result = advice_of(then, company).result
    verdicts = {one["budget"]: one["verdict"] for one in result["budgets"]}
    assert sum(one["change"] for one in result["budgets"]) == pytest.approx(
        (part - 1) * spent / 100, abs=0.02
    )
    for one in result["budgets"]:
        assert one["change"] == pytest.approx(one["recommended"] - one["today"], abs=0.005)
        assert (one["change"] > 0) == (one["verdict"] == "raise")
    told = {one["values"]["budget"]: one for one in result["reasons"] if one["code"] in ("raise", "cut")}
    for name, one in told.items():
        assert one["code"] == verdicts[name]
    with then.db.tenant(company.id) as session:
        moves = [move for place in places(session, company.id, result) for move in place.moves]
    assert {move.name for move in moves} == set(told)
    for move in moves:
        assert move.is_raise == (move.daily_minor > move.before_daily_minor)


def test_what_the_advice_cannot_see_is_told(then: Services) -> None:
    company = make_company(then)
    made = usual(company, weeks=6)
    lost = made.campaign(made.account("meta", "m1"), "Estate", "")
    unread = made.campaign(made.account("manual", "m2"), "Radio", key_of("radio", "radio", "offline"))
    for day in range(1, 4):
        made.cost(lost, MONDAY - timedelta(days=day), 5_000)
        made.cost(unread, MONDAY - timedelta(days=day), None)
    made.earn("", MONDAY - timedelta(days=3), 4.5)
    made.earn(key_of("", "google", "organic"), MONDAY - timedelta(days=3), 2.0)
    made.write(then)
    advise_now(then, company.id)
    beside = advice_of(then, company).result["beside"]
    assert (beside["unmatched_amount"], beside["unmatched"]) == (150, [{"name": "Estate", "amount": 150}])
    assert (beside["without_rate"], beside["without_campaign"], beside["without_spend"]) == (3, 4.5, 2.0)


def test_campaigns_on_one_budget_move_as_one_and_sums_are_those_of_the_rows(then: Services) -> None:
    company = make_company(then)
    made = usual(company, (("roma", 9.0), ("preventivo", 1.0)))
    account = made.accounts[0]["id"]
    for name in ("torino", "genova"):
        id_ = made.campaign(account, name, key_of(name), budget="9", shared=True)  # type: ignore[arg-type]
        for week in range(20):
            made.week(id_, key_of(name), MONDAY - WEEK * (week + 1), 20_001, 1.5, 90_000)
    made.write(then)
    advise_now(then, company.id)
    result = advice_of(then, company).result
    shared = next(one for one in result["budgets"] if one["is_shared"])
    assert (shared["budget"], shared["spend"]) == ("genova + torino", 20 * 2 * 200.01)
    assert any(one["code"] == "shared" for one in result["reasons"])
    with then.db.tenant(company.id) as session:
        total = session.scalar(
            text("SELECT sum(cost_minor) FROM spend_day WHERE company_id = :c"), {"c": company.id}
        )
    assert sum(one["spend"] for one in result["budgets"]) == pytest.approx(int(total or 0) / 100)


def test_a_week_is_whole_once_its_friday_and_every_account_was_read(then: Services) -> None:
    company = make_company(then)
    made = Spending(company)
    manual, google = made.account("manual", "m"), made.account()
    one, two = made.campaign(manual, "a", key_of("a")), made.campaign(google, "b", key_of("b"))
    for week in range(3):
        made.week(one, key_of("a"), MONDAY - WEEK * (week + 1), 7000, 1, 0)
    made.week(two, key_of("b"), MONDAY - 2 * WEEK, 7000, 1, 0)
    made.cost(one, MONDAY, 500)  # This week has begun only.
    made.accounts[1] |= {"due_at": NOON, "read_at": NOON - timedelta(days=7)}
    made.write(then)

    def end(at: datetime) -> object:
        with then.db.tenant(company.id) as session:
            found = read_weeks(session, company.id, "Europe/Rome", "lead", at)
        return found and found.end

    assert end(NOON) == MONDAY - WEEK  # Google was read a week ago: up to the end of the week before.
    assert end(NOON + timedelta(days=9)) == MONDAY  # Read too long ago, it is waited for no more.
    assert end(NOON - timedelta(weeks=9)) is None


def test_without_spend_or_with_wrong_limits_it_is_said(then: Services, company: Company) -> None:
    assert advise_now(then, company.id) == NO_SPEND
    for wrong, field in (
        (Kept(counts="calls"), "counts"),
        (Kept(total_minor=0), "total"),
        (Kept(most_change=3001), "most_change"),
        (Kept(late_share=9001), "late_share"),
        (Kept(limits={"k": Limit(floor=2, cap=1)}), "limit:k"),
        (Kept(limits={"k": Limit(floor=-1)}), "limit:k"),
    ):
        with pytest.raises(BadFields) as problem, then.db.tenant(company.id) as session:
            keep(session, company.id, wrong, NOON, by="test")
        assert list(problem.value.fields) == [field]
    with then.db.tenant(company.id) as session:
        wanted = Kept(counts="lead", total_minor=1, limits={"k": Limit(floor=0, locked=True)})
        keep(session, company.id, wanted, NOON, by="test")
    with then.db.tenant(company.id) as session:
        assert kept_by(session, company.id) == wanted


def test_the_night_makes_it_once_and_the_record_says_what_became_of_it(services: Services) -> None:
    company = make_company(services)
    made = usual(company)
    made.write(services)
    friday = replace(services, clock=lambda: NOON)
    plan_advice(friday)
    with friday.db.system() as system:
        assert company.id in companies_to_advise(system, NOON)
    advise_due(friday, company.id)
    advise_due(friday, company.id)
    with friday.db.tenant(company.id) as session:
        plan = session.get_one(BudgetPlan, company.id)
        assert (plan.tries, plan.looked_at, len(session.scalars(select(BudgetAdvice)).all())) == (0, NOON, 1)
        assert plan.due_at is not None
        assert NOON < plan.due_at < NOON + timedelta(days=1)
    first = advice_of(friday, company).result
    after, ids = Spending(company), {str(one["name"]).lower(): one["id"] for one in made.campaigns}
    for week, split in enumerate((first["today"], first["recommended"])):
        for name, amount in split.items():
            monday = MONDAY + week * WEEK
            after.week(ids[name], key_of(name), monday, round(amount * 100), 2, 120_000)  # type: ignore[arg-type]
    after.write(services)
    later = replace(services, clock=lambda: NOON + 2 * WEEK)
    advise_due(later, company.id)
    with later.db.tenant(company.id) as session:
        rows = past_advice(session, company.id)
    assert [row.week for row in rows] == [MONDAY + WEEK, MONDAY - WEEK]
    past = rows[1].after
    assert rows[0].after is None
    assert past is not None
    assert (rows[1].after_week, past["word"], past["followed"]) == (MONDAY + WEEK, "followed", 1.0)
    assert past["spend"] == pytest.approx(first["total"] * 100, abs=3)
    assert (past["conversions"], past["value"]) == (6.0, 360_000)


def test_limits_that_change_while_advice_is_made_make_it_due_again(
    then: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = make_company(then)
    usual(company, weeks=5).write(then)
    plan_advice(then)
    meanwhile = NOON + timedelta(seconds=1)

    def advise_slowly(services: Services, company_id: UUID) -> str:
        said = advise_now(services, company_id)
        with services.db.tenant(company_id) as session:
            keep(session, company_id, Kept(counts="lead"), meanwhile, by="test")
        return said

    with monkeypatch.context() as patch:
        patch.setattr(night, "advise_now", advise_slowly)
        advise_due(then, company.id)
    with then.db.system() as system:
        assert company.id in companies_to_advise(system, meanwhile)
    advise_due(replace(then, clock=lambda: meanwhile), company.id)
    with then.db.system() as system:
        assert company.id not in companies_to_advise(system, meanwhile + timedelta(minutes=11))


def test_of_old_advice_the_last_of_each_week_is_kept_and_what_somebody_acted_on(then: Services) -> None:
    company = make_company(then)
    usual(company).write(then)
    kept = []
    for minute, total in enumerate((None, 200_000, 205_000)):
        at = NOON + timedelta(minutes=minute)
        with then.db.tenant(company.id) as session:
            keep(session, company.id, Kept(total_minor=total), at, by="test")
        advise_now(replace(then, clock=lambda at=at: at), company.id)  # type: ignore[misc]  # bound at once
        kept.append(advice_of(then, company).id)
    with then.db.tenant(company.id) as session:
        session.add(
            BudgetChange(
                company_id=company.id, id=new_id(NOON), account_id=new_id(NOON), advice_id=kept[0],
                state="done", currency="EUR", lines=[], asked_by="t", asked_at=NOON,
            )
        )  # fmt: skip
    advise_now(replace(then, clock=lambda: NOON + 3 * WEEK), company.id)
    with then.db.tenant(company.id) as session:
        left = set(session.scalars(select(BudgetAdvice.id).where(BudgetAdvice.week == MONDAY - WEEK)))
    assert kept[1] not in left
    assert kept[0] in left


@pytest.mark.parametrize(
    ("spent", "share", "word"),
    [
        ({"a": 130, "b": 70}, 1.0, "followed"),
        ({"a": 260, "b": 140}, 1.0, "followed"),
        ({"a": 100, "b": 100}, 0.0, "not followed"),
        ({"a": 112, "b": 88}, 0.4, "in part"),
        ({"a": 70, "b": 130}, -1.0, "not followed"),
    ],
)
def test_following_is_judged_by_shares(spent: dict[str, float], share: float, word: str) -> None:
    found = followed({"a": 100, "b": 100}, {"a": 130, "b": 70}, spent)
    assert found is not None
    assert (found.share, found.word) == (share, word)


def test_nothing_to_follow_where_nothing_was_to_move() -> None:
    assert followed({"a": 1, "b": 1}, {"a": 1, "b": 1}, {"a": 1, "b": 3}) is None
    assert followed({"a": 1}, {"a": 1}, {}) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))
@settings(max_examples=examples(60))
def test_the_week_after_begins_on_the_next_monday_of_the_companys_zone(at: datetime) -> None:
    made = at.replace(tzinfo=NOON.tzinfo)
    week = first_week_after(made, "Europe/Rome")
    assert week.weekday() == 0
    assert timedelta(0) <= week - (made + timedelta(hours=1)).date() < timedelta(days=8)
