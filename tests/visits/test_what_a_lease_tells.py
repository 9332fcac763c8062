"""A lease tells what the visit did; a page that is hidden frees its number; earlier words still serve."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, text

from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Lease, Slot
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.visits.conftest import Edge, age, shown, without_overflow


def lease_of(services: Services, company: Company, visit: str) -> Lease:
    with services.db.tenant(company.id) as session:
        return session.scalars(select(Lease).where(Lease.visit_id == UUID(visit)).order_by(Lease.id)).all()[
            -1
        ]


def test_a_hidden_page_frees_its_number_and_has_it_back_when_nobody_took_it(
    edge: Edge, services: Services
) -> None:
    company = make_company(services, numbers=1)
    first = edge.visit(company)
    assert edge.beat(company, first, is_left=True).status_code == 204
    left = lease_of(services, company, first["s"])
    assert left.left_at == left.shown_until == left.last_seen_at
    assert edge.beat(company, first).status_code == 204, "nobody was given it"
    back = lease_of(services, company, first["s"])
    assert (back.id, back.left_at) == (left.id, None)
    assert back.shown_until > left.shown_until
    edge.beat(company, first, is_left=True)
    second = edge.visit(company)
    assert shown(second) == shown(first)
    assert not lease_of(services, company, second["s"]).is_overflow
    again = edge.beat(company, first).get_json()
    assert (again["s"], shown(again)) == (first["s"], company.overflow), "it is somebody else's now"


def test_who_leaves_a_shared_number_leaves_it_on_the_other_screen(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=1, lease_seconds=100)
    without_overflow(services, company)
    first, second = edge.visit(company), edge.visit(company)
    until = lease_of(services, company, first["s"]).shown_until
    assert edge.beat(company, second, is_left=True).status_code == 204
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(Slot.busy_until)).one() == until
    third = edge.visit(company)
    assert lease_of(services, company, third["s"]).is_overflow


def test_a_page_that_is_left_renews_no_visit_and_no_number(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=1)
    first = edge.visit(company)
    age(services, company, 3600)
    assert edge.beat(company, first, is_left=True).status_code == 204
    made_up = {"v": str(new_id()), "s": str(new_id())}
    assert edge.beat(company, made_up, is_left=True).status_code == 204
    with services.db.tenant(company.id) as session:
        assert len(session.scalars(select(Visit)).all()) == 1
        assert len(session.scalars(select(Lease)).all()) == 1


def test_contact_page_copy_and_every_tap_are_on_the_lease(
    edge: Edge, company: Company, services: Services
) -> None:
    answer = edge.visit(company)
    assert lease_of(services, company, answer["s"]).contact_at is None
    number = answer["n"][0]["n"]
    edge.beat(company, answer, "/contatti")
    first = lease_of(services, company, answer["s"]).contact_at
    assert first is not None
    edge.beat(company, answer, "/prezzi")
    edge.beat(company, answer, "/contatti")
    for word in ("tap", "copy", "tap", "copy"):
        edge.post("/v1/tap", company, {"s": answer["s"], "n": number, "w": word})
    lease = lease_of(services, company, answer["s"])
    assert lease.contact_at == first, "the first time counts"
    assert len(lease.taps) == 2
    assert lease.taps[-1] == lease.tapped_at == max(lease.taps)
    assert lease.copied_at is not None
    assert lease.copied_at < lease.taps[1]
    with services.db.tenant(company.id) as session:
        slot = session.get_one(Slot, (company.id, lease.number_id))
    assert (slot.saw_contact, slot.copied) == (True, True)
    assert slot.weight == 0.05 * 2.5 * 4


def test_taps_on_a_number_that_is_somebody_elses_now_are_kept_too_and_bounded(
    edge: Edge, services: Services
) -> None:
    company = make_company(services, numbers=1)
    without_overflow(services, company)
    first = edge.visit(company)
    age(services, company, 3600)
    edge.visit(company)
    number = first["n"][0]["n"]
    for _ in range(55):
        edge.post("/v1/tap", company, {"s": first["s"], "n": number})
    lease = lease_of(services, company, first["s"])
    assert (len(lease.taps), lease.taps[-1]) == (50, lease.tapped_at)
    assert lease.shown_until < lease.taps[-1], "it is not on his screen again"


def test_a_crowded_network_shares_one_number_where_there_is_no_overflow_number(
    edge: Edge, services: Services
) -> None:
    company = make_company(services, numbers=20)
    without_overflow(services, company)
    flood = [
        edge.post("/v1/visit", company, {}, X_Forwarded_For=f"203.0.113.{host}").get_json()
        for host in range(1, 19)
    ]
    moved = [
        edge.post(
            "/v1/beat", company, {"v": one["v"], "s": one["s"]}, X_Forwarded_For="203.0.113.9"
        ).get_json()
        for one in flood[4:]
    ]
    answers = flood[:4] + moved
    leases = [lease_of(services, company, answer["s"]) for answer in answers]
    assert [lease.is_overflow for lease in leases] == [False] * 12 + [True] * 6, "three fifths of twenty"
    assert len({shown(answer) for answer in answers}) == 12
    assert len({shown(answer) for answer in answers[12:]}) == 1
    elsewhere = edge.post("/v1/visit", company, {}, X_Forwarded_For="198.51.100.1").get_json()
    assert shown(elsewhere) not in {shown(answer) for answer in answers}


def test_the_release_before_is_served_by_the_same_rule(services: Services, company: Company) -> None:
    ids = [str(new_id()) for _ in range(6)]
    with services.db.shared() as session:
        row = session.execute(
            text(
                """
                SELECT * FROM edge_visit(:company, :site, NULL, NULL, ARRAY[:a, :b, :c]::uuid[],
                    ARRAY[:pool]::uuid[], ARRAY[:d]::uuid[], ARRAY[false], 'google', 'cpc', 'roma', '', '',
                    '', '', '', '{}', '{}', NULL, '', '', 'test', '/', '', 'mobile', '')
                """
            ),
            dict(zip("abcd", ids, strict=False))
            | {"company": company.id, "site": company.site_id, "pool": company.pool_id},
        ).one()
        beat = session.execute(
            text(
                "SELECT * FROM edge_beat("
                ":company, :site, :visitor, :visit, ARRAY[:e, :f]::uuid[], NULL, '', 5)"
            ),
            {"company": company.id, "site": company.site_id, "visitor": row.o_visitor, "visit": row.o_visit}
            | {"e": ids[4], "f": ids[5]},
        ).one()
        tapped = session.scalar(
            text("SELECT edge_tap(:company, :site, :visit, :ending, false)"),
            {"company": company.id, "site": company.site_id, "visit": row.o_visit}
            | {"ending": row.o_numbers[0][-8:]},
        )
    assert row.o_numbers[0] in company.numbers
    assert row.o_overflow == [False]
    assert (beat.o_state, tapped) == ("extended", 1)
    with services.db.tenant(company.id) as session:
        slot = session.scalars(select(Slot).where(Slot.lease_id == UUID(ids[3]))).one()
    assert (slot.source, slot.campaign) == ("google\x1fcpc", "google\x1fcpc\x1froma")
