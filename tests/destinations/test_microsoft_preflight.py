"""What Microsoft would do with a conversion is said before it is sent; settings refuse what is wrong."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from calltrack.destinations.base import Consent
from calltrack.destinations.microsoft import Microsoft
from calltrack.destinations.microsoft_settings import MicrosoftSettings
from tests.destinations.social import microsoft
from tests.destinations.uploads import NOON, upload

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
BING: dict[str, Any] = {"click_ids": {"msclkid": "abc"}}
NOBODY: dict[str, Any] = {"phone_e164": None, "click_ids": {}}


@pytest.mark.parametrize(
    ("settings", "more", "decision", "code"),
    [
        ({}, BING, "send", "OK"),
        ({}, {**BING, "kind": "lead", "value_minor": None}, "send", "OK"),
        ({}, {}, "send", "OK"),
        ({}, NOBODY, "never", "NO_IDENTIFIERS"),
        ({}, {**NOBODY, "click_ids": {"gclid": "g", "msclkid": " "}}, "never", "NO_IDENTIFIERS"),
        ({}, {**NOBODY, "email": "anna@example.it"}, "send", "OK"),
        ({"send_hashed_contacts": False}, {"click_ids": {}}, "never", "NO_IDENTIFIERS"),
        ({"lead_goal_name": ""}, {"kind": "lead"}, "never", "NO_ACTION"),
        ({"purchase_goal_name": None}, {}, "never", "NO_ACTION"),
        ({}, {"consent": Consent("denied", "granted")}, "never", "CONSENT_DENIED"),
        ({}, {"consent": Consent(), "region": "DE"}, "never", "CONSENT_UNKNOWN"),
        ({}, {"consent": Consent(), "region": "US"}, "send", "OK"),
        ({}, {"action": "restate"}, "send", "OK"),
        ({}, {"action": "restate", "value_minor": None}, "never", "NO_VALUE"),
        ({}, {"action": "restate", "currency": None}, "never", "NO_VALUE"),
        ({}, {"action": "retract", "value_minor": None}, "send", "OK"),
        ({}, {"occurred_at": NOON - 90 * DAY, "clicked_at": None}, "send", "OK"),
        ({}, {"occurred_at": NOON - 91 * DAY, "clicked_at": None}, "never", "TOO_OLD"),
        ({}, {"action": "retract", "occurred_at": NOON - 91 * DAY, "clicked_at": None}, "never", "TOO_OLD"),
        ({}, {"occurred_at": NOON + MINUTE}, "wait", "NOT_YET"),
        ({}, {"occurred_at": NOON + 6 * MINUTE}, "never", "IN_FUTURE"),
        ({}, {**BING, "occurred_at": NOON - 2 * HOUR}, "never", "BEFORE_CLICK"),
        ({}, {"occurred_at": NOON - 2 * HOUR}, "send", "OK"),
        ({"lookback_days": 7}, {**BING, "clicked_at": NOON - 8 * DAY}, "never", "OUTSIDE_WINDOW"),
        ({"lookback_days": 7}, {"clicked_at": NOON - 8 * DAY}, "send", "OK"),
        ({}, {**BING, "clicked_at": NOON - 59 * MINUTE}, "wait", "CLICK_TOO_RECENT"),
        ({}, {"clicked_at": NOON - MINUTE}, "send", "OK"),
        ({}, {**BING, "clicked_at": NOON - MINUTE, "action": "restate"}, "send", "OK"),
        ({"hold_after_click_hours": 0}, {**BING, "clicked_at": NOON - MINUTE}, "send", "OK"),
        ({"hold_after_click_hours": 6}, BING, "wait", "CLICK_TOO_RECENT"),
        ({}, {**BING, "clicked_at": None}, "send", "OK"),
    ],
)
def test_what_microsoft_would_do_is_known_before_sending(
    settings: dict[str, Any], more: dict[str, Any], decision: str, code: str
) -> None:
    verdict = Microsoft().preflight(upload(**more), microsoft(**settings), NOON)
    assert (verdict.decision, verdict.code) == (decision, code)
    assert verdict.reason.endswith(".")
    assert (verdict.until is not None) == (decision == "wait")


def test_a_held_conversion_says_until_when() -> None:
    held = Microsoft().preflight(upload(**BING, clicked_at=NOON - 10 * MINUTE), microsoft(), NOON)
    assert held.until == NOON + 50 * MINUTE
    assert "1 hour after" in held.reason
    early = Microsoft().preflight(upload(occurred_at=NOON + MINUTE), microsoft(), NOON)
    assert early.until == NOON + MINUTE


REAL: dict[str, Any] = {
    "account_id": "1",
    "customer_id": "2",
    "lead_goal_name": "Lead",
    "developer_token": "dev~token",
    "client_id": "c",
    "refresh_token": "fresh~token",
}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"account_id": "X0001"}, "account_id"),
        ({"customer_id": ""}, "customer_id"),
        ({"developer_token": ""}, "developer_token"),
        ({"developer_token": "a\r\nb"}, "developer_token"),
        ({"refresh_token": "two words"}, "refresh_token"),
        ({"lead_goal_name": "L" * 101}, "lead_goal_name"),
        ({"lead_goal_name": "a\nb"}, "lead_goal_name"),
        ({"lead_goal_name": None}, ""),
        ({"purchase_goal_name": "Lead"}, "two goals"),
        ({"hold_after_click_hours": 25}, "hold_after_click_hours"),
        ({"lookback_days": 0}, "lookback_days"),
        ({"phone_form": "national"}, "phone_form"),
        ({"email_form": "raw"}, "email_form"),
        ({"base_url": "https://evil.example"}, "sandbox only"),
        ({"token_uri": "https://evil.example"}, "sandbox only"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_setting_is_refused_and_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        MicrosoftSettings.load(REAL | change)
    assert field in str(refused.value)
    assert "~token" not in str(refused.value)


def test_the_secrets_are_apart() -> None:
    settings = MicrosoftSettings.load(REAL | {"client_secret": ""})
    assert settings.secret_names() == {"developer_token", "client_secret", "refresh_token"}
    assert settings.secrets() == {"developer_token": "dev~token", "refresh_token": "fresh~token"}
    assert MicrosoftSettings.load(settings.plain() | settings.secrets()) == settings


def test_several_waits_end_with_the_last_of_them() -> None:
    goals = {"goals_made_at": (NOON - HOUR).isoformat()}
    new = Microsoft().preflight(upload(**BING, clicked_at=NOON - 3 * HOUR), microsoft(**goals), NOON)
    assert (new.code, new.until) == ("ACTION_TOO_NEW", NOON + HOUR)
    assert Microsoft().preflight(upload(), microsoft(**goals), NOON + HOUR).decision == "send"
    ahead = upload(**BING, clicked_at=NOON, occurred_at=NOON + MINUTE)
    held = Microsoft().preflight(ahead, microsoft(), NOON)
    assert (held.code, held.until) == ("CLICK_TOO_RECENT", NOON + HOUR)
