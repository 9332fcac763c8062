"""`POST /v1/beat` and `/v1/tap`: a page lives, a number is tapped."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Lease, Slot
from calltrack.visits.model import PageView, Visit
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.visits.conftest import Edge, age, shown


def test_a_heartbeat_extends_visit_lease_and_slot(edge: Edge, company: Company, services: Services) -> None:
    answer = edge.visit(company)
    age(services, company, 100)
    reply = edge.beat(company, answer)
    assert (reply.status_code, reply.data) == (204, b"")
    soon = datetime.now(UTC) + timedelta(seconds=140)
    with services.db.tenant(company.id) as session:
        visit, lease = session.scalars(select(Visit)).one(), session.scalars(select(Lease)).one()
        slot = session.get_one(Slot, (company.id, lease.number_id))
        assert len(session.scalars(select(PageView)).all()) == 1, "the same page is no new view"
    assert visit.last_seen_at - visit.started_at > timedelta(seconds=99)
    assert lease.shown_until > soon
    assert slot.busy_until == lease.shown_until


def test_a_heartbeat_from_another_page_is_a_page_view(
    edge: Edge, company: Company, services: Services
) -> None:
    answer = edge.visit(company)
    for path in ("/prezzi?x=1", "/prezzi", "/"):
        assert edge.beat(company, answer, path).status_code == 204
    with services.db.tenant(company.id) as session:
        pages = [view.page for view in session.scalars(select(PageView).order_by(PageView.id))]
    assert pages == [company.origin + path for path in ("/", "/prezzi", "/")]


def test_a_lapsed_lease_nobody_took_is_simply_extended(
    edge: Edge, company: Company, services: Services
) -> None:
    answer = edge.visit(company)
    age(services, company, 1000)
    assert edge.beat(company, answer).status_code == 204


def test_a_lost_number_is_replaced(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=2, lease_seconds=10, cooldown_seconds=5)
    first = edge.visit(company)
    age(services, company, 60)
    edge.visit(company)
    edge.visit(company)
    reply = edge.beat(company, first)
    assert reply.status_code == 200
    answer = reply.get_json()
    assert (answer["v"], answer["s"], shown(answer)) == (first["v"], first["s"], company.overflow)
    assert answer["n"][0]["t"] == company.target[1:]
    assert edge.beat(company, first).status_code == 204, "the overflow lease is extended now"


def test_a_page_looked_at_again_after_hours_is_a_new_visit_with_the_same_touch(
    edge: Edge, company: Company, services: Services
) -> None:
    first = edge.visit(company, u=company.origin + "/?gclid=Cj0-a")
    age(services, company, 7200)
    answer = edge.beat(company, first).get_json()
    assert answer["v"] == first["v"]
    assert answer["s"] != first["s"]
    assert shown(answer) == shown(first)
    with services.db.tenant(company.id) as session:
        old, new = session.scalars(select(Visit).order_by(Visit.id))
        leases = session.scalars(select(Lease).order_by(Lease.id)).all()
        views = session.scalars(select(PageView).order_by(PageView.id)).all()
    assert (new.id, new.click_ids, new.source) == (UUID(answer["s"]), {"gclid": "Cj0-a"}, "google")
    assert [lease.visit_id for lease in leases] == [old.id, new.id]
    assert leases[0].shown_until <= leases[1].shown_from
    assert [view.visit_id for view in views] == [old.id, new.id]


def test_a_heartbeat_of_an_unknown_visit_opens_one(edge: Edge, company: Company) -> None:
    made_up = {"v": str(new_id()), "s": str(new_id())}
    answer = edge.beat(company, made_up).get_json()
    assert answer["s"] != made_up["s"]
    assert shown(answer) in company.numbers


def test_a_heartbeat_never_touches_a_foreign_visit(edge: Edge, company: Company, services: Services) -> None:
    theirs, other = edge.visit(company), make_company(services)
    age(services, company, 100)
    with services.db.tenant(company.id) as session:
        before = session.scalars(select(Lease)).one().shown_until
    answer = edge.beat(other, theirs).get_json()
    assert answer["s"] != theirs["s"]
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(Lease)).one().shown_until == before


@pytest.mark.parametrize("known", [{"v": "", "s": ""}, {"v": "x", "s": "y"}])
def test_a_heartbeat_without_ids_is_refused(edge: Edge, company: Company, known: dict[str, str]) -> None:
    assert edge.beat(company, known).status_code == 400


@pytest.mark.parametrize("write", ["{n}", "{nn}", "00{n}", "+{n}"])
def test_a_tapped_number_is_noted_in_any_notation(
    edge: Edge, company: Company, services: Services, write: str
) -> None:
    answer, other = edge.visit(company), edge.visit(company)
    tapped = write.format(**answer["n"][0])
    assert edge.post("/v1/tap", company, {"s": answer["s"], "n": tapped}).status_code == 204
    with services.db.tenant(company.id) as session:
        leases = {str(lease.visit_id): lease.tapped_at for lease in session.scalars(select(Lease))}
    assert leases[answer["s"]] is not None
    assert leases[other["s"]] is None


def test_other_taps_change_nothing(edge: Edge, company: Company, services: Services) -> None:
    answer, other = edge.visit(company), make_company(services)
    number = answer["n"][0]["n"]
    for who, body in [
        (company, {"s": answer["s"], "n": "390600000000"}),
        (company, {"s": answer["s"], "n": number[-4:]}),
        (company, {"s": answer["s"], "n": ""}),
        (company, {"s": "nonsense", "n": number}),
        (company, {"s": str(new_id()), "n": number}),
        (other, {"s": answer["s"], "n": number}),
    ]:
        assert edge.post("/v1/tap", who, body).status_code == 204
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(Lease)).one().tapped_at is None
