"""A pool is changed while visitors come: numbers on screen stay, the next visit gets what is said."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from calltrack.numbers.changing import PoolChange, change_pool
from calltrack.numbers.model import Lease
from calltrack.visits.sites import SiteTable
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.visits.conftest import Edge, age, shown


def change(services: Services, company: Company, **changes: Any) -> None:
    with services.db.tenant(company.id) as session:
        given = PoolChange(**changes)
        change_pool(session, company.id, company.pool_id, given, datetime.now(UTC), by="anna")


def wait(services: Services, company: Company, seconds: float) -> None:
    """Let time pass, for the pool's promise too."""
    age(services, company, seconds)
    with services.db.tenant(company.id) as session:
        moved = text("UPDATE pool SET longer_before = longer_before - make_interval(secs => :by)")
        session.execute(moved, {"by": seconds})


def sign(edge: Edge, company: Company, known: dict[str, Any], what: str) -> None:
    """Let an open page be heard."""
    named = {"v": known["v"], "s": known["s"]}
    if what == "beat":
        assert edge.beat(company, known).status_code == 204
    elif what == "page":
        assert shown(edge.visit(company, **named)) == shown(known)
    elif what == "tap":
        body = {"s": known["s"], "n": shown(known)[-9:], "w": "tap"}
        assert edge.post("/v1/tap", company, body).status_code == 204
    else:
        assert edge.post("/v1/form", company, named | {"f": []}).status_code == 204


@pytest.mark.parametrize("what", ["beat", "page", "tap", "form"])
@pytest.mark.parametrize("is_open", [True, False])
def test_a_shorter_time_takes_no_number_from_a_page_that_was_told_a_longer_one(
    edge: Edge, services: Services, what: str, is_open: bool
) -> None:
    company = make_company(services, numbers=1, lease_seconds=100, cooldown_seconds=0)
    opened = edge.visit(company) if is_open else None
    change(services, company, lease_seconds=10)
    # Whoever comes within a minute may be told the old time by a process that has not heard of the change.
    opened = opened or edge.visit(company)
    for _ in range(3):
        wait(services, company, 40)
        assert shown(edge.visit(company)) == company.overflow, "its number is still on its screen"
        sign(edge, company, opened, what)
    wait(services, company, 40)
    assert edge.beat(company, opened, is_left=True).status_code == 204
    assert shown(edge.visit(company)) == shown(opened), "who leaves frees it at once"


def test_a_minute_later_the_shorter_time_counts(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=1, lease_seconds=100, cooldown_seconds=0)
    edge.visit(company)
    change(services, company, lease_seconds=10)
    wait(services, company, 170)
    first = edge.visit(company)
    wait(services, company, 11)
    assert shown(edge.visit(company)) == shown(first)
    with services.db.tenant(company.id) as session:
        lasted = [
            one.shown_until - one.shown_from for one in session.scalars(select(Lease).order_by(Lease.id))
        ]
    assert lasted == [timedelta(seconds=seconds) for seconds in (100, 10, 10)]


def test_a_longer_time_holds_from_the_next_sign_of_life(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=1, lease_seconds=10, cooldown_seconds=0)
    first = edge.visit(company)
    change(services, company, lease_seconds=100)
    sign(edge, company, first, "beat")
    wait(services, company, 60)
    assert shown(edge.visit(company)) == company.overflow


def test_running_processes_learn_of_it_as_of_other_changes(services: Services, company: Company) -> None:
    sites = SiteTable(services.db)
    sites.refresh()
    before = sites.find(company.site_key)
    change(services, company, lease_seconds=50)
    sites.refresh()
    after = sites.find(company.site_key)
    sites.close()
    assert before is not None
    assert after is not None
    assert (before.beat_seconds, before.longest_lease) == (60, 150)
    assert (after.beat_seconds, after.longest_lease) == (20, 50)


def test_a_longer_rest_counts_at_once(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=2, lease_seconds=10, cooldown_seconds=0)
    ads, hats = (f"{company.origin}/?utm_source={name}&utm_medium=cpc" for name in ("ads", "hats"))
    first, other = edge.visit(company, u=ads), edge.visit(company, u=hats)
    wait(services, company, 1_000)
    edge.beat(company, first, is_left=True)
    change(services, company, cooldown_seconds=500)
    assert shown(edge.visit(company, u=ads)) == shown(other), "the first one would cost less, but rests"


def test_near_numbers_come_first_and_whoever_comes_again_keeps_a_far_one(
    edge: Edge, services: Services
) -> None:
    company = make_company(services, numbers=3, lease_seconds=10, cooldown_seconds=0)
    kept = edge.visit(company)
    wait(services, company, 60)
    near = next(one for one in company.numbers if one != shown(kept))
    change(services, company, near=[near])
    for _ in range(3):
        assert shown(edge.visit(company)) == near
        wait(services, company, 60)
    crowd = [shown(edge.visit(company)) for _ in range(4)]
    assert crowd[0] == near
    assert set(crowd[:3]) == set(company.numbers), "far ones while the near one is on screen"
    assert crowd[3] == company.overflow
    company_2 = make_company(services, numbers=2, lease_seconds=10)
    mine = edge.visit(company_2)
    change(services, company_2, near=[one for one in company_2.numbers if one != shown(mine)])
    wait(services, company_2, 3_600)
    again = edge.visit(company_2, v=mine["v"], s=mine["s"])
    assert (again["s"] != mine["s"], shown(again)) == (True, shown(mine))
