"""Past calls judged anew: in order, from where it stopped, both verdicts kept, told only where asked."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from calltrack.attribution.judging_anew import ask, due_judgings, go_on, stop
from calltrack.attribution.model import Attribution
from calltrack.attribution.model_rows import RejudgedCall, Rejudging
from calltrack.conversions import ledger
from calltrack.conversions.ledger import Decision
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.conversions.service import correct_call
from calltrack.infra.outbox import Fact
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.wiring import Services
from tests.attribution.late_visits import MINUTE, calls_without_visits
from tests.builders import NOON, Company, make_company

ASKED = NOON + timedelta(days=1)


def by(services: Services, now: datetime = ASKED + MINUTE) -> Services:
    return replace(services, clock=lambda: now)


def asked(services: Services, company: Company, **more: bool) -> UUID:
    with services.db.tenant(company.id) as session:
        return ask(session, company.id, NOON - timedelta(days=1), "eva", ASKED, **more)


def row(services: Services, company: Company, id_: UUID) -> Rejudging:
    with services.db.tenant(company.id) as session:
        return session.get_one(Rejudging, (company.id, id_))


def facts(services: Services, company: Company, *kinds: str) -> list[tuple[str, UUID]]:
    with services.db.tenant(company.id) as session:
        rows = session.execute(
            select(Fact.kind, Fact.subject_id)
            .where(Fact.kind.in_(kinds), Fact.recorded_at > ASKED)
            .order_by(Fact.id)
        )
        return [(kind, subject) for kind, subject in rows]


def test_both_verdicts_are_kept_and_nobody_is_told(services: Services, company: Company) -> None:
    calls = calls_without_visits(services, company, 3)
    id_ = asked(services, company)
    assert go_on(by(services), company.id, id_) is False
    done = row(services, company, id_)
    assert (done.judged, done.changed_visit, done.changed_campaign, done.changed_source) == (3, 3, 3, 3)
    assert (done.done_at, done.due_at) == (ASKED + MINUTE, None)
    with services.db.tenant(company.id) as session:
        differing = session.scalars(select(RejudgedCall).order_by(RejudgedCall.call_id)).all()
        verdicts = {one.id: one for one in session.scalars(select(Attribution))}
    assert [one.call_id for one in differing] == [call.id for call in calls]
    for one in differing:
        assert one.before_id is not None
        assert verdicts[one.before_id].visit_id is None
        assert not verdicts[one.before_id].is_current
        assert verdicts[one.after_id].visit_id is not None
        assert verdicts[one.after_id].is_current
    assert facts(services, company, "call.attributed", "call.corrected", "conversion.changed") == []
    assert go_on(by(services), company.id, id_) is False
    assert row(services, company, id_).judged == 3


def test_it_goes_on_where_it_stopped(services: Services, company: Company) -> None:
    calls_without_visits(services, company, 4)
    id_ = asked(services, company)
    halt = threading.Event()
    halt.set()
    assert go_on(by(services), company.id, id_, halt) is True
    assert go_on(by(services), company.id, id_, None, 0.0) is True
    assert row(services, company, id_).judged == 0
    with services.db.system() as system:
        assert (company.id, id_) in due_judgings(system, ASKED + MINUTE)
    # A worker is killed after two calls: what it had taken is due again when its lease is over.
    kill_after(services, company, id_, 2)
    assert row(services, company, id_).judged == 2
    with services.db.system() as system:
        assert (company.id, id_) not in due_judgings(system, ASKED + 2 * MINUTE)
    assert go_on(by(services, ASKED + 2 * MINUTE), company.id, id_) is False
    assert row(services, company, id_).judged == 2
    go_on(by(services, ASKED + 5 * MINUTE), company.id, id_)
    assert (row(services, company, id_).judged, row(services, company, id_).changed_visit) == (4, 4)


class Killed(BaseException):
    """What a killed worker leaves behind is what was committed before."""


def test_a_worker_that_stood_still_repeats_nothing(services: Services, company: Company) -> None:
    calls_without_visits(services, company, 4)
    id_ = asked(services, company)
    times = 0

    def clock() -> datetime:
        nonlocal times
        times += 1
        if times == 3:  # After its first call it stands still, and another worker takes over for two.
            kill_after(services, company, id_, 2, ASKED + 9 * MINUTE)
        return ASKED + MINUTE

    assert go_on(replace(services, clock=clock), company.id, id_) is False
    assert (row(services, company, id_).judged, row(services, company, id_).changed_visit) == (4, 4)


def kill_after(
    services: Services, company: Company, id_: UUID, calls: int, at: datetime = ASKED + MINUTE
) -> None:
    left = [calls + 2]  # The clock is asked once for the claim and once for each call.

    def clock() -> datetime:
        left[0] -= 1
        if not left[0]:
            raise Killed
        return at

    with pytest.raises(Killed):
        go_on(replace(services, clock=clock), company.id, id_)


def test_what_is_ticked_reaches_destinations_as_an_adjustment_once(
    services: Services, company: Company
) -> None:
    (call,) = calls_without_visits(services, company, 1)
    with services.db.tenant(company.id) as session:
        decision = Decision(by="eva", reason="", now=NOON + MINUTE, currency="EUR", value_minor=85_000)
        ledger.count(session, call, "purchase", decision)
    id_ = asked(services, company, tells=True)
    go_on(by(services), company.id, id_)
    assert facts(services, company, "call.attributed", "call.corrected") == [("call.corrected", call.id)]
    for _ in range(2):
        with services.db.tenant(company.id) as session:
            correct_call(session, company.id, call.id, ASKED + 2 * MINUTE)
    with services.db.tenant(company.id) as session:
        changes = session.scalars(select(ConversionChange).order_by(ConversionChange.sequence)).all()
        conversion = session.scalars(select(Conversion)).one()
    assert [(one.action, one.value_minor, one.changed_by) for one in changes] == [
        ("create", 85_000, "eva"),
        ("restate", 85_000, "attribution"),
    ]
    assert (conversion.decided_by, conversion.sequence) == ("eva", 1)


def test_only_one_request_at_a_time_and_it_can_be_stopped(services: Services, company: Company) -> None:
    calls_without_visits(services, company, 2)
    id_ = asked(services, company)
    with services.db.tenant(company.id) as session:
        with pytest.raises(Conflict, match="being judged anew already"):
            ask(session, company.id, NOON, "eva", ASKED)
        stop(session, company.id, id_, "eva", ASKED)
        with pytest.raises(Conflict, match="done already"):
            stop(session, company.id, id_, "eva", ASKED)
    assert go_on(by(services), company.id, id_) is False
    assert row(services, company, id_).judged == 0
    assert asked(services, company) != id_


@pytest.mark.parametrize(
    ("since", "problem"), [(timedelta(0), "has begun"), (timedelta(days=-401), "at most 400 days")]
)
def test_a_day_that_makes_no_sense_is_refused(
    services: Services, company: Company, since: timedelta, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem), services.db.tenant(company.id) as session:
        ask(session, company.id, ASKED + since, "eva", ASKED)


def test_a_foreign_request_does_not_exist(services: Services, company: Company) -> None:
    id_ = asked(services, make_company(services))
    with pytest.raises(NotFound), services.db.tenant(company.id) as session:
        stop(session, company.id, id_, "eva", ASKED)
    assert go_on(by(services), company.id, id_) is False
