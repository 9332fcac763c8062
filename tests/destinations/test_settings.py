import base64
from typing import Any

import pytest
from pydantic import ValidationError

from calltrack.destinations import DESTINATIONS
from calltrack.destinations.google_settings import GoogleDataManagerSettings
from calltrack.destinations.settings import SettingsByKind
from calltrack.destinations.webhook import WebhookSettings, new_secret
from calltrack.sandbox.platforms.accounts import example_settings
from tests.destinations.uploads import SECRET, google, webhook

REAL: dict[str, Any] = {
    "customer_id": "1234567890",
    "lead_action_id": "7001",
    "client_id": "c",
    "client_secret": "s",
    "refresh_token": "r",
}


def encoded(size: int) -> str:
    return "whsec_" + base64.b64encode(b"x" * size).decode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"customer_id": "12345"}, "customer_id"),
        ({"customer_id": "12345678901"}, "customer_id"),
        ({"customer_id": "abc-456-7890"}, "customer_id"),
        ({"customer_id": ""}, ""),
        ({"login_customer_id": "1"}, "login_customer_id"),
        ({"lead_action_id": "AW-7001"}, "lead_action_id"),
        ({"lead_action_id": None}, ""),
        ({"client_secret": " "}, "client_secret"),
        ({"refresh_token": ""}, "refresh_token"),
        ({"hold_after_click_hours": 25}, "hold_after_click_hours"),
        ({"lookback_days": 0}, "lookback_days"),
        ({"lookback_days": 91}, "lookback_days"),
        ({"event_source": "CALL"}, "event_source"),
        ({"base_url": "https://evil.example"}, ""),
        ({"token_uri": "https://evil.example"}, ""),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_google_setting_is_refused_and_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        GoogleDataManagerSettings.load(REAL | change)
    assert field in str(refused.value)


def test_account_numbers_are_taken_as_people_write_them() -> None:
    loaded = GoogleDataManagerSettings.load(REAL | {"customer_id": " 123-456-7890 "})
    assert loaded.customer_id == "1234567890"


def test_the_twins_address_is_for_the_sandbox_only() -> None:
    twin = {"base_url": "http://127.0.0.1:9/x", "token_uri": "http://127.0.0.1:9/t"}
    assert GoogleDataManagerSettings.load(REAL | twin, sandbox=True).base_url == twin["base_url"]
    with pytest.raises(ValidationError, match="sandbox only"):
        GoogleDataManagerSettings.load(REAL | twin)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com/hook", "ftp://example.com", "http://example.com/hook", "https://", "https:///path",
        "https://user:pass@example.com/", "https://example.com/#part", "https://example.com/a b",
        "https://example.com:8080/", "https://example.com:99999/", "https://example.com:22/",
        "javascript:alert(1)",
        "https://[::1", "https://exa\nmple.com/",
    ],
)  # fmt: skip
def test_a_webhook_address_must_be_public_https(url: str) -> None:
    with pytest.raises(ValidationError):
        WebhookSettings.load({"url": url, "secret": SECRET})


@pytest.mark.parametrize(
    "url", ["https://example.com/hook?x=1", "https://example.com:8443/", "https://[2a00::1]/"]
)
def test_good_webhook_addresses(url: str) -> None:
    assert WebhookSettings.load({"url": url, "secret": SECRET}).url == url


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "secret",
        encoded(23),
        encoded(65),
        encoded(32).removeprefix("whsec_"),
        "whsec_%%%%",
        "whsec_äöü",
    ],
)
def test_a_signing_secret_has_its_form(secret: str) -> None:
    with pytest.raises(ValidationError):
        WebhookSettings.load({"url": "https://example.com", "secret": secret})


@pytest.mark.parametrize("secret", [encoded(24), encoded(64), None])
def test_good_signing_secrets(secret: str | None) -> None:
    secret = secret or new_secret()
    assert (
        WebhookSettings.load({"url": "https://example.com", "secret": secret}).secret.get_secret_value()
        == secret
    )


def test_fresh_secrets_differ() -> None:
    assert new_secret() != new_secret()


def test_secrets_are_apart_and_never_shown() -> None:
    settings = google()
    assert settings.secret_names() == {"client_secret", "refresh_token"}
    assert settings.secrets() == {"client_secret": "secret", "refresh_token": "refresh"}
    assert "client_secret" not in settings.plain()
    assert "'secret'" not in repr(settings)
    assert GoogleDataManagerSettings.load(settings.plain() | settings.secrets(), sandbox=True) == settings
    assert webhook().secret_names() == {"secret", "previous_secret"}


def test_a_refused_value_is_not_quoted_in_the_error() -> None:
    with pytest.raises(ValidationError) as refused:
        WebhookSettings.load({"url": "https://example.com", "secret": "whsec_oops-my-secret"})
    assert "oops" not in str(refused.value)


@pytest.mark.parametrize("name", sorted(DESTINATIONS))
def test_every_destination_draws_its_own_form(name: str) -> None:
    destination = DESTINATIONS[name]
    form = destination.Settings.form()
    assert destination.name == name
    assert destination.label
    assert destination.description
    assert all(field.label for field in form)
    assert {field.name for field in form if field.secret} == destination.Settings.secret_names()
    assert not {"base_url", "token_uri"} & {field.name for field in form}
    assert all(field.default is None for field in form if field.secret)


def test_a_form_knows_its_kinds() -> None:
    kinds = {field.name: field.kind for field in GoogleDataManagerSettings.form()}
    assert kinds["customer_id"] == "text"
    assert kinds["send_hashed_contacts"] == "checkbox"
    assert kinds["lookback_days"] == "number"
    assert kinds["event_source"] == "choice"
    choices = {field.name: field.choices for field in GoogleDataManagerSettings.form()}
    assert choices["event_source"] == ("PHONE", "WEB", "OTHER")


PLATFORMS = sorted(name for name in DESTINATIONS if issubclass(DESTINATIONS[name].Settings, SettingsByKind))
EVERY_SECRET = [
    (name, secret)
    for name in sorted(DESTINATIONS)
    for secret in sorted(DESTINATIONS[name].Settings.secret_names())
]
EVERY_ADDRESS = [(name, field) for name in sorted(DESTINATIONS) for field in DESTINATIONS[name].twin_paths]


def loaded(name: str, more: dict[str, Any] | None = None, *, sandbox: bool = True) -> Any:
    return DESTINATIONS[name].Settings.load(example_settings(name) | (more or {}), sandbox=sandbox)


def test_all_ad_platforms_share_one_base() -> None:
    assert set(DESTINATIONS) - set(PLATFORMS) == {"webhook"}


@pytest.mark.parametrize("name", sorted(DESTINATIONS))
def test_an_empty_text_is_nothing_where_a_field_may_be_left_out(name: str) -> None:
    fields = DESTINATIONS[name].Settings.model_fields
    optional = [field for field, info in fields.items() if not info.is_required() and info.default is None]
    shape = DESTINATIONS[name].Settings
    kept = shape.by_kind["lead"] if issubclass(shape, SettingsByKind) else ""
    left_out = {field: " " for field in optional if field not in (kept, "access_token")}
    assert [getattr(loaded(name, left_out), field) for field in left_out] == [None] * len(left_out)


@pytest.mark.parametrize(("name", "field"), EVERY_SECRET)
@pytest.mark.parametrize("wrong", ["two words", "line\nline", "s\u00e9cret", "a\x00b", "x" * 8001])
def test_a_secret_is_one_word(name: str, field: str, wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        loaded(name, {field: wrong})
    assert field in str(refused.value)
    assert wrong not in str(refused.value)


@pytest.mark.parametrize(("name", "field"), EVERY_SECRET)
def test_space_around_a_pasted_secret_is_dropped(name: str, field: str) -> None:
    word = new_secret()
    assert getattr(loaded(name, {field: f" {word}\n"}), field).get_secret_value() == word


@pytest.mark.parametrize(("name", "field"), EVERY_ADDRESS)
def test_an_address_of_the_platform_moves_in_the_sandbox_only(name: str, field: str) -> None:
    real = {
        one: DESTINATIONS[name].Settings.model_fields[one].default for one in DESTINATIONS[name].twin_paths
    }
    assert loaded(name, real, sandbox=False)
    moved = {field: "https://evil.example"}
    assert getattr(loaded(name, real | moved), field) == "https://evil.example"
    with pytest.raises(ValidationError, match=f"{field} can be changed in the sandbox only"):
        loaded(name, real | moved, sandbox=False)
    with pytest.raises(ValidationError, match=f"{field} must be an http or https address"):
        loaded(name, real | {field: "file:///etc/passwd"})


@pytest.mark.parametrize("name", PLATFORMS)
def test_leads_purchases_or_both_are_named(name: str) -> None:
    settings = loaded(name)
    lead, purchase = settings.by_kind["lead"], settings.by_kind["purchase"]
    assert settings.name_for("lead") == getattr(settings, lead)
    assert loaded(name, {lead: ""}).name_for("lead") is None
    with pytest.raises(ValidationError, match="for leads, for purchases, or both"):
        loaded(name, {lead: "", purchase: None})


@pytest.mark.parametrize(
    ("name", "field"), [("google_ads", "actions_made_at"), ("microsoft", "goals_made_at")]
)
def test_a_moment_without_a_zone_is_utc(name: str, field: str) -> None:
    assert getattr(loaded(name, {field: "2026-11-22T14:30"}), field).isoformat().endswith("+00:00")
    assert getattr(loaded(name, {field: "2026-11-22T14:30+01:00"}), field).isoformat().endswith("+01:00")
