"""Builders with defaults for the tests of destinations."""

from datetime import UTC, datetime, timedelta
from typing import Any

from calltrack.destinations.base import Consent, Upload
from calltrack.destinations.google_settings import GoogleAdsSettings, GoogleDataManagerSettings
from calltrack.destinations.webhook import WebhookSettings
from calltrack.infra.http import HttpAnswer

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECRET = "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


def upload(**more: Any) -> Upload:
    """A purchase over 850 EUR an hour after its click."""
    given: dict[str, Any] = {
        "id": "conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6",
        "kind": "purchase",
        "action": "create",
        "occurred_at": NOON,
        "changed_at": NOON,
        "value_minor": 85_000,
        "currency": "EUR",
        "click_ids": {"gclid": "Cj0KCQiA-Case_Exact"},
        "clicked_at": NOON - timedelta(hours=1),
        "phone_e164": "+390669940001",
        "consent": Consent("granted", "granted"),
    }
    return Upload(**(given | more))


def google(**more: Any) -> GoogleDataManagerSettings:
    given: dict[str, Any] = {
        "customer_id": "123-456-7890",
        "lead_action_id": "7001",
        "purchase_action_id": "7002",
        "client_id": "client",
        "client_secret": "secret",
        "refresh_token": "refresh",
        "hold_after_click_hours": 0,
    }
    return GoogleDataManagerSettings.load(given | more, sandbox=True)


def google_ads(**more: Any) -> GoogleAdsSettings:
    given: dict[str, Any] = {
        "customer_id": "123-456-7890",
        "lead_action_id": "7001",
        "purchase_action_id": "7002",
        "client_id": "client",
        "client_secret": "secret",
        "refresh_token": "refresh",
        "hold_after_click_hours": 0,
    }
    return GoogleAdsSettings.load(given | more, sandbox=True)


def webhook(**more: Any) -> WebhookSettings:
    return WebhookSettings.load({"url": "https://example.com/hook", "secret": SECRET} | more)


def answer(status: int, body: bytes = b"", **headers: str) -> HttpAnswer:
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
