"""The dashboard beside the other surfaces in one application: each answers in its own way."""

from flask import Flask

from calltrack.app import assemble
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company
from tests.dashboard.browser import Browser


def test_pages_answer_with_pages_and_machines_with_problems(services: Services, company: Company) -> None:
    app: Flask = assemble(services, "web")
    browser = Browser(app)
    assert browser.sign_in(make_user(services, company)).status_code == 303
    for path in (f"/app/{company.id.hex}/nope", f"/app/{company.id.hex}/calls/{company.id.hex}", "/app/nope"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert answer.mimetype == "text/html"
        assert "There is nothing here" in answer.text
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    machine = browser.get("/api/v1/nope")
    assert machine.status_code == 404
    assert "json" in (machine.mimetype or "")
    assert browser.get(f"/app/{company.id.hex}/").status_code == 200
    assert browser.post(f"/app/{company.id.hex}/settings/keys", "wrong").status_code == 400
