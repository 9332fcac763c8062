"""The page of telephone systems with a login: mistakes beside their fields, and no password shown."""

from __future__ import annotations

from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company
from tests.dashboard.browser import Browser, make_app


def test_a_login_is_kept_and_forgotten_and_its_password_never_shown(
    services: Services, company: Company
) -> None:
    owner = Browser(make_app(services))
    owner.sign_in(make_user(services, company, "owner"))
    path = f"/app/{company.id.hex}/settings/phone-systems"
    assert "None yet" in owner.get(path).text
    wrong = owner.post(path, host="pbx.example.com", username="of fice", sip_password="s3cret")
    assert wrong.status_code == 400
    assert "without blanks" in wrong.text
    assert "s3cret" not in wrong.text
    saved = owner.post(
        path, host="sip:office@pbx.example.com;transport=tls", username="office", sip_password="s3cret"
    )
    assert saved.location == path
    page = owner.get(path).text
    assert "pbx.example.com</strong>" in page
    assert "s3cret" not in page
    assert owner.post(f"{path}/remove", host="pbx.example.com").location == path
    assert "None yet" in owner.get(path).text
    assert owner.post(f"{path}/remove", host="pbx.example.com").status_code == 404
