"""The page of the rules, as somebody without JavaScript uses it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from calltrack.conversions.service import classify_call
from calltrack.conversions.versions import all_versions, rulebook
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company, make_call
from tests.dashboard.browser import Browser


@pytest.fixture
def manager(app: Flask, services: Services, company: Company) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company, "manager"))
    return browser


def typed(text: str) -> dict[str, str]:
    """Return what a browser would send of the page's form as it stands."""
    found: dict[str, str] = {}
    body = text.split('id="rules"')[1].split("</form>")[0]
    for part in re.finditer(r"<input[^>]*>|<select.*?</select>", body, re.DOTALL):
        name = re.search(r' name="([^"]+)"', part[0])
        if name is None or name[1] == "csrf_token":
            continue
        if part[0].startswith("<select"):
            chosen = re.search(r'value="([^"]*)" selected', part[0]) or re.search(r'value="([^"]*)"', part[0])
            found[name[1]] = chosen[1] if chosen else ""
        elif "checkbox" not in part[0] or " checked" in part[0]:
            value = re.search(r' value="([^"]*)"', part[0])
            found[name[1]] = value[1] if value else ""
    return found


def test_a_rule_is_written_tried_saved_and_brought_back(
    manager: Browser, services: Services, company: Company
) -> None:
    now = datetime.now(UTC)
    for hours, talked in ((30, 20), (20, 90), (10, 200)):
        call = make_call(services, company, caller=f"+3934712345{hours}", at=now - timedelta(hours=hours),
                         talk_seconds=talked)  # fmt: skip
        with services.db.tenant(company.id) as session:
            classify_call(session, company.id, call.id, now)
    page = f"/app/{company.id.hex}/settings/rules"
    text = manager.get(page).text
    assert "If a person answered, they talked at least 60 seconds" in text
    text = manager.post(page, **(typed(text) | {"do": "cut-0-1"})).text
    form = typed(text) | {"rule-0-line-1-fact": "talk_at_least", "rule-0-line-1-text": "15"}
    assert "would have marked 3 of 3 calls (now: 2); 1 changes" in manager.post(page, **form, do="try").text
    wrong = manager.post(page, **(form | {"rule-0-line-1-text": "long", "do": "save"})).text
    assert "Rule 1: Write the seconds as a whole number." in wrong
    saved = manager.post(page, **(form | {"do": "save", "past_days": "7"}))
    assert saved.status_code == 303
    assert "Somebody saved version 1 in the meantime" in manager.post(page, **form, do="save").text
    text = manager.get(page).text
    assert "they talked at least 15 seconds" in text
    versions = text.split('id="h-versions"')[1]
    assert "The built-in rule" in versions
    assert "they talked at least 60 seconds" in versions
    assert re.findall(r'name="number" value="(\d+)"', versions) == ["0"]
    assert manager.post(page + "/restore", number="0").status_code == 303
    with services.db.tenant(company.id) as session:
        assert [one.number for one in all_versions(session, company.id)] == [2, 1]
        newest = rulebook(session, company.id).newest
        assert newest.tree == rulebook(session, company.id).versions[-1].tree
    versions = manager.get(page).text.split('id="h-versions"')[1]
    assert "The built-in rule brought back." in versions
    assert "The version in use says the same." in versions
    assert re.findall(r'name="number" value="(\d+)"', versions) == ["1"]


@pytest.mark.parametrize("number", ["", "x", "77", "-1"])
def test_a_version_that_does_not_exist_is_not_brought_back(
    manager: Browser, company: Company, number: str
) -> None:
    answer = manager.post(f"/app/{company.id.hex}/settings/rules/restore", number=number)
    assert answer.status_code in (400, 404, 303)
    assert "Version" not in answer.text
