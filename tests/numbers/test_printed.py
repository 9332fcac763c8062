"""Numbers that are called from nowhere: noticed hourly, told, and no longer told when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, update

from calltrack.calls.guard.model import CallSpam
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.numbers.leaving import warnings_of
from calltrack.numbers.model import NumberSighting, TrackingNumber
from calltrack.numbers.printed import note_strange_calls, printed_numbers
from calltrack.numbers.surveying import survey
from calltrack.wiring import Services
from tests.builders import Company, make_call, make_company, make_lease, make_visit
from tests.copies import copy_row, gather_statistics
from tests.explained import explained
from tests.numbers.provider import Provider

DAY = timedelta(days=1)
ANNA, BRUNO = "+393331111111", "+393332222222"


@pytest.fixture
def company(services: Services) -> Company:
    return make_company(services, numbers=2)


def printed(services: Services, company: Company, now: datetime) -> list[str]:
    with services.db.tenant(company.id) as session:
        return [one.e164 for one in printed_numbers(session, company.id, now)]


def look(services: Services, company: Company, now: datetime) -> bool:
    with services.db.tenant(company.id) as session:
        return note_strange_calls(session, company.id, now)


def test_two_callers_long_after_anybody_was_shown_it_are_a_sign(services: Services, company: Company) -> None:
    now, number_id = services.clock(), company.number_ids[0]
    make_lease(services, company, make_visit(services, company, at=now - 20 * DAY), number_id)
    make_call(services, company, number_id=number_id, at=now - 19 * DAY, caller=ANNA)
    make_call(services, company, number_id=number_id, at=now - 18 * DAY, caller=BRUNO)
    assert not look(services, company, now)
    make_call(services, company, number_id=number_id, at=now - 5 * DAY, caller=ANNA)
    make_call(services, company, number_id=number_id, at=now - 4 * DAY, caller=ANNA)
    assert not look(services, company, now), "one person saved it"
    make_call(services, company, number_id=number_id, at=now - 3 * DAY, caller=BRUNO)
    assert look(services, company, now)
    assert printed(services, company, now) == [company.numbers[0]]
    assert not look(services, company, now), "nothing new"
    with services.db.tenant(company.id) as session:
        (one,) = printed_numbers(session, company.id, now)
    assert "3 calls came in 30 days" in one.words
    assert look(services, company, now + 40 * DAY)
    assert printed(services, company, now + 40 * DAY) == []


def test_nuisance_old_uses_and_static_numbers_are_no_sign(services: Services, company: Company) -> None:
    now = services.clock()
    first, second = company.number_ids
    for caller in (ANNA, BRUNO):
        spam = make_call(services, company, number_id=first, at=now - DAY, caller=caller)
        make_call(services, company, number_id=second, at=now - DAY, caller=caller)
        with services.db.tenant(company.id) as session:
            session.execute(
                insert(CallSpam).values(
                    company_id=company.id, call_id=spam.id, mark="spam", points=100, reasons=[], judged_at=now
                )
            )
    with services.db.tenant(company.id) as session:
        # The second rests after another use until now.
        session.execute(update(TrackingNumber).where(TrackingNumber.id == second).values(rests_until=now))
    assert not look(services, company, now)
    with services.db.tenant(company.id) as session:
        session.execute(update(TrackingNumber).where(TrackingNumber.id == second).values(rests_until=None))
    assert look(services, company, now)
    assert printed(services, company, now) == [company.numbers[1]]
    with services.db.tenant(company.id) as session:
        session.execute(
            update(TrackingNumber)
            .where(TrackingNumber.id == second)
            .values(kind="static", pool_id=None, source="flyer")
        )
    assert printed(services, company, now) == []


def test_the_survey_tells_it_also_while_the_carrier_is_away(provider: Provider) -> None:
    number_id = provider.company.number_ids[0]
    for caller in (ANNA, BRUNO):
        make_call(
            provider.services, provider.company, number_id=number_id, at=provider.now - DAY, caller=caller
        )
    provider.world.fault("numbers", "503")
    survey(provider.services, provider.company.id)
    provider.tell()
    ((kind, words),) = provider.notices()
    assert kind == "number.printed"
    assert "seems to be printed" in words


def test_a_page_is_among_the_warnings_before_a_number_is_given_back(
    services: Services, company: Company
) -> None:
    now, number_id = services.clock(), company.number_ids[0]
    with services.db.tenant(company.id) as session:
        session.add(
            NumberSighting(
                company_id=company.id, number_id=number_id, page="https://www.trasloco.test/contact",
                first_seen_at=now, last_seen_at=now, times=1,
            )
        )  # fmt: skip
        session.flush()
        against = warnings_of(session, company.id, number_id, now)
    assert ["https://www.trasloco.test/contact" in one for one in against.sentences] == [True]
    assert against.wait_days == 30


def test_warnings_of_a_number_everybody_was_shown_read_some_leases_of_each_call(
    services: Services, company: Company, postgres: EmbeddedPostgres
) -> None:
    now, number_id = services.clock(), company.number_ids[0]
    visit = make_visit(services, company, at=now - 20 * DAY)
    make_lease(services, company, visit, number_id)
    for day in range(10):
        make_call(services, company, number_id=number_id, at=now - day * DAY, caller=ANNA)
    with services.db.tenant(company.id) as session:
        copy_row(session, "lease", 3_000, "id")
    gather_statistics(postgres.owner_url)
    with explained(services.db.engine) as found, services.db.tenant(company.id) as session:
        warnings_of(session, company.id, number_id, now)
    assert found.worse_than(3_000) == {}
