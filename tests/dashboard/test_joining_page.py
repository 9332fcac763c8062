"""The page of rules that join persons: tried, saved, taken back, and suggestions decided, by whoever may."""

import re

import pytest
from flask import Flask

from calltrack.journeys.rule_joining import current_rules
from calltrack.journeys.rule_model import PersonSuggestion
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import NOON, Company, fresh_e164
from tests.dashboard.browser import Browser
from tests.stages.people import Town
from tests.stages.test_joining_rules import typed_email, work

RULES = {
    "key": "join", "call": "join", "email": "join", "phone": "off", "other_crm_id": "ask",
    "most_by_email": "5", "most_by_number": "", "browsers_by_phone": "on",
}  # fmt: skip


@pytest.fixture
def owner(app: Flask, services: Services, company: Company) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company))
    return browser


def test_rules_are_tried_saved_and_taken_back(owner: Browser, services: Services, company: Company) -> None:
    town, at = Town(services, company), f"/app/{company.id.hex}/journeys/joining"
    for _ in range(2):
        browser = new_id()
        town.person(fresh_e164(), browser)
        typed_email(town, browser, "anna@example.com")
    assert "Save as version 1" in owner.get(at).text
    tried = owner.post(at, **RULES, do="try").text
    assert "1 person would become part of another one" in tried
    assert re.search(r'name="email".*?<option value="join" selected', tried, re.S)
    refused = owner.post(at, **RULES | {"most_by_email": "many"}, do="save")
    assert (refused.status_code, "Write a whole number" in refused.text) == (400, True)
    assert owner.post(at, **RULES, do="save", join_past="on", note="one address").status_code == 303
    with services.db.tenant(company.id) as session:
        held = current_rules(session, company.id)
    assert (held.number, held.rules.most_by_email, held.rules.most_by_number) == (1, 5, None)
    assert (held.rules.browsers_by_phone, held.rules.browsers_by_email) == (True, False)
    work(town)
    assert "joined 1 person" in owner.get(at).text
    owner.post(f"{at}/undo", number="1")
    assert "tick the box first" in owner.get(at).text
    owner.post(f"{at}/undo", number="1", sure="yes")
    work(town)
    assert "joined 0 persons" in owner.get(at).text


def test_a_suggestion_is_decided_by_a_manager(
    owner: Browser, services: Services, company: Company, app: Flask
) -> None:
    town, at = Town(services, company), f"/app/{company.id.hex}/journeys"
    one, other = sorted((town.person(fresh_e164()), town.person(fresh_e164())))
    id_ = new_id()
    town.store(PersonSuggestion(company_id=company.id, id=id_, one_id=one, other_id=other, via="email",
                                found_at=NOON, decision="open"))  # fmt: skip
    viewer = Browser(app)
    viewer.enter(make_user(services, company, "viewer"))
    assert "They are two" not in viewer.get(f"{at}/joining").text
    assert viewer.post(f"{at}/suggestions/{id_.hex}", do="join").status_code == 403
    assert "They are two" in owner.get(f"{at}/joining").text
    owner.post(f"{at}/suggestions/{id_.hex}", do="apart")
    page = owner.get(f"{at}/joining").text
    assert "They stay two" in page
    assert "to decide" not in page
