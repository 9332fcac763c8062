"""Pages do what their buttons say."""

import ast
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

import calltrack
from calltrack.accounts import audit
from calltrack.accounts.queries import members
from calltrack.conversions.call_log import OUTCOMES
from calltrack.conversions.queries import conversions_of
from calltrack.dashboard import words
from calltrack.dashboard.assets import FOLDER
from calltrack.dashboard.audit_words import DID
from calltrack.dashboard.metrics import METRICS
from calltrack.dashboard.periods import day_span, period
from calltrack.dashboard.show import change, money, percent, span
from calltrack.delivery.model import STATES
from calltrack.delivery.queries import destinations
from calltrack.kernel.phone import pretty
from calltrack.reports.asking import stretch_of
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import NOON, Company, make_call, make_company
from tests.dashboard.browser import Browser, make_app
from tests.dashboard.rows import Maker


@pytest.fixture
def owner(app: Flask, services: Services, company: Company) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company))
    return browser


def test_a_purchase_is_set_changed_and_taken_back(
    owner: Browser, services: Services, company: Company
) -> None:
    call = make_call(services, company, at=datetime.now(UTC) - timedelta(hours=1))
    page = f"/app/{company.id.hex}/calls/{call.id.hex}"
    for form, status, value in (
        ({"kind": "purchase", "value": "850,50"}, "counted", 85_050),
        ({"kind": "purchase", "value": "1.200,00"}, "counted", 120_000),
        ({"kind": "none"}, "retracted", 120_000),
    ):
        assert owner.post(f"{page}/outcome", **form).location == page
        with services.db.tenant(company.id) as session:
            kept = {one.kind: one for one in conversions_of(session, company.id, [call.id])}
        assert kept["purchase"].status == status
        assert kept["purchase"].value_minor == value
    assert "taken back" in owner.get(page).text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"kind": "odd"},
        {"kind": "purchase"},
        {"kind": "purchase", "value": "-1"},
        {"kind": "purchase", "value": "1.200"},
    ],
)
def test_a_wrong_outcome_is_refused_with_the_next_step(
    owner: Browser, services: Services, company: Company, form: dict[str, str]
) -> None:
    call = make_call(services, company)
    answer = owner.post(f"/app/{company.id.hex}/calls/{call.id.hex}/outcome", **form)
    assert answer.status_code == 400
    with services.db.tenant(company.id) as session:
        assert conversions_of(session, company.id, [call.id]) == ()


@pytest.mark.parametrize(
    "written", ["+39 347 123 4567", "0039 347 1234567", "347-1234567", "3471234567", "(347) 123.45.67"]
)
def test_a_caller_is_found_in_any_notation(
    owner: Browser, services: Services, company: Company, written: str
) -> None:
    call = make_call(services, company, caller="+393471234567")
    make_call(services, company, caller="+393471234568")
    page = owner.get(f"/app/{company.id.hex}/calls", query_string={"caller": written})
    assert re.findall(r"/calls/([0-9a-f]{32})", page.text) == [call.id.hex]


@pytest.mark.parametrize(
    "query",
    ["caller=12", "after=x", "outcome=odd", "location=zz", "brought=x", "since=x", "until=9"],
)
def test_no_filter_breaks_the_call_log(owner: Browser, company: Company, query: str) -> None:
    answer = owner.get(f"/app/{company.id.hex}/calls?{query}")
    assert answer.status_code in (200, 400)
    assert "<h1>Calls</h1>" in answer.text


@pytest.mark.parametrize("name", ["", "/live", "/calls", "/numbers", "/destinations", "/deliveries"])
def test_an_empty_company_is_told_the_next_step(owner: Browser, company: Company, name: str) -> None:
    page = owner.get(f"/app/{company.id.hex}{name or '/'}")
    assert page.status_code == 200
    if name != "/numbers":
        assert "empty-title" in page.text


def test_a_destination_is_paused_and_let_run(app: Flask, services: Services) -> None:
    company = make_company(services)
    made = Maker(services, company).fill(8, 5)
    browser = Browser(app)
    browser.enter(make_user(services, company))
    path = f"/app/{company.id.hex}/destinations/{made.destinations[0].hex}/status"
    for status in ("paused", "active"):
        assert browser.post(path, status=status).status_code == 303
        with services.db.tenant(company.id) as session:
            found = {one.id: one.status for one in destinations(session, company.id, datetime.now(UTC))}
        assert found[made.destinations[0]] == status
    assert browser.post(path, status="removed").status_code == 400


def test_the_chart_shows_what_the_table_says(app: Flask, services: Services) -> None:
    company = make_company(services)
    Maker(services, company).fill(60, 25)
    browser = Browser(app)
    browser.enter(make_user(services, company))
    for name in ("7d", "30d", "90d", "12m", "odd"):
        text = browser.get(f"/app/{company.id.hex}/?period={name}").text
        data = re.search(r'id="chart-data">(.*?)</script>', text, re.S)
        assert data
        chart = json.loads(data[1])
        total = re.search(r'<dt>Calls .*?kpi-value">(\d+)<', text, re.S)
        assert total
        assert sum(chart["calls"]) == int(total[1]) > 0
        assert len({len(values) for values in chart.values()}) == 1


def test_a_new_user_gets_a_first_password_once(
    owner: Browser, app: Flask, services: Services, company: Company
) -> None:
    path = f"/app/{company.id.hex}/settings/users"
    email = f"eva-{company.id.hex[-8:]}@example.test"
    made = owner.post(path, name="Eva", email=email, role="viewer").text
    password = re.search(r'<pre tabindex="0" id="first">([^<]+)<', made)
    assert password
    with services.db.tenant(company.id) as session:
        eva = next(member for member in members(session, company.id) if member.email == email)
    assert eva.role == "viewer"
    from tests.accounts.people import Person

    browser = Browser(app)
    assert browser.sign_in(Person(eva.user_id, email), password[1]).status_code == 303
    again = owner.post(path, name="Eva", email=email, role="viewer")
    assert again.status_code == 409


def test_every_change_is_told_in_words() -> None:
    said = set()
    for file in Path(calltrack.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.note" and len(node.args) > 3:
                said |= {part.value for part in ast.walk(node.args[3]) if isinstance(part, ast.Constant)}
    said = {word for word in said if isinstance(word, str) and re.fullmatch(r"[a-z_]+\.[a-z_]+", word)}
    assert len(said) > 60
    assert said <= set(DID)


def test_the_list_of_changes_goes_back_to_the_first(
    owner: Browser, services: Services, company: Company
) -> None:
    call = make_call(services, company)
    with services.db.tenant(company.id) as session:
        audit.note(session, company.id, "anna@example.test", "call.note", call.id.hex, NOON)
        for minute in range(1, 31):
            at = NOON + timedelta(minutes=minute)
            audit.note(session, company.id, "anna@example.test", "number.repair", company.numbers[0], at)
    page = owner.get(f"/app/{company.id.hex}/settings").text
    assert "repaired a number" in page
    assert pretty(company.numbers[0]) in page
    older = re.search(r'href="([^"#]+before=[^"#]+)#changes" rel="next"', page)
    assert older
    last = owner.get(older[1]).text
    assert f'/calls/{call.id.hex}">the call</a>' in last
    assert "These are all." in last


def test_the_first_page_explains_the_demo_and_goes_on_in_production(services: Services) -> None:
    from dataclasses import replace

    demo = replace(services, settings=services.settings.model_copy(update={"mode": "demo"}))
    text = Browser(make_app(demo)).get("/").text
    for part in (
        "gclid=",
        "/sandbox/phone",
        "demo@calltrack.test",
        "/sandbox/platforms",
        "calltrack simulate",
    ):
        assert part in text
    real = replace(services, settings=services.settings.model_copy(update={"mode": "production"}))
    answer = Browser(make_app(real)).get("/")
    assert (answer.status_code, answer.location) == (303, "/app")


@pytest.mark.parametrize("name", ["7d", "30d", "90d", "12m"])
@pytest.mark.parametrize(
    "now", ["2026-11-22T10:00", "2026-10-25T02:30", "2028-02-29T23:59", "2026-03-29T00:30"]
)
def test_a_period_and_the_one_before_are_as_long_by_the_calendar(name: str, now: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    chosen = period(name, at, "Europe/Rome")
    assert chosen.span.until == at
    assert chosen.span.since < at
    assert chosen.before.since < chosen.before.until <= chosen.span.since
    ours, before = (one.until - one.since for one in (chosen.span, chosen.before))
    assert abs(ours - before) <= timedelta(days=1, hours=1)
    days = stretch_of(name, chosen.dates[1])
    assert chosen.dates == (days.since, days.until), "reports count the same days"


def test_days_of_a_form_are_the_companys() -> None:
    since, until = day_span("2026-10-25", "2026-10-25", "Europe/Rome")
    assert since
    assert until
    assert until.astimezone(UTC) - since.astimezone(UTC) == timedelta(hours=25)
    assert day_span("x", "", "Europe/Rome") == (None, None)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (money(85_000, "EUR"), "€\u202f850"),
        (money(123_450, "EUR"), "€\u202f1\u202f234.50"),
        (money(500, "JPY"), "¥\u202f500"),
        (money(None, "EUR"), "–"),
        (percent(0.9999), "over 99\u202f%"),
        (percent(0.0001), "under 1\u202f%"),
        (percent(None), "–"),
        (span(3725), "1:02:05"),
        (change(12, 10), "+20\u202f%"),
        (change(3, 1), "1 before"),
        (change(5, 5), "as before"),
        (change(1_004, 1_000), "about as before"),
    ],
)
def test_values_are_written_for_people(shown: str, expected: str) -> None:
    assert shown == expected


def test_every_word_has_its_sign_and_every_metric_its_meaning() -> None:
    icons = (FOLDER / "icons.svg").read_text()
    for sign in (*words.OUTCOMES.values(), *words.STATES.values()):
        assert f'id="{sign.icon}"' in icons
        assert sign.word
    assert set(words.STATES) == set(words.STATE_MEANS) == set(STATES)
    assert set(OUTCOMES) <= set(words.OUTCOMES)
    for metric in METRICS.values():
        assert metric.means.endswith(".")
        assert metric.formula


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("google", "cpc"), "Google Ads"),
        (("", ""), "Unknown"),
        ((None, None), "Unknown"),
        (("direct", "none"), "Direct"),
        (("immobiliare.it", "referral"), "immobiliare.it / referral"),
        (("newsletter", "email"), "Newsletter / email"),
    ],
)
def test_sources_are_named_as_people_do(given: tuple[str | None, str | None], expected: str) -> None:
    assert words.source(*given) == expected


def test_a_check_of_an_installation_is_begun_opened_and_told(
    owner: Browser, services: Services, company: Company
) -> None:
    home = f"/app/{company.id.hex}/settings/sites/{company.site_id.hex}/check"
    assert "Look from inside a page" in owner.get(home).text
    refused = owner.post(home, page="nowhere at all")
    assert (refused.status_code, "address of one page" in refused.text) == (400, True)
    begun = owner.post(home, page="www.prova.test/contatti").location
    assert "Our server reads the page" in owner.get(begun).text
    there = owner.get(f"{begun}/open")
    assert (there.status_code, there.location.split("?")[0]) == (303, "https://www.prova.test/contatti")
    told = {"page": "https://www.prova.test/contatti", "tags": 1}
    assert owner.post(f"{home}/inside", told=json.dumps(told)).location == begun
    part = owner.get(f"{begun}?part=1").text
    assert "<html" not in part
    assert 'data-code="blocked"' in part
    assert "Waiting for your page view" in part
    assert owner.post(f"{home}/inside", told="{").status_code == 400
    elsewhere = begun.replace(company.site_id.hex, make_company(services).site_id.hex)
    assert owner.get(elsewhere).status_code == 404
