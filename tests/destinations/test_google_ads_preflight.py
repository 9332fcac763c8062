"""What the Google Ads API would do is known before anything is sent."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from calltrack.destinations.base import Consent
from calltrack.destinations.google_ads import GoogleAds
from calltrack.destinations.google_data_manager import GoogleDataManager
from tests.destinations.uploads import NOON, google, google_ads, upload

DAY = timedelta(days=1)
CALL: dict[str, Any] = {
    "click_ids": {}, "source": "google", "medium": "call_asset",
    "call_started_at": NOON - timedelta(minutes=3),
}  # fmt: skip
OLD = {"occurred_at": NOON - 60 * DAY, "clicked_at": NOON - 61 * DAY}

# What both ways to Google say alike.
COMMON: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {}, "send", "OK"),
    ({}, {"kind": "lead"}, "send", "OK"),
    ({}, {"action": "restate"}, "send", "OK"),
    ({}, {"action": "restate", "currency": None}, "never", "NO_VALUE"),
    ({}, {"action": "restate", "value_minor": None}, "never", "NO_VALUE"),
    ({}, {"action": "restate", "value_minor": 0}, "send", "OK"),
    ({}, {"click_ids": {}}, "send", "OK"),
    ({}, {"click_ids": {}, "phone_e164": None}, "never", "NO_IDENTIFIERS"),
    ({}, {"click_ids": {"gclid": " "}, "phone_e164": None}, "never", "NO_IDENTIFIERS"),
    ({}, {"click_ids": {"gclid": 7}, "phone_e164": "x"}, "never", "NO_IDENTIFIERS"),
    ({}, {"click_ids": {}, "phone_e164": "🙂", "email": "🙂"}, "never", "NO_IDENTIFIERS"),
    ({"send_hashed_contacts": False}, {"click_ids": {}}, "never", "NO_IDENTIFIERS"),
    ({"lead_action_id": None}, {"kind": "lead"}, "never", "NO_ACTION"),
    ({"lead_action_id": None}, {"kind": "lead", "action": "retract"}, "never", "NO_ACTION"),
    ({}, {"consent": Consent("denied", "granted")}, "never", "CONSENT_DENIED"),
    ({}, {"consent": Consent(), "region": "IT"}, "never", "CONSENT_UNKNOWN"),
    ({}, {"consent": Consent(), "region": "US"}, "send", "OK"),
    ({"when_consent_unknown": "send"}, {"consent": Consent(), "region": "IT"}, "send", "OK"),
    ({}, {"occurred_at": NOON - timedelta(hours=2)}, "never", "BEFORE_CLICK"),
    ({}, {"occurred_at": NOON - timedelta(hours=2), "click_ids": {"fbclid": "F"}}, "send", "OK"),
    ({}, {"occurred_at": NOON + timedelta(minutes=6)}, "never", "IN_FUTURE"),
    ({}, {"occurred_at": NOON - 91 * DAY, "clicked_at": NOON - 92 * DAY}, "never", "TOO_OLD"),
    ({"lookback_days": 7}, {"clicked_at": NOON - 8 * DAY}, "never", "OUTSIDE_WINDOW"),
    ({"lookback_days": 7}, {"clicked_at": NOON - 8 * DAY, "click_ids": {"fbclid": "F"}}, "send", "OK"),
    ({"hold_after_click_hours": 6}, {}, "wait", "CLICK_TOO_RECENT"),
    ({"hold_after_click_hours": 6}, {"click_ids": {}}, "send", "OK"),
    ({"actions_made_at": "2026-11-20T07:00:00Z"}, {}, "wait", "ACTION_TOO_NEW"),
    ({"actions_made_at": "2026-11-20T06:00:00Z"}, {}, "send", "OK"),
    ({"call_action_id": "7003"}, CALL, "send", "OK"),
    ({"call_action_id": "7003", "lead_action_id": None}, CALL | {"kind": "lead"}, "send", "OK"),
    ({"call_action_id": "7003", "send_hashed_contacts": False}, CALL, "send", "OK"),
    ({"call_action_id": "7003"}, CALL | {"phone_e164": None}, "never", "NO_IDENTIFIERS"),
    ({"call_action_id": "7003"}, CALL | {"action": "retract"}, "never", "CALLS_DO_NOT_CHANGE"),
    ({"call_action_id": "7003"}, CALL | {"action": "restate"}, "never", "CALLS_DO_NOT_CHANGE"),
    ({"call_action_id": "7003"}, CALL | {"consent": Consent("denied", "denied")}, "never", "CONSENT_DENIED"),
]


@pytest.mark.parametrize(("settings", "more", "decision", "code"), COMMON)
def test_both_ways_to_google_ask_the_same(
    settings: dict[str, Any], more: dict[str, Any], decision: str, code: str
) -> None:
    for verdict in (
        GoogleAds().preflight(upload(**more), google_ads(**settings), NOON),
        GoogleDataManager().preflight(upload(**more), google(**settings), NOON),
    ):
        assert (verdict.decision, verdict.code) == (decision, code)
        assert verdict.reason.endswith(".")


@pytest.mark.parametrize(
    ("more", "decision", "code"),
    [
        ({"action": "retract"}, "send", "OK"),
        ({"action": "retract", "click_ids": {}, "phone_e164": None}, "send", "OK"),
        ({"action": "retract", "consent": Consent("denied", "denied")}, "never", "CONSENT_DENIED"),
        (OLD, "send", "OK"),
        (OLD | {"action": "retract"}, "never", "TOO_OLD_TO_CHANGE"),
        (OLD | {"action": "restate"}, "never", "TOO_OLD_TO_CHANGE"),
        ({"occurred_at": NOON - 54 * DAY, "clicked_at": NOON - 54 * DAY, "action": "retract"}, "send", "OK"),
        ({"action": "restate", "changed_at": NOON - DAY}, "never", "BEFORE_CONVERSION"),
    ],
)
def test_a_change_names_the_conversion_and_needs_nothing_else(
    more: dict[str, Any], decision: str, code: str
) -> None:
    verdict = GoogleAds().preflight(upload(**more), google_ads(), NOON)
    assert (verdict.decision, verdict.code) == (decision, code)


def test_a_conversion_before_its_call_is_none() -> None:
    before = CALL | {"call_started_at": NOON + timedelta(minutes=1)}
    verdict = GoogleAds().preflight(upload(**before), google_ads(call_action_id="7003"), NOON)
    assert verdict.code == "BEFORE_CALL"


def test_of_two_reasons_to_wait_the_longer_one_is_told() -> None:
    settings = google_ads(hold_after_click_hours=6, actions_made_at="2026-11-20T11:30:00Z")
    verdict = GoogleAds().preflight(upload(), settings, NOON)
    assert (verdict.code, verdict.until) == ("ACTION_TOO_NEW", datetime(2026, 11, 20, 17, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"purchase_action_id": "customers/9999999999/conversionActions/5"}, "another account"),
        ({"purchase_action_id": "Purchase"}, "by its number"),
        ({"call_action_id": "x"}, "by its number"),
        ({"customer_id": "12345"}, "10 digits"),
        ({"lead_action_id": "", "purchase_action_id": ""}, "name a conversion action"),
        ({"actions_made_at": "yesterday"}, "datetime"),
        ({"refresh_token": " "}, "must not be empty"),
    ],
)
def test_settings_that_cannot_be_right_say_what_is_wrong(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        google_ads(**values)


@pytest.mark.parametrize("field", ["base_url", "token_uri"])
def test_outside_the_sandbox_google_s_addresses_stand(field: str) -> None:
    values = google_ads().plain() | google_ads().secrets()
    type(google_ads()).load(values)
    with pytest.raises(ValidationError, match="sandbox only"):
        type(google_ads()).load(values | {field: "https://example.com"})


def test_the_trial_s_examples_may_be_sent() -> None:
    assert GoogleAds().transport == "google_ads"
    assert GoogleAds().account_of(google_ads()) == "1234567890"


def test_only_a_process_that_uploads_this_way_loads_the_client() -> None:
    code = "import sys, workers.main, calltrack.sandbox.wiring; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
