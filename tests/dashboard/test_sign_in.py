"""Signing in by the form: cookies, tokens of forms, limits, and where one lands afterwards."""

import re

import pytest
from flask import Flask

from calltrack.dashboard.security import WITHOUT_FORM
from calltrack.wiring import Services
from tests.accounts.people import PASSWORD, make_user
from tests.builders import Company
from tests.dashboard.browser import TOKEN, Browser, fresh_address, make_app


def test_signing_in_and_out(app: Flask, services: Services, company: Company) -> None:
    person, browser = make_user(services, company), Browser(app)
    answer = browser.sign_in(person, next=f"/app/{company.id.hex}/calls")
    assert (answer.status_code, answer.location) == (303, f"/app/{company.id.hex}/calls")
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("calltrack_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    first = browser.client.get_cookie("calltrack_session")
    assert browser.get(f"/app/{company.id.hex}/").status_code == 200
    browser.sign_in(person)
    second = browser.client.get_cookie("calltrack_session")
    assert first is not None
    assert second is not None
    assert first.value != second.value
    browser.client.set_cookie("calltrack_session", first.value)
    assert browser.get("/app").location.startswith("/login"), "the session before the new sign-in goes on"
    browser.client.set_cookie("calltrack_session", second.value)
    assert browser.post("/logout").status_code == 303
    browser.client.set_cookie("calltrack_session", second.value)
    assert browser.get("/app").location.startswith("/login")


@pytest.mark.parametrize(
    "target", ["//evil.test", "https://evil.test", "/\\evil.test", "/app//evil", "/app\n", "javascript:x"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(app: Flask, services: Services, target: str) -> None:
    answer = Browser(app).sign_in(make_user(services), next=target)
    assert answer.location == "/app"


def test_over_https_the_cookie_is_bound_to_the_host(services: Services, company: Company) -> None:
    from dataclasses import replace

    settings = services.settings.model_copy(update={"public_base_url": "https://calls.example.test"})
    app = make_app(replace(services, settings=settings))
    client = app.test_client()
    page = client.get("/login", base_url="https://calls.example.test")
    token = TOKEN.search(page.text)
    assert token
    answer = client.post(
        "/login",
        data={"email": make_user(services, company).email, "password": PASSWORD, "csrf_token": token[1]},
        base_url="https://calls.example.test",
        headers={"Referer": "https://calls.example.test/login"},
    )
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("__Host-calltrack="))
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"]


def test_wrong_name_and_wrong_password_get_the_same_answer(app: Flask, services: Services) -> None:
    person = make_user(services)
    pages = []
    for email in (person.email, "nobody-" + person.email):
        browser = Browser(app)
        answer = browser.post("/login", email=email, password="wrong")
        assert answer.status_code == 401
        text = re.sub(r'name="csrf_token" value="[^"]+"', "", answer.text).replace(email, "")
        pages.append(text)
    assert pages[0] == pages[1]


def test_the_eleventh_try_in_a_minute_is_refused_but_a_known_browser_gets_in(
    app: Flask, services: Services
) -> None:
    person = make_user(services)
    known = Browser(app)
    assert known.sign_in(person).status_code == 303
    known.post("/logout")
    statuses = [Browser(app).sign_in(person, "wrong password").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    assert Browser(app).sign_in(person).status_code == 429, "the right one is refused too"
    assert known.sign_in(person).status_code == 303


def test_tries_from_one_address_are_limited_over_all_accounts(app: Flask) -> None:
    from calltrack.dashboard.login_limits import PER_ADDRESS, LoginLimits

    with app.app_context():
        limits: LoginLimits = LoginLimits(app.extensions["calltrack_services"].settings.redis_url)
    address = fresh_address()
    allowed = [
        limits.may_try(f"{n}@example.test", address, known=False) for n in range(PER_ADDRESS.amount + 1)
    ]
    assert allowed == [True] * PER_ADDRESS.amount + [False]


def test_without_redis_tries_are_still_limited() -> None:
    from calltrack.dashboard.login_limits import LoginLimits

    limits = LoginLimits("redis://127.0.0.1:1/0")
    assert [limits.may_try("a@example.test", "10.0.0.1", known=False) for _ in range(11)] == [True] * 10 + [
        False
    ]


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_form_without_its_token_is_refused(
    app: Flask, services: Services, company: Company, token: str
) -> None:
    browser = Browser(app)
    assert browser.post("/login", token, email="a@b.test", password="x").status_code == 400
    browser.sign_in(make_user(services, company))
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or set()) or not rule.endpoint.startswith("dashboard."):
            continue
        if rule.endpoint in WITHOUT_FORM:
            continue
        ids = dict.fromkeys(rule.arguments, company.id)
        path = app.url_map.bind("localhost").build(rule.endpoint, ids, method="POST")
        answer = browser.post(path, token)
        assert answer.status_code == 400, rule.endpoint
        assert "too old" in answer.text


def test_a_stale_sign_in_asks_for_the_password_before_a_key_is_made(
    services: Services, company: Company
) -> None:
    from dataclasses import replace
    from datetime import timedelta

    now = [services.clock()]
    app = make_app(replace(services, clock=lambda: now[0]))
    browser = Browser(app)
    browser.sign_in(make_user(services, company))
    path = f"/app/{company.id.hex}/settings/keys"
    assert "ctk_" in browser.post(path, name="CRM", role="viewer").text
    now[0] += timedelta(minutes=11)
    assert browser.post(path, name="CRM", role="viewer").status_code == 403
    assert browser.post(path, name="CRM", role="viewer", password="wrong").status_code == 403
    assert "ctk_" in browser.post(path, name="CRM", role="viewer", password=PASSWORD).text
