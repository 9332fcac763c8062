"""Who was shown a number, read in one packed row, is what leases and visits say one by one."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

from sqlalchemy import select, update

from calltrack.attribution.evidence import load_evidence
from calltrack.attribution.evidence import one_per_visit as one_per_visit_of_rows
from calltrack.attribution.facts import CallAt, Evidence, Holding
from calltrack.attribution.holders import Holders
from calltrack.attribution.holdings import holdings_of
from calltrack.attribution.posterior import judge
from calltrack.attribution.prior import shipped
from calltrack.attribution.shown import shown_to
from calltrack.calls.model import Call
from calltrack.numbers.counting import rename_holders
from calltrack.numbers.model import Lease
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.attribution.desk import MINUTE, Desk
from tests.builders import NOON, make_company, make_lease

SINCE, CALLER = NOON - timedelta(days=42), "+390212345678"


def test_packed_rows_say_what_leases_and_visits_say(services: Services) -> None:
    """Also of visits that were shown it twice; to the last digit, and so does the posterior."""
    desk, chance = Desk(services, make_company(services, numbers=2)), Random(3)
    visits = [desk.shown(0, chance.randint(1, 20_000) * MINUTE, campaign=f"c{chance.randint(0, 4)}")
              for _ in range(40)]  # fmt: skip
    for visit in visits[::7]:
        make_lease(services, desk.company, visit, desk.company.number_ids[0])
    _live(desk, chance)
    desk.typed(visits[3], CALLER, NOON - MINUTE)
    desk.typed(visits[4], "+393470000009", NOON - MINUTE)
    call = desk.call(caller=CALLER)
    plain = one_per_visit_of_rows(_holdings(desk))
    assert len(plain) == 40
    packed = _evidence(desk, call.id)
    assert list(packed.holdings) == list(plain)
    assert {len(packed.linked), len(packed.taken), len(packed.typed)} == {1}
    assert ({one.region for one in packed.holdings}, packed.call.region) == ({"", "IT-25", "IT-62"}, "IT-25")
    assert judge(packed, shipped()) == judge(replace(packed, holdings=plain), shipped())
    with services.db.tenant(desk.company.id) as session:
        one = session.scalars(select(Lease.id).limit(1)).one()
        session.execute(update(Lease).where(Lease.id == one).values(device=None))  # a lease of before
    assert judge(_evidence(desk, call.id), shipped()) == judge(packed, shipped())


def test_an_erased_visitor_is_named_by_no_lease(services: Services) -> None:
    desk = Desk(services, make_company(services, numbers=1))
    visit, after = desk.shown(0, 5 * MINUTE, region="IT-25"), UUID(int=7)
    before = visit.visitor_id
    with services.db.tenant(desk.company.id) as session:
        session.execute(update(Visit).values(visitor_id=after))
        rename_holders(session, desk.company.id, {before: after})
    (holding,) = _evidence(desk, desk.call().id).holdings
    assert (holding.visitor, holding.region) == (after.hex, "")


def test_a_number_that_nobody_was_shown_has_no_holders(services: Services) -> None:
    desk = Desk(services, make_company(services, numbers=1))
    with services.db.tenant(desk.company.id) as session:
        seen = shown_to(session, desk.company.id, desk.company.number_ids[0], b"caller", SINCE, NOON)
    assert (len(seen.holders), seen.links.linked) == (0, {})
    assert judge(Evidence(call=CallAt(at=1.0, number="n")), shipped()).p_nobody == 1.0


def test_columns_give_the_rows_they_were_made_of() -> None:
    rows = [
        Holding(
            visit=f"v{place}", visitor="p", campaign=f"c{place % 2}", source="s", shown_from=float(-place),
            last_seen=place + 0.1, left=place == 1, taps=(0.5,) * place, copied_at=None if place else 0.3,
            contact_at=0.2 if place else None, device="mobile", region="r" * place, returning=place == 2,
        )
        for place in range(3)
    ]  # fmt: skip
    holders = Holders.of(rows)
    assert [list(holders), holders[-1], holders[:1]] == [rows, rows[2], rows[:1]]
    assert list(holders.known_at(1.0)) == rows[::-1]
    assert list(holders.known_at(-1.5)) == rows[2:]
    assert (holders.latest_of("v1"), holders.latest_of("v9")) == (rows[1], None)


def _live(desk: Desk, chance: Random) -> None:
    """Let the holders tap, copy, look at contact pages, leave, come again."""
    with desk.services.db.tenant(desk.company.id) as session:
        for lease in session.scalars(select(Lease)):
            later = lease.last_seen_at + timedelta(microseconds=chance.randrange(10_000_000))
            lease.last_seen_at = later
            for name in ("left_at", "copied_at", "contact_at", "tapped_at"):
                if chance.random() < 0.4:
                    setattr(lease, name, later)
            if chance.random() < 0.3:
                lease.taps = [lease.shown_from, later]
        for visit in session.scalars(select(Visit)):
            visit.device, visit.is_returning = chance.choice(["mobile", "desktop", ""]), chance.random() < 0.5
            visit.region = chance.choice([None, "IT-25", "IT-62"])
            copies = {"device": visit.device, "is_returning": visit.is_returning, "region": visit.region}
            session.execute(update(Lease).where(Lease.visit_id == visit.id).values(copies))


def _holdings(desk: Desk) -> tuple[Holding, ...]:
    with desk.services.db.tenant(desk.company.id) as session:
        return holdings_of(session, desk.company.id, desk.company.number_ids[0], SINCE, NOON)


def _evidence(desk: Desk, call_id: UUID) -> Evidence:
    with desk.services.db.tenant(desk.company.id) as session:
        return load_evidence(session, session.get_one(Call, (desk.company.id, call_id))).evidence
