"""`POST /v1/visit`: a page gets its ids and its numbers."""

import json
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Lease, SiteTarget, Slot
from calltrack.visits.model import PageView, Visit
from calltrack.wiring import Services
from tests.builders import Company, fresh_e164, make_company
from tests.visits.conftest import BROWSER, Edge, age, shown, without_overflow


def leases(services: Services, company: Company) -> list[Lease]:
    with services.db.tenant(company.id) as session:
        return list(session.scalars(select(Lease).order_by(Lease.id)))


def visits(services: Services, company: Company) -> list[Visit]:
    with services.db.tenant(company.id) as session:
        return list(session.scalars(select(Visit).order_by(Visit.id)))


def known(answer: dict[str, Any]) -> dict[str, str]:
    return {"v": answer["v"], "s": answer["s"]}


def test_a_new_visitor_is_shown_a_number_of_the_pool(
    edge: Edge, company: Company, services: Services
) -> None:
    answer = edge.visit(company, t="Traslochi", u=company.origin + "/roma?gclid=Cj0_x-Y&utm_source=google")
    assert answer["h"] == 60
    (pair,) = answer["n"]
    assert pair["t"] == company.target.lstrip("+")
    assert "+" + pair["n"] in company.numbers
    assert (pair["tn"], pair["nn"]) == (pair["t"].removeprefix("39"), pair["n"].removeprefix("39"))
    (visit,), (lease,) = visits(services, company), leases(services, company)
    with services.db.tenant(company.id) as session:
        page = session.scalars(select(PageView)).one()
    assert (str(visit.id), str(visit.visitor_id)) == (answer["s"], answer["v"])
    assert (visit.click_ids, visit.source, visit.site_id) == ({"gclid": "Cj0_x-Y"}, "google", company.site_id)
    assert "Chrome/130.0" in visit.user_agent
    assert (lease.visit_id, lease.is_overflow) == (visit.id, False)
    assert lease.shown_until - lease.shown_from == timedelta(seconds=150)
    assert (page.visit_id, page.page, page.title) == (visit.id, company.origin + "/roma", "Traslochi")


def test_words_no_index_can_hold_spoil_nobodys_number(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=1)
    without_overflow(services, company)
    chance = Random(5)
    words = {
        word: "".join(chr(chance.randrange(0x10000, 0x10FFFF)) for _ in range(256))
        for word in ("source", "medium", "campaign")
    }
    body = json.dumps({"k": company.site_key, "m": words}, ensure_ascii=False).encode()
    told = {"Origin": company.origin, "User-Agent": BROWSER, "Accept-Language": "it"}
    assert edge.client.post("/v1/visit", data=body, headers=told).get_json()["n"]
    age(services, company, 3600)
    assert shown(edge.visit(company)) in company.numbers, "his sums are kept, and the number goes on"


def test_what_the_snippet_remembers_is_stored(edge: Edge, company: Company, services: Services) -> None:
    edge.visit(
        company,
        r="https://www.google.it/search?q=x",
        c={
            "gclid": "Cj0-a",
            "_ga": "GA1.1.1234567890.1690000000",
            "unknown": "x",
            "_ga_AB12CD34EF": "GS2.1.s1747323152$o28$g1$t1747323200$j60$l0$h0",
        },
        m={"source": "Google", "medium": "cpc", "campaign": "21345678901"},
        q={"ad": True, "measure": True},
    )
    (visit,) = visits(services, company)
    assert visit.click_ids == {"gclid": "Cj0-a"}
    assert visit.ad_cookies == {"_ga": "GA1.1.1234567890.1690000000", "_ga_AB12CD34EF": "1747323152"}
    assert (visit.source, visit.medium, visit.campaign) == ("google", "cpc", "21345678901")
    assert visit.consent == {"ad": True, "measure": True}
    assert visit.referrer == "https://www.google.it/search"


def test_a_later_page_view_tells_the_newest_analytics_session(
    edge: Edge, company: Company, services: Services
) -> None:
    first = edge.visit(company, c={"_ga": "GA1.1.1.2"})
    for session in (1747323152, 1747329999):
        edge.visit(
            company, v=first["v"], s=first["s"], c={"_ga_AB12CD34EF": f"GS1.1.{session}.3.1.{session}.0.0.0"}
        )
    (visit,) = visits(services, company)
    assert visit.ad_cookies == {"_ga": "GA1.1.1.2", "_ga_AB12CD34EF": "1747329999"}


def test_numbers_are_given_in_turn_longest_idle_first(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=3, lease_seconds=10, cooldown_seconds=5)
    order = [shown(edge.visit(company)) for _ in range(3)]
    assert sorted(order) == sorted(company.numbers)
    for expected in order:
        age(services, company, 16)
        assert shown(edge.visit(company)) == expected


def test_the_next_page_keeps_visit_and_number(edge: Edge, company: Company, services: Services) -> None:
    first = edge.visit(
        company, u=company.origin + "/?utm_source=google&utm_medium=cpc", r="https://google.it/"
    )
    age(services, company, 100)
    second = edge.visit(company, u=company.origin + "/prezzi", r=company.origin + "/", **known(first))
    assert second == first
    (lease,) = leases(services, company)
    assert lease.shown_until - lease.shown_from > timedelta(seconds=240)
    assert len(visits(services, company)) == 1


def test_a_lapsed_lease_of_a_live_visit_comes_back_with_the_same_number(
    edge: Edge, company: Company, services: Services
) -> None:
    first = edge.visit(company)
    age(services, company, 1000)
    assert edge.visit(company, **known(first)) == first
    assert len(leases(services, company)) == 1


def test_a_live_visit_whose_number_went_to_others_gets_another(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=2, lease_seconds=10, cooldown_seconds=5)
    first = edge.visit(company)
    age(services, company, 60)
    others = [edge.visit(company), edge.visit(company)]
    assert shown(first) in map(shown, others)
    age(services, company, 16)
    again = edge.visit(company, **known(first))
    assert again["s"] == first["s"]
    assert len(leases(services, company)) == 4


def test_after_thirty_silent_minutes_a_new_visit_begins(
    edge: Edge, company: Company, services: Services
) -> None:
    first = edge.visit(company)
    age(services, company, 31 * 60)
    second = edge.visit(company, **known(first))
    assert second["v"] == first["v"]
    assert second["s"] != first["s"]
    assert shown(second) == shown(first), "nobody was shown it since: the visitor may have noted it"
    assert [lease.visit_id for lease in leases(services, company)] == [UUID(first["s"]), UUID(second["s"])]


@pytest.mark.parametrize(
    "arrival",
    [
        {"u": "/?gclid=Cj0-second"},
        {"u": "/?utm_source=newsletter"},
        {"u": "/?utm_source=google&utm_campaign=other"},
        {"c": {"gclid": "Cj0-first", "fbclid": "IwAR"}},
        {"m": {"medium": "email"}},
    ],
)
def test_a_new_click_or_campaign_begins_a_new_visit(
    edge: Edge, company: Company, services: Services, arrival: dict[str, Any]
) -> None:
    first = edge.visit(company, u=company.origin + "/?gclid=Cj0-first&utm_source=google&utm_campaign=roma")
    body = {"u": company.origin + "/"} | arrival | known(first)
    body["u"] = company.origin + body["u"].removeprefix(company.origin)
    second = edge.visit(company, **body)
    assert second["v"] == first["v"]
    assert second["s"] != first["s"]
    old, new = leases(services, company)
    assert old.number_id == new.number_id
    assert old.shown_until <= new.shown_from, "the number went over to the new visit"


@pytest.mark.parametrize(
    "page",
    [
        {"u": "/?gclid=Cj0-first"},
        {"c": {"gclid": "Cj0-first"}},
        {"m": {"source": "google", "campaign": "roma"}},
        {"r": "https://www.bing.com/"},
    ],
)
def test_the_same_campaign_again_is_the_same_visit(
    edge: Edge, company: Company, page: dict[str, Any]
) -> None:
    first = edge.visit(company, u=company.origin + "/?gclid=Cj0-first&utm_source=google&utm_campaign=roma")
    body = {"u": "/"} | page | known(first)
    body["u"] = company.origin + body["u"]
    assert edge.visit(company, **body)["s"] == first["s"]


def test_while_all_are_on_screen_the_overflow_number_is_shown_and_recorded(
    edge: Edge, services: Services
) -> None:
    company = make_company(services, numbers=1)
    first, second, third = (edge.visit(company) for _ in range(3))
    assert shown(first) == company.numbers[0]
    assert shown(second) == shown(third) == company.overflow
    assert [lease.is_overflow for lease in leases(services, company)] == [False, True, True]
    again = edge.visit(company, **known(second))
    assert again == second
    assert len(leases(services, company)) == 3


def test_without_overflow_number_the_one_given_out_first_is_shared_and_recorded(
    edge: Edge, services: Services
) -> None:
    company = make_company(services, numbers=2)
    without_overflow(services, company)
    answers = [edge.visit(company) for _ in range(4)]
    numbers = [shown(answer) for answer in answers]
    assert numbers[2:] == numbers[:2]
    assert sorted(numbers[:2]) == sorted(company.numbers)
    assert [lease.is_overflow for lease in leases(services, company)] == [False, False, True, True]
    for answer in answers:
        assert edge.beat(company, answer).status_code == 204, "who shares a number keeps it"
        assert edge.visit(company, **known(answer)) == answer
    assert len(leases(services, company)) == 4


def test_an_overflowed_visit_gets_its_own_number_as_soon_as_one_is_free(
    edge: Edge, services: Services
) -> None:
    company = make_company(services, numbers=1, lease_seconds=10, cooldown_seconds=0)
    edge.visit(company)
    second = edge.visit(company)
    assert shown(second) == company.overflow
    age(services, company, 11)
    assert shown(edge.visit(company, **known(second))) == company.numbers[0]
    _, overflow, own = leases(services, company)
    assert (overflow.is_overflow, own.is_overflow) == (True, False)
    assert overflow.shown_until <= own.shown_from


def test_a_pool_without_any_number_leaves_the_page_alone(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=0)
    without_overflow(services, company)
    answer = edge.visit(company)
    assert answer["n"] == []
    assert len(visits(services, company)) == 1
    assert leases(services, company) == []


def test_a_number_rests_while_another_one_can_be_shown(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=2, lease_seconds=100, cooldown_seconds=60)
    first = edge.visit(company)
    age(services, company, 130)
    second = edge.visit(company)
    assert shown(second) != shown(first)
    assert shown(edge.visit(company)) == shown(first), "a number off screen is never kept back"
    age(services, company, 161)
    third = edge.visit(company)
    assert [lease.is_overflow for lease in leases(services, company)] == [False] * 4
    assert shown(third) in company.numbers


def test_only_targets_on_the_page_are_leased(edge: Edge, services: Services) -> None:
    company, milan, other = make_company(services), fresh_e164(), fresh_e164()
    with services.db.tenant(company.id) as session:
        session.add(
            SiteTarget(
                company_id=company.id, site_id=company.site_id, target=milan,
                location_id=company.location_id, pool_id=company.pool_id,
            )
        )  # fmt: skip
    national = company.target.removeprefix("+39")
    for found in ([national], ["0039" + national], [company.target[1:], other[1:]]):
        answer = edge.visit(company, p=found)
        assert [pair["t"] for pair in answer["n"]] == [company.target[1:]]
    assert edge.visit(company, p=[other[1:]])["n"] == []
    both = edge.visit(company, p=[])
    assert {pair["t"] for pair in both["n"]} == {company.target[1:], milan[1:]}
    assert len({pair["n"] for pair in both["n"]}) == 1, "one pool, one number for the visit"
    assert len(leases(services, company)) == 4


@pytest.mark.parametrize("strange", ["", "x", "0" * 64, "00000000-0000-4000-8000-000000000000"])
def test_ids_that_are_not_ours_are_ignored(edge: Edge, company: Company, strange: str) -> None:
    answer = edge.visit(company, v=strange, s=strange)
    assert strange not in (answer["v"], answer["s"])
    assert UUID(answer["v"]).version == UUID(answer["s"]).version == 7


def test_a_visitor_or_visit_nobody_ever_saw_is_replaced(edge: Edge, company: Company) -> None:
    made_up = {"v": str(new_id()), "s": str(new_id())}
    answer = edge.visit(company, **made_up)
    assert (answer["v"], answer["s"]) != (made_up["v"], made_up["s"])
    assert answer["v"] != made_up["v"]


def test_a_visit_of_another_company_or_visitor_is_not_taken_up(
    edge: Edge, company: Company, services: Services
) -> None:
    theirs = edge.visit(company)
    before = [(lease.id, lease.shown_until) for lease in leases(services, company)]
    other = make_company(services)
    mine = edge.visit(other, **known(theirs))
    assert (mine["v"], mine["s"]) != (theirs["v"], theirs["s"])
    assert mine["v"] != theirs["v"]
    stranger = edge.visit(company, v=str(new_id()), s=theirs["s"])
    assert stranger["s"] != theirs["s"]
    assert [(lease.id, lease.shown_until) for lease in leases(services, company)][:1] == before


def test_a_released_number_is_shown_to_nobody(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=1)
    with services.db.tenant(company.id) as session:
        session.execute(delete(Slot))
    assert shown(edge.visit(company)) == company.overflow
