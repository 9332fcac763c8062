"""The reads of every room: what they count, what they hide, how they page."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from calltrack.attribution.model import Attribution
from calltrack.calls import queries as calls
from calltrack.conversions import figures
from calltrack.conversions import queries as conversions
from calltrack.conversions.call_log import CallFilter, Place
from calltrack.conversions.figures import Span
from calltrack.conversions.model import Conversion
from calltrack.delivery import log
from calltrack.delivery import queries as delivery
from calltrack.journeys import queries as journeys
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import new_id
from calltrack.numbers import queries as numbers
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_company, make_lease, make_visit

WEEK = Span(NOON - timedelta(days=7), NOON + timedelta(days=1))


def judge(services: Services, company: Company, call_id: UUID, source: str, visit_id: UUID | None) -> None:
    with services.db.tenant(company.id) as session:
        session.add(
            Attribution(
                company_id=company.id, id=new_id(), call_id=call_id, is_current=True, decided_at=NOON,
                model="1", visit_id=visit_id, probability=0.9, p_nobody=0.1, source=source, medium="cpc",
                campaign="roma", p_campaign=0.9, candidates=[], reasons=["Only one visitor saw the number."],
            )
        )  # fmt: skip


def convert(
    services: Services, company: Company, call_id: UUID, kind: str, *, value: int | None = None,
    at: datetime = NOON, currency: str = "EUR", status: str = "counted",
) -> UUID:  # fmt: skip
    id_ = new_id(at)
    with services.db.tenant(company.id) as session:
        session.add(
            Conversion(
                company_id=company.id, id=id_, call_id=call_id, person_id=None, kind=kind, status=status,
                value_minor=value, currency=currency, occurred_at=at, decided_by="test", reason="",
                created_at=at, changed_at=at,
            )
        )  # fmt: skip
    return id_


def test_totals_count_each_thing_once(services: Services, company: Company) -> None:
    visit = make_visit(services, company)
    make_visit(services, company, at=NOON - timedelta(days=8))
    talked = make_call(services, company)
    make_call(services, company, outcome="missed", at=NOON - timedelta(days=1))
    make_call(services, company, outcome=None, at=NOON + timedelta(minutes=1))
    make_call(services, company, at=NOON - timedelta(days=8))
    judge(services, company, talked.id, "google", visit.id)
    convert(services, company, talked.id, "lead")
    convert(services, company, talked.id, "purchase", value=85_000)
    other = make_call(services, company, at=NOON - timedelta(days=2))
    convert(services, company, other.id, "purchase", value=10_000, currency="USD")
    convert(services, company, other.id, "lead", status="retracted")
    with services.db.tenant(company.id) as session:
        found = figures.totals(session, company.id, WEEK, "EUR")
        days = figures.over_time(session, company.id, WEEK, "EUR", "Europe/Rome", "day")
        sources = figures.by_source(session, company.id, WEEK, "EUR")
    assert (found.visits, found.calls, found.ended, found.answered) == (1, 4, 3, 2)
    assert (found.leads, found.purchases, found.value_minor, found.other_currency) == (1, 2, 85_000, 1)
    assert found.answered_share == pytest.approx(2 / 3)
    assert found.source_share == pytest.approx(1 / 4)
    for name in ("calls", "answered", "leads", "purchases", "value_minor"):
        assert sum(getattr(day, name) for day in days) == getattr(found, name)
        assert sum(getattr(row, name) for row in sources) == getattr(found, name)
    assert len(days) == 9
    assert (sources[0].source, sources[0].visits, sources[0].leads) == ("google", 1, 1)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 10, 24, 21, 59, tzinfo=UTC), date(2026, 10, 24)),
        (datetime(2026, 10, 24, 22, 1, tzinfo=UTC), date(2026, 10, 25)),
        # The night the clocks go back has 25 hours: midnight comes at 23:00 UTC.
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 23, 1, tzinfo=UTC), date(2026, 10, 26)),
    ],
)
def test_days_are_the_companys_days(
    services: Services, company: Company, moment: datetime, day: date
) -> None:
    make_call(services, company, at=moment)
    span = Span(datetime(2026, 10, 22, 22, tzinfo=UTC), datetime(2026, 10, 27, 23, tzinfo=UTC))
    with services.db.tenant(company.id) as session:
        days = figures.over_time(session, company.id, span, "EUR", "Europe/Rome", "day")
    assert [bucket.start for bucket in days if bucket.calls] == [day]
    assert len({bucket.start for bucket in days}) == len(days) == 5


def test_the_call_log_filters(services: Services, company: Company) -> None:
    talked = make_call(services, company, caller="+390669940001")
    missed = make_call(services, company, outcome="missed", caller=None, at=NOON - timedelta(days=1))
    ringing = make_call(services, company, outcome=None, number_id=company.overflow_id)
    judge(services, company, talked.id, "google", None)
    convert(services, company, talked.id, "lead")
    with services.db.tenant(company.id) as session:
        ringing_row = session.get(type(ringing), (company.id, ringing.id))
        assert ringing_row
        ringing_row.status = "ringing"
    everything = {talked.id, missed.id, ringing.id}
    table: list[tuple[CallFilter, set[UUID]]] = [
        (CallFilter(), everything),
        (CallFilter(outcome="answered"), {talked.id}),
        (CallFilter(outcome="lost"), {missed.id}),
        (CallFilter(outcome="open"), {ringing.id}),
        (CallFilter(source="google"), {talked.id}),
        (CallFilter(source="google", medium="cpc", campaign="roma"), {talked.id}),
        (CallFilter(source="google", campaign="milano"), set()),
        (CallFilter(source="unknown"), {missed.id, ringing.id}),
        (CallFilter(brought="lead"), {talked.id}),
        (CallFilter(brought="purchase"), set()),
        (CallFilter(brought="none"), {missed.id, ringing.id}),
        (CallFilter(number_id=company.overflow_id), {ringing.id}),
        (CallFilter(location_id=company.location_id), everything),
        (CallFilter(location_id=new_id()), set()),
        (CallFilter(caller="+390669940001"), {talked.id}),
        (CallFilter(caller="+390669940002"), set()),
        (CallFilter(since=NOON - timedelta(hours=1)), {talked.id, ringing.id}),
        (CallFilter(until=NOON - timedelta(hours=1)), {missed.id}),
    ]
    with services.db.tenant(company.id) as session:
        for wanted, expected in table:
            page = conversions.find_calls(session, services.vault, company.id, wanted)
            assert {row.id for row in page.rows} == expected, wanted
        with pytest.raises(BadInput):
            conversions.find_calls(session, services.vault, company.id, CallFilter(outcome="odd"))


def test_pages_hold_every_call_once_although_many_rang_in_the_same_second(
    services: Services, company: Company
) -> None:
    made = [make_call(services, company, at=NOON - timedelta(seconds=n // 5)) for n in range(23)]
    seen: list[UUID] = []
    place: Place | None = None
    while True:
        with services.db.tenant(company.id) as session:
            page = conversions.find_calls(session, services.vault, company.id, CallFilter(), place, 5)
        seen += [row.id for row in page.rows]
        if page.next is None:
            break
        place = Place.from_text(page.next.to_text())
    assert len(seen) == 23
    assert set(seen) == {call.id for call in made}


@pytest.mark.parametrize("text", ["", "x", "W10", "bnVsbA", "WyIyMDI2LTAxLTAxIiwiYWIiXQ", "é"])
def test_a_garbled_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Place.from_text(text)


def test_a_call_and_its_journey_belong_to_one_company(services: Services, company: Company) -> None:
    other = make_company(services)
    first = make_call(services, company)
    again = make_call(services, company, at=NOON + timedelta(days=4))
    make_call(services, other)
    with services.db.tenant(company.id) as session:
        row = calls.call(session, services.vault, company.id, first.id)
        assert row
        assert row.caller == "+393471234567"
        journey = journeys.journey_of(session, company.id, row.caller_hash)
        assert [call.id for call in journey.calls] == [again.id, first.id]
        assert calls.line(session, services.vault, company.id, row).events == ()
    with services.db.tenant(other.id) as session:
        assert calls.call(session, services.vault, other.id, first.id) is None


def test_pools_and_numbers_say_how_they_are_used(services: Services, company: Company) -> None:
    make_lease(services, company, make_visit(services, company), company.overflow_id)
    make_call(services, company)
    with services.db.tenant(company.id) as session:
        (pool,) = numbers.pools(session, company.id, NOON + timedelta(minutes=3))
        rows = numbers.numbers(session, company.id, NOON + timedelta(minutes=3))
    assert (pool.numbers, pool.free, pool.shown, pool.cooling) == (5, 5, 0, 0)
    assert (pool.leases_24h, pool.dry_24h, pool.visitors_overflow_now, pool.overflow_numbers) == (1, 1, 1, 1)
    assert {row.state for row in rows} == {"free", "overflow"}
    assert sum(row.calls_30d for row in rows) == 1


def test_an_empty_company_has_empty_lists(services: Services, company: Company) -> None:
    with services.db.tenant(company.id) as session:
        assert figures.totals(session, company.id, WEEK, "EUR").answered_share is None
        assert figures.by_source(session, company.id, WEEK, "EUR") == ()
        assert delivery.destinations(session, company.id, NOON) == ()
        assert log.find(session, company.id, log.DeliveryFilter()) == ()
        assert log.count(session, company.id, log.DeliveryFilter()).total == 0
        assert delivery.parcels_of(session, company.id, []) == ()
        assert delivery.parcel(session, company.id, new_id()) is None
        assert conversions.find_conversions(session, company.id, WEEK) == ()
        with pytest.raises(BadInput):
            log.DeliveryFilter(state="lost")
