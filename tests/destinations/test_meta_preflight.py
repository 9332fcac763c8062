"""What Meta would do with a conversion is said before anything is sent; settings refuse what is wrong."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from calltrack.destinations.base import Consent
from calltrack.destinations.meta import Meta
from calltrack.destinations.meta_settings import MetaSettings
from tests.destinations.social import meta
from tests.destinations.uploads import NOON, upload

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
NOBODY: dict[str, Any] = {"phone_e164": None, "click_ids": {}}
WEBSITE = {"action_source": "website"}
PAGE: dict[str, Any] = {"landing_url": "https://example.com/", "user_agent": "Mozilla"}


@pytest.mark.parametrize(
    ("settings", "more", "decision", "code"),
    [
        ({}, {}, "send", "OK"),
        ({}, {"kind": "lead", "value_minor": None, "currency": None}, "send", "OK"),
        ({}, {"action": "restate"}, "never", "NO_WORD_FOR_VALUE"),
        ({}, {"action": "retract"}, "never", "NO_WORD_FOR_TAKING_BACK"),
        ({"lead_event_name": ""}, {"kind": "lead"}, "never", "NO_ACTION"),
        ({"purchase_event_name": None}, {}, "never", "NO_ACTION"),
        ({}, NOBODY, "never", "NO_IDENTIFIERS"),
        ({}, {"click_ids": {"gclid": "only-google"}, "phone_e164": None}, "never", "NO_IDENTIFIERS"),
        ({}, {"click_ids": {"gclid": "only-google"}}, "send", "OK"),
        ({}, {**NOBODY, "click_ids": {"fbclid": "Ab"}}, "send", "OK"),
        ({}, {**NOBODY, "click_ids": {"_fbp": "fb.1.1558571054389.1098115397"}}, "send", "OK"),
        ({}, {**NOBODY, "click_ids": {"_fbp": "damaged"}}, "never", "NO_IDENTIFIERS"),
        ({}, {**NOBODY, "email": "anna@example.it"}, "send", "OK"),
        ({}, {**NOBODY, "ip": "81.2.69.160"}, "never", "NO_IDENTIFIERS"),
        ({}, {**NOBODY, "ip": "81.2.69.160", "user_agent": "Mozilla"}, "send", "OK"),
        ({}, {**NOBODY, "first_name": "Anna", "last_name": "Rossi"}, "never", "NO_IDENTIFIERS"),
        ({}, {**NOBODY, "first_name": "Anna", "last_name": "Rossi", "city": "Roma"}, "send", "OK"),
        ({}, {**NOBODY, "city": "Roma", "country": "IT", "user_agent": "M"}, "never", "NO_IDENTIFIERS"),
        ({}, {**NOBODY, "person_id": "7"}, "never", "NO_IDENTIFIERS"),
        ({"send_hashed_contacts": False}, {"click_ids": {}}, "never", "NO_IDENTIFIERS"),
        ({}, {"consent": Consent("denied", "granted")}, "never", "CONSENT_DENIED"),
        ({}, {"consent": Consent(), "region": "IT"}, "never", "CONSENT_UNKNOWN"),
        ({}, {"consent": Consent(), "region": "US"}, "send", "OK"),
        ({"when_consent_unknown": "send"}, {"consent": Consent(), "region": "IT"}, "send", "OK"),
        ({}, {"occurred_at": NOON - 7 * DAY}, "send", "OK"),
        ({}, {"occurred_at": NOON - 7 * DAY - timedelta(seconds=1)}, "never", "TOO_OLD"),
        ({}, {"occurred_at": NOON + MINUTE}, "send", "OK"),
        ({}, {"occurred_at": NOON + MINUTE + timedelta(seconds=1)}, "never", "IN_FUTURE"),
        ({}, {"value_minor": None}, "never", "NO_VALUE"),
        ({}, {"currency": None}, "never", "NO_VALUE"),
        ({"purchase_event_name": "Booked"}, {"value_minor": None}, "send", "OK"),
        (WEBSITE, {}, "never", "NO_PAGE"),
        (WEBSITE, {"landing_url": "https://example.com/"}, "never", "NO_PAGE"),
        (WEBSITE, {"landing_url": "about:blank", "user_agent": "Mozilla"}, "never", "NO_PAGE"),
        (WEBSITE, PAGE, "send", "OK"),
    ],
)
def test_what_meta_would_do_is_known_before_sending(
    settings: dict[str, Any], more: dict[str, Any], decision: str, code: str
) -> None:
    verdict = Meta().preflight(upload(**more), meta(**settings), NOON)
    assert (verdict.decision, verdict.code) == (decision, code)
    assert verdict.reason.endswith(".")
    assert verdict.until is None


REAL: dict[str, Any] = {"dataset_id": "1200300400500600", "access_token": "EAAG"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dataset_id": "pixel"}, "dataset_id"),
        ({"dataset_id": ""}, "dataset_id"),
        ({"access_token": ""}, "access_token"),
        ({"access_token": "two words"}, "access_token"),
        ({"access_token": "line\r\nbreak"}, "access_token"),
        ({"app_secret": "two words"}, "app_secret"),
        ({"lead_event_name": "<Lead>"}, "lead_event_name"),
        ({"purchase_event_name": "P" * 51}, "purchase_event_name"),
        ({"lead_event_name": "", "purchase_event_name": ""}, ""),
        ({"action_source": "chat"}, "action_source"),
        ({"limited_data_use": "always"}, "limited_data_use"),
        ({"test_event_code": "TEST 1"}, "test_event_code"),
        ({"base_url": "https://evil.example"}, ""),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_setting_is_refused_and_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        MetaSettings.load(REAL | change)
    assert field in str(refused.value)
    assert "EAAG" not in str(refused.value)


def test_the_secrets_are_apart_and_an_empty_optional_one_is_none() -> None:
    settings = MetaSettings.load(REAL | {"app_secret": " ", "test_event_code": ""})
    assert settings.secret_names() == {"access_token", "app_secret"}
    assert settings.secrets() == {"access_token": "EAAG"}
    assert (settings.app_secret, settings.test_event_code) == (None, None)
    assert MetaSettings.load(settings.plain() | settings.secrets()) == settings
