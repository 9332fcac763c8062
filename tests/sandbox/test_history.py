"""The demo's past: believable, marked, made of every state, and gone without a trace when removed."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from calltrack.attribution.calibrating import how_sure
from calltrack.attribution.link_model import KnownPhone, PhoneLink
from calltrack.attribution.model import Attribution
from calltrack.attribution.model_rows import AttributionCalibration, AttributionModel
from calltrack.attribution.serving import serving_version
from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion
from calltrack.delivery.model import Attempt, Delivery
from calltrack.infra.outbox import Fact
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.numbers.model import Lease
from calltrack.sandbox.demo_company import ensure_demo_company
from calltrack.sandbox.history import remove_history, seed_history
from calltrack.sandbox.history_world import imagine
from calltrack.visits.model import PageView, Visit, VisitorPhone
from calltrack.wiring import Services
from tests.builders import NOON

SEEDED = (
    Visit,
    PageView,
    VisitorPhone,
    Lease,
    Call,
    Attribution,
    AttributionModel,
    AttributionCalibration,
    PhoneLink,
    KnownPhone,
    Person,
    PersonCaller,
    PersonVisitor,
    Conversion,
    Delivery,
    Attempt,
)


@pytest.fixture(scope="module")
def demo(services: Services) -> Iterator[UUID]:
    company_id = UUID(ensure_demo_company(services, {})["company_id"])
    seed_history(services, 4)
    yield company_id
    remove_history(services)


def test_every_state_is_there_and_nothing_waits(services: Services, demo: UUID) -> None:
    with services.db.tenant(demo) as session:
        outcomes = set(session.scalars(select(Call.outcome).distinct()))
        states = set(session.scalars(select(Delivery.state).distinct()))
        waiting = session.scalar(select(func.count()).where(Delivery.due_at.is_not(None)))
        kinds = Counter(session.scalars(select(Conversion.kind)))
        facts = set(session.scalars(select(Fact.kind).distinct()))
    assert outcomes == {"answered", "missed", "busy", "abandoned", "mailbox", "failed"}
    assert states == {"confirmed", "rejected", "withheld", "parked", "unknown"}
    assert kinds["lead"] > kinds["purchase"] > 10
    assert waiting == 0
    # Journeys hear of the clicks that the accounts named, as with every look at them.
    assert facts <= {"visit.named"}


def test_the_past_is_marked_as_demo_data(services: Services, demo: UUID) -> None:
    with services.db.tenant(demo) as session:
        for table in (Visit, Call, Person, Conversion, Delivery):
            assert session.scalar(select(func.count()).where(~table.is_demo)) == 0, table


def test_verdicts_are_those_of_the_product(services: Services, demo: UUID) -> None:
    with services.db.tenant(demo) as session:
        verdicts = session.scalars(select(Attribution)).all()
    assert {verdict.model for verdict in verdicts} == {"shipped-1", "static"}
    assert all(verdict.reasons for verdict in verdicts)
    assert {verdict.level for verdict in verdicts} >= {"visit", "campaign", "unknown"}
    assert 0.5 < sum(verdict.level == "visit" for verdict in verdicts) / len(verdicts) < 0.98


def test_the_past_has_taught_a_model_and_says_how_sure_it_was(services: Services, demo: UUID) -> None:
    with services.db.tenant(demo) as session:
        found = how_sure(session, demo)
        version = serving_version(session, demo)
        kinds = set(session.scalars(select(PhoneLink.kind).distinct()))
    assert kinds == {"call", "form", "record"}
    assert (version or "").startswith("learnt-")
    assert {week.model[:7] for week in found.weeks} == {"learnt-"}
    assert version not in {week.model for week in found.weeks}, "judged by what was learnt before"
    assert found.is_enough, found.known
    assert len(found.weeks) >= 10
    assert (found.next_at or NOON) > services.clock()
    assert 0.6 < (found.levels["visitor"].came_true or 0) < 1


def test_seeding_again_changes_nothing_and_removing_leaves_no_row(services: Services, demo: UUID) -> None:
    assert seed_history(services, 4) == 0
    assert remove_history(services) > 1000
    with services.db.tenant(demo) as session:
        left = {
            table.__tablename__: session.scalar(select(func.count()).select_from(table)) for table in SEEDED
        }
        assert not any(left.values()), left
        assert session.scalar(text("SELECT count(*) FROM tracking_number")) == 29
    assert seed_history(services, 4) > 100


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_any_imagined_past_is_in_order_and_within_its_span(seed: int, pool: int) -> None:
    begin, end = NOON - timedelta(days=20), NOON
    past = imagine(seed, begin, end, pool)
    starts = [visit.started_at for visit in past.visits]
    assert starts == sorted(starts)
    assert all(begin <= start < end for start in starts)
    assert all(call.at < end for call in past.calls)
    assert all(0 <= visit.number < pool for visit in past.visits)
    assert all(call.value_minor > 0 for call in past.calls if call.buys)
