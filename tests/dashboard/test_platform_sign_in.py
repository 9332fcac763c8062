"""Signing in at a platform: the whole way through a browser, the identity server and the sealed form."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import select

from calltrack.delivery.accounts import PLACE, pause
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.sign_in_model import SignInRequest
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.sign_in import PROVIDERS
from calltrack.sandbox.platforms.accounts import SETTINGS
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company
from tests.dashboard.browser import Browser, make_app
from tests.plain import PLAIN
from tests.sandbox.platforms.serving import serving

SIGNED = sorted(name for name, one in DESTINATIONS.items() if one.sign_in is not None)
ACTIONS = {"name": "Ads", "customer_id": "1234567890", "lead_action_id": "7001", "purchase_action_id": "7002"}


class Desk:
    """An owner's browser at an instance whose sandbox serves on a socket."""

    def __init__(self, services: Services, company: Company, origin: str) -> None:
        settings = services.settings.model_copy(update={"local_origin": origin})
        self.services = replace(services, settings=settings)
        self.company, self.origin = company, origin
        self.app = make_app(self.services)
        self.owner = Browser(self.app)
        self.owner.enter(make_user(services, company))

    def at(self, rest: str) -> str:
        return f"/app/{self.company.id.hex}{rest}"

    def answer(self, location: str, answer: str = "allow") -> str:
        """Answer the identity server's page, as a browser would; returns the way back."""
        parts = urlsplit(location)
        url = f"{self.origin}{parts.path}?{parts.query}"
        assert PLAIN.get(url).status_code == 200
        back = PLAIN.post(url, data={"answer": answer})
        assert back.status_code == 303
        way = urlsplit(back.headers["location"])
        return f"{way.path}?{way.query}"

    def account(self) -> DestinationAccount:
        with self.services.db.tenant(self.company.id) as session:
            return session.scalars(select(DestinationAccount)).one()

    def secrets(self, row: DestinationAccount) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.services.vault.open(row.company_id, PLACE, row.secrets))
        return found


@pytest.fixture
def desk(services: Services, company: Company) -> Iterator[Desk]:
    with serving() as origin:
        yield Desk(services, company, origin)


@pytest.mark.parametrize("kind", SIGNED)
def test_an_account_is_connected_by_signing_in_and_no_token_is_typed(desk: Desk, kind: str) -> None:
    begun = desk.owner.get(desk.at(f"/destinations/sign-in?kind={kind}"))
    assert begun.status_code == 303
    returned = desk.owner.get(desk.answer(begun.location))
    assert returned.status_code == 303
    page = desk.owner.get(returned.location).text
    assert "Signed in with" in page
    assert 'name="refresh_token"' not in page
    assert 'name="access_token"' not in page
    signed_in = parse_qs(urlsplit(returned.location).query)["signed_in"][0]
    # What a browser sends: each drawn field with its default, and what the person typed.
    drawn = {field.name: field for field in DESTINATIONS[kind].Settings.form()}
    left = {"client_id", "client_secret", "refresh_token", "access_token"}
    filled = SETTINGS[kind]("http://127.0.0.1")
    typed = {
        name: "on" if field.kind == "checkbox" else str(filled.get(name, field.default or ""))
        for name, field in drawn.items()
        if name not in left and not (field.kind == "checkbox" and not field.default)
    }
    connected = desk.owner.post(
        desk.at("/destinations/connect"), kind=kind, signed_in=signed_in, **({"name": "Ads"} | typed)
    )
    assert connected.status_code == 303, connected.text
    row = desk.account()
    expected = SETTINGS[kind](desk.origin)
    for name in ("refresh_token", "access_token"):
        if expected.get(name):
            assert desk.secrets(row)[name] == expected[name]
    assert row.status == "active", row.status_reason
    assert row.trial_at is not None
    # Used once: the sealed grant is gone.
    with desk.services.db.tenant(desk.company.id) as session:
        assert session.scalars(select(SignInRequest)).one().granted == b""


def test_a_refusal_connects_nothing_and_says_so(desk: Desk) -> None:
    begun = desk.owner.get(desk.at("/destinations/sign-in?kind=google_data_manager"))
    returned = desk.owner.get(desk.answer(begun.location, "deny"))
    page = desk.owner.get(returned.location).text
    assert "You did not allow it" in page
    assert "signed_in" not in returned.location


def test_a_way_back_works_once_and_for_the_one_who_began(desk: Desk) -> None:
    begun = desk.owner.get(desk.at("/destinations/sign-in?kind=google_data_manager"))
    back = desk.answer(begun.location)
    other = Browser(desk.app)
    other.enter(make_user(desk.services, desk.company))
    assert other.get(back).status_code == 403
    assert desk.owner.get(back).status_code == 303
    assert desk.owner.get(back).status_code == 404


def test_a_forged_state_a_foreign_owner_and_a_viewer_get_nowhere(desk: Desk, services: Services) -> None:
    assert desk.owner.get("/oauth/callback?state=forged&code=x").status_code == 400
    begun = desk.owner.get(desk.at("/destinations/sign-in?kind=google_data_manager"))
    back = desk.answer(begun.location)
    stranger = Browser(desk.app)
    stranger.enter(make_user(services))
    assert stranger.get(back).status_code == 404
    viewer = Browser(desk.app)
    viewer.enter(make_user(services, desk.company, "viewer"))
    assert viewer.get(back).status_code == 403
    assert viewer.get(desk.at("/destinations/sign-in?kind=google_data_manager")).status_code == 403


def test_signing_in_again_renews_the_access_and_lets_it_run(desk: Desk) -> None:
    desk.owner.post(
        desk.at("/destinations/connect"), kind="google_data_manager", **ACTIONS,
        client_id="sandbox-client", client_secret="sandbox-client-secret", refresh_token="withdrawn",
    )  # fmt: skip
    row = desk.account()
    # The trial found it out before any conversion did.
    assert row.status == "paused"
    assert "withdrawn" in row.status_reason
    assert row.trial_ok is False
    begun = desk.owner.get(desk.at(f"/destinations/{row.id.hex}/sign-in"))
    returned = desk.owner.get(desk.answer(begun.location))
    assert "Signed in again" in desk.owner.get(returned.location).text
    row = desk.account()
    assert (row.status, desk.secrets(row)["refresh_token"]) == ("active", "sandbox-refresh-token")
    again = desk.owner.post(desk.at(f"/destinations/{row.id.hex}/trial"))
    assert "The trial run worked" in desk.owner.get(again.location).text


def test_a_grant_waits_an_hour_and_no_longer(desk: Desk) -> None:
    begun = desk.owner.get(desk.at("/destinations/sign-in?kind=google_data_manager"))
    returned = desk.owner.get(desk.answer(begun.location))
    signed_in = parse_qs(urlsplit(returned.location).query)["signed_in"][0]
    with desk.services.db.tenant(desk.company.id) as session:
        row = session.scalars(select(SignInRequest)).one()
        row.created_at -= timedelta(hours=2)
    late = desk.owner.post(
        desk.at("/destinations/connect"), kind="google_data_manager", signed_in=signed_in, **ACTIONS
    )
    assert late.status_code == 400
    assert "sign in again" in late.text


def test_a_trial_does_not_switch_on_what_a_person_paused(desk: Desk) -> None:
    desk.owner.post(
        desk.at("/destinations/connect"), kind="google_data_manager", **ACTIONS,
        client_id="sandbox-client", client_secret="sandbox-client-secret",
        refresh_token="sandbox-refresh-token",
    )  # fmt: skip
    row = desk.account()
    with desk.services.db.tenant(desk.company.id) as session:
        pause(session, desk.company.id, row.id, "Holidays.", desk.services.clock())
    desk.owner.post(desk.at(f"/destinations/{row.id.hex}/trial"))
    assert desk.account().status == "paused"


def test_an_instance_without_an_application_says_what_to_set(services: Services, company: Company) -> None:
    plain = replace(services, settings=services.settings.model_copy(update={"mode": "production"}))
    owner = Browser(make_app(plain))
    owner.enter(make_user(services, company))
    answer = owner.get(f"/app/{company.id.hex}/destinations/sign-in?kind=google_data_manager")
    assert "OAUTH_GOOGLE_CLIENT_ID" in owner.get(answer.location).text


def test_every_provider_has_settings_and_a_destination(services: Services) -> None:
    for name in PROVIDERS:
        assert services.settings.oauth_app(name) == ("sandbox-client", "sandbox-client-secret")
    assert {one.sign_in for one in DESTINATIONS.values()} - {None} <= set(PROVIDERS)


def test_every_destination_names_its_twin_for_the_demo() -> None:
    for kind, destination in DESTINATIONS.items():
        hidden = {
            name
            for name, field in destination.Settings.model_fields.items()
            if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("sandbox")
        }
        assert set(destination.twin_paths) == hidden, kind
        at_twin = SETTINGS[kind]("http://twin.test")
        for name, path in destination.twin_paths.items():
            assert at_twin[name] == f"http://twin.test{path}", kind


def test_a_changed_refresh_token_is_kept(services: Services, company: Company, desk: Desk) -> None:
    from calltrack.delivery.accounts import keep_refresh_token

    desk.owner.post(
        desk.at("/destinations/connect"), kind="google_data_manager", **ACTIONS,
        client_id="sandbox-client", client_secret="sandbox-client-secret", refresh_token="old",
    )  # fmt: skip
    row: UUID = desk.account().id
    with services.db.tenant(company.id) as session:
        keep_refresh_token(session, services.vault, company.id, row, "new")
    assert desk.secrets(desk.account())["refresh_token"] == "new"
