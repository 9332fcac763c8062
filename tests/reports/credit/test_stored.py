"""Credit through rows: whose call it was stays a doubt, sums are exact, days are counted when they change."""

import math
import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from calltrack.conversions.model import Conversion
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import source_key
from calltrack.reports.credit.counting import companies_with_due_credit
from calltrack.reports.credit.marking import QUICK_MS, days_in_turn, mark_credit_of_calls
from calltrack.reports.credit.model import CreditDay, CreditPaths
from calltrack.reports.credit.queries import Asked, CreditReport, credit_report
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.examples import examples
from tests.reports.credit.rows import (
    DIRECT,
    GOOGLE,
    META,
    ORGANIC,
    RADIO,
    Told,
    a_person,
    converted,
    count,
    judged_call,
    visit_by,
)

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ROME = ZoneInfo("Europe/Rome")


def report(services: Services, company: Company, **asked: object) -> CreditReport:
    chosen = {"since": DAY - timedelta(days=365), "until": DAY + timedelta(days=5), "level": "campaign"}
    with services.db.tenant(company.id) as session:
        return credit_report(session, company.id, Asked(**(chosen | asked)))  # type: ignore[arg-type]


def shares(found: CreditReport, model: str) -> dict[str, float]:
    credit = found.side(model).credit
    assert credit is not None
    return {
        name: round(part, 9)
        for name, part in zip(credit.channels, credit.conversions, strict=True)
        if part > 1e-9
    }


def test_a_call_that_is_one_campaigns_or_anothers_counts_for_both_with_the_visits_before(
    services: Services, company: Company
) -> None:
    ago = timedelta(days=1)
    first = visit_by(services, company, ORGANIC, NOON - 10 * ago)
    likely = visit_by(services, company, GOOGLE, NOON - ago, first.visitor_id)
    other = visit_by(services, company, META, NOON - timedelta(hours=1))
    # Came by again after the visit that made the call: that is not what led to it.
    visit_by(services, company, DIRECT, NOON - timedelta(minutes=1), first.visitor_id)
    call = judged_call(services, company, NOON, [Told(likely, 0.7), Told(other, 0.3)])
    change = converted(services, company, call, kind="purchase", value_minor=85_001)
    assert count(services, company, LATER, change) > 0
    found = report(services, company, kind="purchase")
    assert shares(found, "last") == {GOOGLE: 0.7, META: 0.3}
    assert shares(found, "first") == {ORGANIC: 0.7, META: 0.3}
    assert shares(found, "linear") == {ORGANIC: 0.35, GOOGLE: 0.35, META: 0.3}
    last = found.side("last").credit
    assert last is not None
    assert sorted(last.value_minor) == [0, 0, 25_500, 59_501]
    # Ten days back is outside a window of seven.
    assert shares(report(services, company, kind="purchase", days=7), "first") == {GOOGLE: 0.7, META: 0.3}
    by_source = shares(report(services, company, kind="purchase", level="source"), "first")
    assert by_source == {source_key("google", "organic"): 0.7, source_key("meta", "cpc"): 0.3}
    linear = found.side("linear")
    assert linear.against is not None
    assert dict(zip(linear.against.channels, linear.against.conversions, strict=True)) == pytest.approx(
        {GOOGLE: -0.35, META: 0.0, ORGANIC: 0.35, DIRECT: 0.0}
    )
    markov = found.side("markov1")
    assert (markov.credit, markov.missing) == (None, 199)
    assert "needs 200 conversions in the chosen time; there are 1. 199 more are needed" in markov.refusal


def test_what_the_verdict_gives_to_nobody_is_nobodys(services: Services, company: Company) -> None:
    visit = visit_by(services, company, GOOGLE, NOON - timedelta(hours=1))
    call = judged_call(services, company, NOON, [Told(visit, 0.5)], also={META: 0.2})
    count(services, company, LATER, converted(services, company, call))
    found = report(services, company)
    assert shares(found, "last") == {GOOGLE: 0.5, META: 0.2}
    assert found.totals.uncredited == pytest.approx(0.3)


def test_a_persons_other_browser_and_earlier_calls_to_a_billboard_are_touches_with_their_doubt(
    services: Services, company: Company
) -> None:
    day = timedelta(days=1)
    phone = visit_by(services, company, META, NOON - 5 * day)
    desk = visit_by(services, company, GOOGLE, NOON - timedelta(hours=1))
    heard = judged_call(services, company, NOON - 8 * day, also={RADIO: 1.0}, model="static", caller="+39347")
    call = judged_call(services, company, NOON, [Told(desk, 1.0)])
    person = a_person(services, company, NOON, {phone.visitor_id: 0.8}, heard, heard)
    count(services, company, LATER, converted(services, company, call, person=person))
    found = report(services, company)
    assert shares(found, "last") == {GOOGLE: 1.0}
    assert shares(found, "first") == {RADIO: 1.0}
    linear = {RADIO: 0.8 / 3 + 0.1, META: 0.8 / 3, GOOGLE: 0.8 / 3 + 0.1}
    assert shares(found, "linear") == pytest.approx(linear)


def test_a_browser_that_is_not_seen_again_led_to_nothing_unless_its_person_called(
    services: Services, company: Company
) -> None:
    day = timedelta(days=1)
    gone = visit_by(services, company, META, NOON - 3 * day)
    back = visit_by(services, company, META, NOON - 9 * day)
    visit_by(services, company, DIRECT, NOON - day, back.visitor_id)
    caller = visit_by(services, company, GOOGLE, NOON - timedelta(hours=2))
    call = judged_call(services, company, NOON, [Told(caller, 0.9)])
    person = a_person(services, company, NOON, {caller.visitor_id: 0.9}, call)
    count(services, company, LATER, converted(services, company, call, person=person))
    wide, narrow = report(services, company), report(services, company, days=7)
    # What this call says of the browser counts once: a tenth is nobody's.
    assert shares(wide, "last") == {GOOGLE: 0.9}
    # The one that came back within 30 days is one journey of two touches, within 7 days it is two.
    assert wide.totals.nulls == pytest.approx(2.1)
    assert narrow.totals.nulls == pytest.approx(3.1)
    assert report(services, company, kind="purchase").totals.nulls == pytest.approx(3.0)
    # When it comes back a month later within the window, the night tells its day.
    visit_by(services, company, GOOGLE, NOON + 20 * day, gone.visitor_id)
    assert count(services, company, NOON + 22 * day) == 2
    assert report(services, company).totals.nulls == pytest.approx(1.1)
    until = DAY + timedelta(days=21)
    assert report(services, company, until=until).totals.nulls == pytest.approx(2.1)


def test_the_night_takes_a_lost_journey_back_when_its_person_converted_without_coming_again(
    services: Services, company: Company
) -> None:
    gone = visit_by(services, company, META, NOON - timedelta(days=3))
    count(services, company, LATER)
    assert report(services, company).totals.nulls == 1
    call = judged_call(services, company, LATER)
    person = a_person(services, company, LATER, {gone.visitor_id: 1.0}, call)
    count(services, company, LATER + timedelta(days=1), converted(services, company, call, person=person))
    assert (report(services, company).totals.conversions, report(services, company).totals.nulls) == (1, 0)


def test_a_day_of_a_large_company_is_counted_anew_in_its_turn_and_exact_when_windows_are_over(
    services: Services, company: Company
) -> None:
    day = timedelta(days=1)
    gone = visit_by(services, company, META, NOON - 3 * day)
    visit_by(services, company, META, NOON - 3 * day)
    count(services, company, LATER)
    with services.db.tenant(company.id) as session:
        session.execute(update(CreditDay).values(took_ms=QUICK_MS))
    assert count(services, company, NOON + 17 * day) == 1  # of turns that were missed
    with services.db.tenant(company.id) as session:
        session.execute(update(CreditDay).values(took_ms=QUICK_MS))
    visit_by(services, company, GOOGLE, NOON + 18 * day, gone.visitor_id)
    # The 21st night after is no turn of the day, the 31st is; the visit's own day is a new one.
    assert count(services, company, NOON + 19 * day) == 1
    assert report(services, company).totals.nulls == 2
    assert count(services, company, NOON + 28 * day) == 1
    assert report(services, company).totals.nulls == 1
    assert report(services, company, days=7).totals.nulls == 2


def test_turns_of_nights_that_were_missed_are_made_up_for() -> None:
    night, day = date(2026, 11, 20), timedelta(days=1)
    one, both = days_in_turn(night - day, night), days_in_turn(night - 2 * day, night)
    assert one == sorted(night - after * day for after in (1, 2, 3, 5, 8, 15, 31, 60, 91))
    assert set(both) == {*one, *days_in_turn(night - 2 * day, night - day)}
    assert days_in_turn(night, night) == []


def test_a_day_that_is_not_over_has_no_lost_journeys_yet(services: Services, company: Company) -> None:
    visit = visit_by(services, company, GOOGLE, NOON - timedelta(hours=1))
    visit_by(services, company, META, NOON - timedelta(hours=2))
    change = converted(services, company, judged_call(services, company, NOON, [Told(visit, 1.0)]))
    assert count(services, company, NOON + timedelta(hours=1), change) == 1
    assert (report(services, company).totals.conversions, report(services, company).totals.nulls) == (1, 0)
    assert count(services, company, LATER) == 1
    assert report(services, company).totals.nulls == 1


def test_days_are_counted_anew_when_their_conversions_or_verdicts_change_and_only_then(
    services: Services, company: Company
) -> None:
    visit = visit_by(services, company, GOOGLE, NOON - timedelta(days=2))
    call = judged_call(services, company, NOON, [Told(visit, 1.0)])
    change = converted(services, company, call, value_minor=100)
    assert count(services, company, LATER, change) == 2
    assert count(services, company, LATER) == 0
    with services.db.tenant(company.id) as session:
        session.execute(update(Conversion).values(status="retracted"))
    assert count(services, company, LATER, change) == 1
    assert report(services, company).totals.conversions == 0
    with services.db.tenant(company.id) as session:
        session.execute(update(Conversion).values(status="counted", value_minor=250))
    with services.db.system() as system:
        assert company.id not in companies_with_due_credit(system, LATER)
    mark_credit_of_calls(services, company.id, [call.id])
    assert count(services, company, datetime.now(UTC)) == 1
    assert report(services, company).totals.value_minor == 250
    # A day that takes a minute to count waits for 200 of them.
    with services.db.tenant(company.id) as session:
        session.execute(update(CreditDay).values(took_ms=60_000))
    mark_credit_of_calls(services, company.id, [call.id])
    assert count(services, company, datetime.now(UTC)) == 0
    assert count(services, company, datetime.now(UTC) + timedelta(minutes=201)) >= 1
    # What no fact told is found by night.
    with services.db.tenant(company.id) as session:
        session.execute(update(Conversion).values(value_minor=300))
    assert count(services, company, datetime.now(UTC) + timedelta(days=2)) == 1
    assert report(services, company).totals.value_minor == 300


def test_a_killed_count_is_taken_up_again_and_a_late_one_stores_nothing(
    services: Services, company: Company
) -> None:
    visit = visit_by(services, company, GOOGLE, NOON - timedelta(hours=2))
    call = judged_call(services, company, NOON, [Told(visit, 1.0)])
    change = converted(services, company, call)
    count(services, company, LATER, change)
    with services.db.tenant(company.id) as session:
        session.execute(update(CreditDay).values(leased_until=LATER + timedelta(minutes=5), tries=1))
    assert count(services, company, LATER + timedelta(minutes=1)) == 0
    assert count(services, company, LATER + timedelta(minutes=6)) == 1
    with services.db.tenant(company.id) as session:
        day = session.scalars(select(CreditDay)).one()
        assert (day.tries, day.due_at, day.leased_until) == (0, None, None)
        assert day.counted_at == LATER + timedelta(minutes=7)


def test_another_companys_paths_are_never_read(services: Services, company: Company) -> None:
    visit = visit_by(services, company, GOOGLE, NOON - timedelta(hours=2))
    count(
        services,
        company,
        LATER,
        converted(services, company, judged_call(services, company, NOON, [Told(visit, 1)])),
    )
    other = make_company(services)
    with services.db.tenant(other.id) as session:
        assert session.scalars(select(CreditPaths)).all() == []
        found = credit_report(session, other.id, Asked(DAY, DAY))
    assert (found.channels, found.totals.conversions, found.counted_at) == ((), 0, None)


@given(st.integers(0, 10**6))
@settings(max_examples=examples(4), deadline=None)
def test_credit_of_random_histories_adds_up_to_the_rows(services: Services, seed: int) -> None:
    chance = random.Random(seed)
    company = make_company(services, numbers=1)
    keys = [GOOGLE, META, ORGANIC, DIRECT, RADIO]
    # Around the night in which Rome's clocks go back.
    begin = datetime(2026, 10, 23, 20, 0, tzinfo=UTC)
    visitors = [new_id(begin) for _ in range(6)]
    visits = [
        visit_by(
            services, company, chance.choice(keys), begin + timedelta(hours=chance.uniform(0, 80)),
            chance.choice(visitors),
        )
        for _ in range(14)
    ]  # fmt: skip
    expected: dict[str, list[int]] = {"lead": [], "purchase": []}
    by_day: dict[tuple[date, str], int] = defaultdict(int)
    last: dict[str, float] = defaultdict(float)
    for _ in range(7):
        at = begin + timedelta(hours=chance.uniform(60, 100))
        some = [one for one in chance.sample(visits, 3) if one.started_at <= at]
        odds = [chance.random() for _ in range(len(some) + 1)]
        parts = [one / sum(odds) for one in odds]
        suspects = [Told(one, p) for one, p in zip(some, parts, strict=False)]
        also = {chance.choice(keys): parts[-1]} if chance.random() < 0.5 else {}
        call = judged_call(services, company, at, suspects, also=also)
        browsers = {visitors.pop(): chance.random()} if len(visitors) > 2 else {}
        with_person = a_person(services, company, at, browsers, call) if chance.random() < 0.5 else None
        for kind in ("lead", "purchase"):
            if chance.random() < 0.7:
                value, after = chance.randrange(0, 10**6), timedelta(hours=chance.uniform(0, 30))
                converted(
                    services, company, call, kind=kind, value_minor=value, after=after, person=with_person
                )
                expected[kind].append(value)
                by_day[(at + after).astimezone(ROME).date(), kind] += 1
                if kind == "lead":
                    for key in suspects:
                        last[key.visit.source] += key.p
                    for key_, p in also.items():
                        last[key_.split("\x1f")[0]] += p
    count(services, company, begin + timedelta(days=30))
    for kind, values in expected.items():
        for days in (7, 30, 90):
            for level in ("source", "campaign"):
                found = report(services, company, kind=kind, days=days, level=level)
                assert found.totals.conversions == len(values)
                assert found.totals.value_minor == sum(values)
                for side in found.sides:
                    if side.credit is None:
                        continue
                    whole = math.fsum(side.credit.conversions) + side.credit.uncredited
                    assert whole == pytest.approx(len(values), abs=1e-9), side.model
                    assert sum(side.credit.value_minor) + side.credit.uncredited_value_minor == sum(values)
    for (day, kind), many in by_day.items():
        assert report(services, company, since=day, until=day, kind=kind).totals.conversions == many
    credit = report(services, company).side("last").credit
    assert credit is not None
    by_source: dict[str, float] = defaultdict(float)
    for name, part in zip(credit.channels, credit.conversions, strict=True):
        by_source[name.split("\x1f")[0]] += part
    # What a verdict leaves to nobody goes to the last touch of a person's other browser, if there is one.
    assert all(by_source[name] >= part - 1e-9 for name, part in last.items())
