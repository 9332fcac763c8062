"""What conversions read does not grow with the company, nor with the square of one caller's calls."""

from datetime import timedelta
from uuid import UUID

import pytest

from calltrack.calls.model import Call
from calltrack.conversions.contacts import contacts_of, store_contact
from calltrack.conversions.history import later_calls
from calltrack.conversions.service import classify_call, follow_person
from calltrack.conversions.told import Contact
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.journeys.service import link_person
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_company
from tests.copies import copy_row, gather_statistics
from tests.explained import explained

# What other files left would make other plans.
pytestmark = pytest.mark.usefixtures("emptied")
HOUR = timedelta(hours=1)
MANY = 2_000


def counted_call(services: Services, company: Company) -> tuple[Call, UUID]:
    """Store a call that became a lead; returns it with its person."""
    call = make_call(services, company)
    with services.db.tenant(company.id) as session:
        person_id = link_person(session, services.vault, company.id, call.id, NOON)
    assert person_id is not None
    with services.db.tenant(company.id) as session:
        classify_call(session, company.id, call.id, NOON)
    return call, person_id


def test_joined_persons_read_nobody_elses_conversions(
    services: Services, company: Company, postgres: EmbeddedPostgres
) -> None:
    _, person_id = counted_call(services, company)
    with services.db.tenant(company.id) as session:
        another = {"call_sid": "'CA' || md5(CAST(n AS text))", "caller_hash": r"'\x' || md5(CAST(n AS text))"}
        copy_row(session, "call", MANY, "id", **another)
        copy_row(session, "conversion", MANY, "id", "call_id", person_id="NULL")
    gather_statistics(postgres.owner_url)
    with (
        explained(services.db.engine) as found,
        services.db.tenant(company.id) as session,
    ):
        follow_person(session, company.id, person_id, NOON)
    assert found.worse_than(MANY // 10) == {}


def test_what_is_known_of_a_caller_is_looked_up_once_for_all_calls(
    services: Services, company: Company, postgres: EmbeddedPostgres
) -> None:
    call, _ = counted_call(services, company)
    other = make_call(services, company, at=NOON + HOUR)
    with services.db.tenant(company.id) as session:
        copy_row(
            session, "call", MANY, "id", call_sid="'CA' || md5(CAST(n AS text))", where=f"id = '{call.id}'"
        )
        copy_row(session, "conversion", MANY, "id", "call_id")
        told = Contact(email="anna@example.com", city="Roma")
        store_contact(session, services.vault, company.id, call.id, told, NOON)
    gather_statistics(postgres.owner_url)
    with services.db.tenant(company.id) as session:
        asked = list(session.scalars(Call.__table__.select().with_only_columns(Call.id).limit(MANY // 4)))
        asked = sorted({*asked, call.id, other.id})
        with explained(services.db.engine) as found:
            known = contacts_of(session, services.vault, company.id, asked)
    assert set(known) == set(asked) - {other.id}
    assert set(known.values()) == {told}
    assert found.worse_than(MANY * 5) == {}


def test_what_was_told_of_the_call_itself_stands_above_what_the_persons_others_say(
    services: Services, company: Company
) -> None:
    first, _ = counted_call(services, company)
    with services.db.tenant(company.id) as session:
        copy_row(session, "call", 2, "id", call_sid="'CA' || md5(CAST(n AS text))")
        copy_row(session, "conversion", 2, "id", "call_id")
    with services.db.tenant(company.id) as session:
        second, third = session.scalars(
            Call.__table__.select().with_only_columns(Call.id).where(Call.id != first.id).order_by(Call.id)
        )
        for call_id, told, at in (
            (first.id, Contact(email="old@example.com", city="Roma"), NOON),
            (second, Contact(email="new@example.com"), NOON + HOUR),
        ):
            store_contact(session, services.vault, company.id, call_id, told, at)
        found = contacts_of(session, services.vault, company.id, [first.id, second, third])
    assert found == {
        first.id: Contact(email="old@example.com", city="Roma"),
        second: Contact(email="new@example.com", city="Roma"),
        third: Contact(email="new@example.com", city="Roma"),
    }


def test_later_calls_are_read_some_at_a_time_each_once_in_their_order(
    services: Services, company: Company
) -> None:
    first = make_call(services, company)
    make_call(services, company, at=NOON + HOUR, caller="+393470000002")
    later = [make_call(services, company, at=NOON + HOUR * place) for place in (0, 1, 1, 1, 2, 3, 30)]
    wanted = sorted(
        (one.started_at, one.id) for one in later[:-1] if one.id > first.id or one.started_at > NOON
    )
    with services.db.tenant(company.id) as session:
        calls = later_calls(session, first, None, timedelta(hours=30), most=2)
        assert [(one.started_at, one.id) for one in calls] == wanted


def test_judging_a_call_reads_its_callers_later_ones_only_as_far_as_it_reaches(
    services: Services, postgres: EmbeddedPostgres
) -> None:
    company = make_company(services, settings={"lead_window_days": 1})
    call = make_call(services, company)
    with services.db.tenant(company.id) as session:
        person_id = link_person(session, services.vault, company.id, call.id, NOON)
        at = "CAST('2026-11-20 12:00+00' AS timestamptz) + n * interval '3 hours'"
        sid = "'CA' || md5(CAST(n AS text))"
        copy_row(session, "call", MANY, "id", call_sid=sid, started_at=at)
    gather_statistics(postgres.owner_url)
    with (
        explained(services.db.engine) as found,
        services.db.tenant(company.id) as session,
    ):
        classify_call(session, company.id, call.id, NOON)
    assert person_id is not None
    assert found.worse_than(MANY // 10) == {}
