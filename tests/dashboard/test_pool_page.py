"""A pool's page: changed by form, and which of its numbers come first, in words."""

import re

import pytest
from flask import Flask
from sqlalchemy import select

from calltrack.accounts.model import AuditEntry
from calltrack.accounts.rules import Role
from calltrack.kernel.phone import pretty
from calltrack.numbers.model import Pool
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company
from tests.dashboard.browser import Browser

GOOD = {"name": "Milano", "lease_seconds": "90", "cooldown_seconds": "30", "near": ""}


def browser_of(app: Flask, services: Services, company: Company, role: Role = "manager") -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company, role))
    return browser


def at(company: Company, rest: str = "") -> str:
    return f"/app/{company.id.hex}/numbers{rest}"


def pool_of(services: Services, company: Company) -> Pool:
    with services.db.tenant(company.id) as session:
        return session.scalars(select(Pool)).one()


def part(page: str) -> str:
    """Return what the page says of the local preference, without its marks."""
    found = re.search(r'id="near">(.*?)</section>', page, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).replace("\xa0", " ").split())


def test_a_pool_is_changed_and_says_which_numbers_are_near(
    app: Flask, services: Services, company: Company
) -> None:
    manager, path = browser_of(app, services, company), at(company, f"/pools/{company.pool_id.hex}")
    assert "None: a number of any area is shown" in part(manager.get(path).text)
    first, second, *others = sorted(company.numbers)
    assert manager.post(path, **(GOOD | {"near": f"00{first[1:]}; {second}"})).location == path
    pool = pool_of(services, company)
    assert (pool.name, pool.lease_seconds, pool.cooldown_seconds, pool.near) == (
        "Milano", 90, 30, [first, second],
    )  # fmt: skip
    page = manager.get(path).text
    assert "true for the next visit" in page
    near, _, far = part(page).partition("Far, shown after them")
    assert "Near, shown first 2" in near
    assert far.startswith(" 3 ")
    assert all(pretty(one) in near for one in (first, second))
    assert all(pretty(one) in far for one in others)
    assert "3 of 5 begin otherwise" in manager.get(at(company)).text
    assert "+39\xa006 first" not in manager.get(at(company, "/setup")).text
    assert manager.post(path, **(GOOD | {"near": "06"})).location == path
    assert "All numbers of the pool do" in part(manager.get(path).text)
    assert "+39\xa006 first" in manager.get(at(company, "/setup")).text
    assert manager.post(path, **(GOOD | {"near": "+49 89"})).location == path
    assert "No number of this pool begins with +49 89" in part(manager.get(path).text)
    assert "none does yet" in manager.get(at(company)).text
    assert manager.post(path, **(GOOD | {"near": "+49 89"})).location == path
    assert "Nothing was different" in manager.get(path).text
    with services.db.tenant(company.id) as session:
        assert list(session.scalars(select(AuditEntry.action))) == ["pool.change"] * 3


@pytest.mark.parametrize(
    ("form", "field", "says"),
    [
        ({"near": "+49 089"}, "near", "begins with +49089"),
        ({"near": "1,2,3"}, "near", "begins with"),
        ({"near": "+3902,+3906,+39011,+39081,+39051,+39055"}, "near", "at most 5"),
        ({"lease_seconds": "soon"}, "lease_seconds", "whole number"),
        ({"lease_seconds": "0"}, "name", "between 1 and 3600"),
        ({"cooldown_seconds": "-1"}, "cooldown_seconds", "whole number"),
        ({"name": " "}, "name", "Give the pool a name"),
    ],
)
def test_a_wrong_change_is_told_beside_its_field_and_what_was_typed_stays(
    app: Flask, services: Services, company: Company, form: dict[str, str], field: str, says: str
) -> None:
    manager, path = browser_of(app, services, company), at(company, f"/pools/{company.pool_id.hex}")
    answer = manager.post(path, **(GOOD | {"near": "02"} | form))
    assert answer.status_code == 400
    problem = re.search(rf'id="pool-{field}-problem">(.*?)</p>', answer.text, re.DOTALL)
    assert problem is not None
    assert says in problem[1]
    assert 'name="cooldown_seconds" type="number" value="' in answer.text
    assert (pool_of(services, company).name, pool_of(services, company).near) == ("Sito Roma", [])


def test_a_viewer_sees_the_preference_and_no_form(app: Flask, services: Services, company: Company) -> None:
    viewer, path = (
        browser_of(app, services, company, "viewer"),
        at(company, f"/pools/{company.pool_id.hex}"),
    )
    page = viewer.get(path).text
    assert "Local preference" in page
    assert "Save changes" not in page
    assert viewer.post(path, **GOOD).status_code == 403
    assert pool_of(services, company).name == "Sito Roma"


def test_a_new_pool_may_prefer_numbers_from_the_beginning(
    app: Flask, services: Services, company: Company
) -> None:
    manager = browser_of(app, services, company)
    form = GOOD | {"location": company.location_id.hex, "near": "02"}
    answer = manager.post(at(company, "/pools"), **(form | {"near": "abc"}))
    assert (answer.status_code, 'id="pool-near-problem"' in answer.text) == (400, True)
    assert manager.post(at(company, "/pools"), **form).status_code == 303
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(Pool.near).where(Pool.name == "Milano")).one() == ["+3902"]
