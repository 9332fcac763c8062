"""Pools, numbers and what they replace on websites, by form."""

import re

import pytest
from flask import Flask
from sqlalchemy import select

from calltrack.accounts.model import AuditEntry
from calltrack.kernel.phone import pretty
from calltrack.numbers.model import Pool, SiteTarget, Slot, TrackingNumber
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company, fresh_e164, make_company
from tests.dashboard.browser import Browser
from tests.dashboard.company_without import newcomer


@pytest.fixture
def manager(app: Flask, services: Services, company: Company) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company, "manager"))
    return browser


def at(company: Company, rest: str) -> str:
    return f"/app/{company.id.hex}{rest}"


def numbers_of(services: Services, company: Company) -> dict[str, TrackingNumber]:
    with services.db.tenant(company.id) as session:
        return {row.e164: row for row in session.scalars(select(TrackingNumber))}


def actions(services: Services, company: Company) -> list[str]:
    with services.db.tenant(company.id) as session:
        return sorted(session.scalars(select(AuditEntry.action)))


def test_a_pool_is_made_and_filled(manager: Browser, services: Services, company: Company) -> None:
    form = {
        "name": "Ostia",
        "location": company.location_id.hex,
        "lease_seconds": "90",
        "cooldown_seconds": "5",
    }
    assert manager.post(at(company, "/numbers/pools"), **form).status_code == 303
    with services.db.tenant(company.id) as session:
        pool = session.scalars(select(Pool).where(Pool.name == "Ostia")).one()
    assert (pool.lease_seconds, pool.cooldown_seconds, pool.location_id) == (90, 5, company.location_id)
    one, two, three = fresh_e164(), fresh_e164(), fresh_e164()
    national = f"({one[3:5]}) {one[5:9]}-{one[9:]}"
    path = at(company, f"/numbers/pools/{pool.id.hex}/numbers")
    assert manager.post(path, numbers=f" {national}\n\n00{two[1:]}, {two}\n").status_code == 303
    assert manager.post(path, numbers=three, kind="overflow").status_code == 303
    rows = numbers_of(services, company)
    assert [(rows[e164].kind, rows[e164].pool_id) for e164 in (one, two, three)] == [
        ("pool", pool.id), ("pool", pool.id), ("overflow", pool.id),
    ]  # fmt: skip
    with services.db.tenant(company.id) as session:
        assert len(session.scalars(select(Slot).where(Slot.pool_id == pool.id)).all()) == 2
    assert actions(services, company) == ["number.add", "number.add", "number.add", "pool.add"]
    page = manager.get(at(company, "/numbers/setup")).text
    for rest in ("", "/fallback", "/status"):
        assert f"{services.settings.base_url}/voice/{rows[one].id.hex}{rest}<" in page


def test_a_static_number_keeps_its_source(manager: Browser, services: Services, company: Company) -> None:
    e164 = fresh_e164()
    form = {
        "number": e164[3:],
        "location": company.location_id.hex,
        "source": " billboard ",
        "medium": "offline",
    }
    assert manager.post(at(company, "/numbers/static"), **form, campaign="Via Appia").status_code == 303
    row = numbers_of(services, company)[e164]
    assert (row.kind, row.source, row.medium, row.campaign) == ("static", "billboard", "offline", "Via Appia")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "at least one number"),
        ("12", "too short"),
        ("{fresh}\nabc", "not a phone number"),
        ("{used}", "in use already"),
        ("{foreign}", "in use on this server"),
        ("{own}", "put through to"),
        ("{fresh}\n{foreign}", "in use on this server"),
    ],
)
def test_wrong_numbers_are_shown_beside_the_field_and_none_is_kept(
    manager: Browser, services: Services, company: Company, typed: str, says: str
) -> None:
    foreign = make_company(services, numbers=1).numbers[0]
    text = typed.format(fresh=fresh_e164(), used=company.numbers[0], foreign=foreign, own=company.target)
    before = set(numbers_of(services, company))
    answer = manager.post(at(company, f"/numbers/pools/{company.pool_id.hex}/numbers"), numbers=text)
    assert answer.status_code == 400
    problem = re.search(rf'id="p{company.pool_id.hex}-numbers-problem">(.*?)</p>', answer.text, re.DOTALL)
    assert problem is not None
    assert says in problem[1]
    assert text in answer.text
    assert set(numbers_of(services, company)) == before
    assert actions(services, company) == []


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": ""}, "name"),
        ({"lease_seconds": "x"}, "lease_seconds"),
        ({"lease_seconds": "0"}, "name"),
        ({"cooldown_seconds": "-1"}, "cooldown_seconds"),
        ({"location": "x"}, "location"),
    ],
)
def test_a_wrong_pool_is_not_made(
    manager: Browser, services: Services, company: Company, form: dict[str, str], field: str
) -> None:
    good = {"name": "Due", "location": company.location_id.hex, "lease_seconds": "9", "cooldown_seconds": "9"}
    answer = manager.post(at(company, "/numbers/pools"), **(good | form))
    assert answer.status_code == 400
    assert f'id="pool-{field}-problem"' in answer.text
    with services.db.tenant(company.id) as session:
        assert len(session.scalars(select(Pool)).all()) == 1


def test_a_number_is_released_after_its_effect_was_confirmed(
    manager: Browser, services: Services, company: Company
) -> None:
    e164, path = company.numbers[0], at(company, f"/numbers/{company.number_ids[0].hex}")
    page = manager.get(path).text
    assert "If you release it" in page
    assert company.account_sid in page
    assert manager.post(f"{path}/release").location == path
    assert numbers_of(services, company)[e164].released_at is None
    assert manager.post(f"{path}/release", sure="yes").status_code == 303
    assert numbers_of(services, company)[e164].released_at is not None
    assert manager.post(f"{path}/release", sure="yes").status_code == 404
    assert (
        pretty(e164)
        not in manager.get(at(company, "/numbers/setup")).text.split("<main")[1].split("</p>", 1)[1]
    )
    assert actions(services, company) == ["number.release"]


def test_a_number_on_a_website_is_replaced_and_left_again(
    manager: Browser, services: Services, company: Company
) -> None:
    path = at(company, f"/settings/sites/{company.site_id.hex}/numbers")
    assert f"data-site=&#34;{company.site_key}&#34;" in manager.get(path).text
    assert manager.post(path, target="06 6994 0001", pool=company.pool_id.hex).location == path

    def targets() -> set[str]:
        with services.db.tenant(company.id) as session:
            return set(session.scalars(select(SiteTarget.target)))

    assert targets() == {company.target, "+390669940001"}
    assert manager.post(f"{path}/remove", target="+390669940001").location == path
    assert manager.post(f"{path}/remove", target="+390669940001").location == path
    assert targets() == {company.target}
    assert actions(services, company) == ["target.add", "target.remove"]
    assert manager.post(path, target="x", pool=company.pool_id.hex).status_code == 400
    assert manager.post(f"{path}/remove", target="x").status_code == 400


def test_ids_of_another_company_inside_forms_are_unknown(
    manager: Browser, services: Services, company: Company
) -> None:
    other = make_company(services, numbers=1)
    site = at(company, f"/settings/sites/{company.site_id.hex}/numbers")
    pool = {"name": "X", "lease_seconds": "9", "cooldown_seconds": "9", "location": other.location_id.hex}
    static = {"number": fresh_e164(), "source": "x", "location": other.location_id.hex}
    assert manager.post(at(company, "/numbers/pools"), **pool).status_code == 404
    assert manager.post(at(company, "/numbers/static"), **static).status_code == 404
    assert manager.post(site, target="+390669940001", pool=other.pool_id.hex).status_code == 400
    for browsed in ("/numbers/setup", "/numbers"):
        text = manager.get(at(company, browsed)).text
        assert other.number_ids[0].hex not in text
        assert pretty(other.numbers[0]) not in text


def test_nothing_is_added_before_the_carrier_is_connected(app: Flask, services: Services) -> None:
    owner = newcomer(services, app)
    form = {"name": "Roma", "forward_to": "06 6994 0001", "ring_seconds": "18"}
    assert "A location first" in owner.browser.get(owner.path("/numbers/setup")).text
    assert owner.browser.post(owner.path("/settings/locations"), **form).status_code == 303
    assert "The carrier first" in owner.browser.get(owner.path("/numbers/setup")).text
    with services.db.tenant(owner.company_id) as session:
        location_id = session.scalars(select(Pool.location_id)).first()
    assert location_id is None


def test_each_form_needs_its_token(manager: Browser, services: Services, company: Company) -> None:
    path = at(company, f"/numbers/{company.number_ids[0].hex}/release")
    assert manager.post(path, token="forged", sure="yes").status_code == 400
    assert numbers_of(services, company)[company.numbers[0]].released_at is None
