"""Credit over many touches: the page and its file, with much, little and nothing."""

import csv
import io
import math
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Browser as Chromium

from calltrack.dashboard.assets import FOLDER
from calltrack.journeys.credit.models import MODELS
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company, make_company
from tests.dashboard.browser import Browser, make_app
from tests.reports.credit.plenty import plenty
from tests.reports.credit.rows import META, Told, converted, count, judged_call, visit_by
from tests.reports.credit.test_stored import DAY, LATER, NOON


@pytest.fixture(scope="module")
def then(services: Services) -> Services:
    return replace(services, clock=lambda: LATER)


def viewer_of(then: Services, company: Company) -> Browser:
    browser = Browser(make_app(then))
    browser.enter(make_user(then, company, "viewer"))
    return browser


def test_all_models_stand_beside_the_last_touch_and_the_file_adds_up(then: Services) -> None:
    company = make_company(then, numbers=1)
    plenty(then, company, DAY, NOON, 1200)
    browser = viewer_of(then, company)
    at = f"/app/{company.id.hex}/journeys/credit"
    page = browser.get(at).text
    assert "Markov, order 1 beside last touch" in page
    assert "Not shown" not in page
    assert page.count('<svg class="strip"') == 4
    for model in MODELS.values():
        assert f"<dt>{model.label}</dt><dd>{model.sentence}</dd>" in page.replace("&#39;", "'")
    chosen = browser.get(f"{at}?by=campaign&days=90&model=linear&figures=value").text
    assert "Linear beside last touch" in chosen
    assert "traslochi-roma" in chosen
    answer = browser.get(f"{at}.csv?by=campaign")
    assert "attachment; filename=credit-2026-11-21.csv" in answer.headers["Content-Disposition"]
    lines = list(csv.reader(io.StringIO(answer.text)))
    assert "leads per campaign; touches of the 30 days before the call" in lines[0][0]
    told = [dict(zip(lines[1], line, strict=True)) for line in lines[2:]]
    for name in MODELS:
        mine = [row for row in told if row["model"] == name]
        assert math.fsum(float(row["conversions"]) for row in mine) == pytest.approx(1200, abs=1e-9), name
        assert round(sum(float(row["value"]) for row in mine), 2) == 12_012
        against = math.fsum(float(row["conversions_against_last_touch"]) for row in mine)
        assert against == pytest.approx(0, abs=1e-9)


def test_too_little_data_is_said_with_what_is_missing(then: Services, company: Company) -> None:
    visit = visit_by(then, company, META, NOON - timedelta(hours=1))
    change = converted(then, company, judged_call(then, company, NOON, [Told(visit, 1.0)]), kind="purchase")
    count(then, company, LATER, change)
    browser = viewer_of(then, company)
    at = f"/app/{company.id.hex}/journeys/credit"
    page = browser.get(f"{at}?kind=purchase&model=markov1").text
    assert "Linear beside last touch" in page
    assert "199 more are needed" in page
    assert re.search(r'value="shapley" disabled>Shapley \(too little data\)', page)
    assert "No leads in this time" in browser.get(at).text
    assert "Linear beside" in browser.get(f"{at}?kind=purchase&by=x&days=-1&model=nonsense&period=y").text


def test_six_models_fit_beside_each_other_and_a_shade_tells_of_more(
    then: Services, company: Company, browser: Chromium
) -> None:
    visit = visit_by(then, company, META, NOON - timedelta(hours=1))
    change = converted(then, company, judged_call(then, company, NOON, [Told(visit, 1.0)]))
    count(then, company, LATER, change)
    html = viewer_of(then, company).get(f"/app/{company.id.hex}/journeys/credit").text
    styles = "".join((FOLDER / name).read_text() for name in ("tokens.css", "app.css", "journey_credit.css"))
    page = browser.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.set_content(re.sub(r"<(link|script)[^>]*>", "", html) + f"<style>{styles}</style>")
    table = page.locator(".scroll:has(.side-by-side)")
    assert table.locator("thead th").count() == 7
    assert table.evaluate("it => it.scrollWidth - it.clientWidth") == 0
    page.set_viewport_size({"width": 390, "height": 844})
    assert table.evaluate("it => it.scrollWidth > it.clientWidth")
    assert "local, scroll" in table.evaluate("it => getComputedStyle(it).backgroundAttachment")
    page.close()
