"""What is read of a pool's traffic, whole and sampled, and what advice that gives."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from calltrack.attribution.model import Attribution
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import Money
from calltrack.numbers.advice import PoolAdvice, advice_on
from calltrack.numbers.model import TrackingNumber
from calltrack.numbers.placing import move
from calltrack.numbers.pool_hours import WeekSeen, watched_seconds
from calltrack.numbers.pool_traffic import week_seen
from calltrack.numbers.use import Use
from calltrack.wiring import Services
from tests.builders import Company, make_call, make_company
from tests.numbers.pool_weeks import NOW, Writer, usual_weeks

TUESDAY_TEN = 24 + 10


@pytest.fixture(scope="module")
def busy(services: Services) -> Company:
    company = make_company(services, numbers=3)
    usual_weeks(company).write(services)
    return company


def seen(services: Services, company: Company, most_leases: int = 100_000) -> WeekSeen:
    with services.db.tenant(company.id) as session:
        return week_seen(session, company.id, company.pool_id, "Europe/Rome", NOW, most_leases)


def advice(services: Services, company: Company) -> PoolAdvice:
    with services.db.tenant(company.id) as session:
        return advice_on(session, company.id, company.pool_id, "Europe/Rome", NOW)


def test_a_week_is_read_by_the_hours_of_the_company(services: Services, busy: Company) -> None:
    week = seen(services, busy)
    assert week.seen == 4 * (5 * 10 * 6 + 60)
    assert (week.hours[TUESDAY_TEN].per_hour, week.hours[TUESDAY_TEN].shared) == (66.0, 60)
    assert (week.hours[8].per_hour, week.hours[7].per_hour, week.hours[18].per_hour) == (6.0, 0.0, 0.0)
    assert week.hours[8].watched == 4 * 3_600
    assert week.seconds_on_screen == pytest.approx(120)
    traffic = week.traffic()
    assert (traffic.campaigns, traffic.sources) == (4, 2)
    assert traffic.loads()[TUESDAY_TEN] == pytest.approx(66 * 120 / 3_600, rel=0.02)
    assert week.shared_share == pytest.approx(15 / 360)


def test_a_page_that_never_told_it_was_left_counts_until_its_silence(services: Services) -> None:
    company = make_company(services, numbers=1)
    writer = Writer(company)
    writer.hour(0, 10, 40, seconds=60, left=False)
    writer.hour(0, 11, 40, seconds=40_000)
    writer.write(services)
    week = seen(services, company)
    assert week.hours[10].on_screen / 40 == pytest.approx(135)
    assert week.hours[11].on_screen / 40 == pytest.approx(4 * 3_600)


def test_a_sample_says_what_the_whole_says(services: Services, busy: Company) -> None:
    """A tenth of a large pool's leases is read: of every ten minutes the first ones."""
    company = make_company(services, numbers=4)
    writer = Writer(company)
    for week in range(4):
        for hour in (10, 11, 34):
            writer.hour(week, hour, 300 if hour == 34 else 90, shared=30, campaign=f"c{hour}")
    writer.write(services)
    whole, sample = seen(services, company), seen(services, company, most_leases=1_000)
    assert (whole.is_sampled, sample.is_sampled) == (False, True)
    assert sample.seen < whole.seen
    for hour in (9, 10, 11, 34):
        assert sample.hours[hour].per_hour == pytest.approx(whole.hours[hour].per_hour, rel=0.05)
    assert sample.traffic().campaigns == whole.traffic().campaigns == 3


def test_traffic_of_another_pool_is_not_read(services: Services, busy: Company) -> None:
    assert seen(services, make_company(services)).seen == 0
    company = make_company(services, numbers=2)
    writer = Writer(company)
    writer.hour(0, 10, 40)
    writer.hour(3, 10, 40)
    writer.write(services)
    moved = NOW - timedelta(days=14)
    with services.db.tenant(company.id) as session:
        session.execute(
            update(TrackingNumber)
            .where(TrackingNumber.company_id == company.id)
            .values(created_at=NOW - timedelta(days=90))
        )
        session.expire_all()
        use = Use(kind="static", location_id=company.location_id, source="billboard")
        move(session, company.id, company.number_ids[0], use, moved, by="test")
    assert [seen(services, company, most).seen for most in (1_000, 10)] == [60, 60]


def test_advice_names_tuesday_at_ten_and_the_campaign(services: Services, busy: Company) -> None:
    with services.db.tenant(busy.id) as session:
        session.execute(
            update(TrackingNumber)
            .where(TrackingNumber.company_id == busy.id, TrackingNumber.pool_id == busy.pool_id)
            .values(rent_minor=115, rent_currency="EUR")
        )
    found = advice(services, busy)
    assert (found.state, found.numbers, found.rents_unknown) == ("ready", 3, 0)
    worst = found.dry[0]
    assert (worst.hour, worst.causes) == (TUESDAY_TEN, ("campaign", "visits"))
    assert "Tuesday 10:00 to 11:00: 66 visits" in worst.sentence
    assert "The campaign tv spot (tv) brings 91\u202f%" in worst.sentence
    assert found.advice is not None
    assert found.advice.now.cost == Money(345, "EUR")
    assert [one.numbers for one in found.outlooks] == [2, 3, 4]
    goals = {(goal.kind, goal.share): goal for goal in found.goals}
    rarely = goals["rarely_shared", 0.01]
    assert rarely.numbers is not None
    assert rarely.change == rarely.numbers - 3 > 0
    assert rarely.cost == Money(115 * rarely.numbers, "EUR")
    assert goals["campaigns", 0.98].numbers is not None
    assert not any(kind == "visits" for kind, _ in goals), "there are no calls yet"


def test_visits_of_one_network_are_named_as_the_cause(services: Services) -> None:
    company = make_company(services, numbers=20)
    writer = usual_weeks(company, peak=0, per_hour=8)
    for week in range(4):
        writer.hour(week, TUESDAY_TEN, 20, shared=10)
    writer.write(services)
    (hour,) = advice(services, company).dry
    assert hour.hour == TUESDAY_TEN
    assert "network" in hour.causes
    assert "More numbers do not change that" in hour.sentence


def test_calls_tell_how_many_numbers_visits_need(services: Services) -> None:
    company = make_company(services, numbers=6)
    writer = usual_weeks(company)
    writer.write(services)
    leases = [one for one in writer.leases if one["number_id"] == company.number_ids[0]]
    for place, lease in enumerate(leases[:40]):
        waits = timedelta(seconds=5) if place % 4 else timedelta(days=3)
        call = make_call(services, company, caller=f"+3934712{place:05d}", at=lease["last_seen_at"] + waits)
        with services.db.tenant(company.id) as session:
            session.add(
                Attribution(
                    company_id=company.id, id=new_id(), call_id=call.id, is_current=True, decided_at=NOW,
                    model="test", visit_id=lease["visit_id"], probability=0.9, p_nobody=0.1, source="",
                    medium="", campaign="", p_campaign=0.9, reasons=[],
                    candidates=[
                        {"visit_id": str(lease["visit_id"]), "probability": 0.9}
                        if place < 8
                        else [lease["visit_id"].hex, new_id().hex, "", 0.9, 0.0]
                    ],
                )
            )  # fmt: skip
    found = advice(services, company)
    assert found.advice is not None
    assert found.advice.now.visit_accuracy == pytest.approx(0.75)
    goals = {goal.share: goal.numbers for goal in found.goals if goal.kind == "visits"}
    needed = goals[0.8]
    assert needed is not None
    assert 100 < needed < 400, "as many as visits begin within three days"


def test_a_young_pool_and_an_empty_one_say_so(services: Services) -> None:
    company = make_company(services, numbers=2)
    empty = advice(services, company)
    assert (empty.state, empty.hours, empty.goals, empty.advice) == ("no_traffic", (), (), None)
    writer = Writer(company)
    writer.hour(3, 5 * 24 + 10, 250)
    writer.write(services)
    young = advice(services, company)
    assert (young.state, young.advice) == ("too_little", None)
    assert 1 < young.week.days < 2
    assert young.hours[5 * 24 + 10].visits == 250
    assert young.dry[0].hour == 5 * 24 + 10
    with services.db.tenant(company.id) as session, pytest.raises(NotFound):
        advice_on(session, company.id, new_id(), "Europe/Rome", NOW)


def test_an_hour_of_nepal_is_watched_to_the_quarter() -> None:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    found = watched_seconds(at, at + timedelta(hours=1), ZoneInfo("Asia/Kathmandu"))
    assert {hour: seconds for hour, seconds in enumerate(found.tolist()) if seconds} == {5: 900, 6: 2700}
