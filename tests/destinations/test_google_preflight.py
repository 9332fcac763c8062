from datetime import timedelta
from typing import Any

import pytest

from calltrack.destinations.base import Consent
from calltrack.destinations.google_data_manager import GoogleDataManager
from tests.destinations.uploads import NOON, google, upload

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("settings", "more", "decision", "code"),
    [
        ({}, {}, "send", "OK"),
        ({}, {"kind": "lead"}, "send", "OK"),
        ({}, {"action": "restate"}, "send", "OK"),
        ({}, {"action": "restate", "currency": None}, "never", "NO_VALUE"),
        ({}, {"action": "retract"}, "send", "VALUE_TO_ZERO"),
        ({}, {"click_ids": {}}, "send", "OK"),
        ({}, {"click_ids": {}, "phone_e164": None}, "never", "NO_IDENTIFIERS"),
        ({}, {"click_ids": {"fbclid": "x"}, "phone_e164": "anonymous"}, "never", "NO_IDENTIFIERS"),
        ({"send_hashed_contacts": False}, {"click_ids": {}}, "never", "NO_IDENTIFIERS"),
        ({}, {"click_ids": {"gclid": ""}, "phone_e164": None}, "never", "NO_IDENTIFIERS"),
        ({"lead_action_id": None}, {"kind": "lead"}, "never", "NO_ACTION"),
        ({"purchase_action_id": ""}, {}, "never", "NO_ACTION"),
        ({}, {"consent": Consent("denied", "granted")}, "never", "CONSENT_DENIED"),
        ({}, {"consent": Consent("unknown", "unknown")}, "send", "OK"),
        ({"when_consent_unknown": "withhold"}, {"consent": Consent()}, "never", "CONSENT_UNKNOWN"),
        ({"when_consent_unknown": "withhold"}, {"consent": Consent("granted", "denied")}, "send", "OK"),
        ({}, {"occurred_at": NOON - 2 * timedelta(hours=1)}, "never", "BEFORE_CLICK"),
        ({}, {"occurred_at": NOON + timedelta(minutes=6)}, "never", "IN_FUTURE"),
        ({}, {"occurred_at": NOON - 91 * DAY, "clicked_at": NOON - 92 * DAY}, "never", "TOO_OLD"),
        ({}, {"occurred_at": NOON - 90 * DAY, "clicked_at": NOON - 90 * DAY}, "send", "OK"),
        ({"lookback_days": 7}, {"clicked_at": NOON - 8 * DAY}, "never", "OUTSIDE_WINDOW"),
        ({"lookback_days": 7}, {"clicked_at": NOON - 7 * DAY}, "send", "OK"),
        ({"hold_after_click_hours": 6}, {}, "wait", "CLICK_TOO_RECENT"),
        ({"hold_after_click_hours": 6}, {"clicked_at": None}, "send", "OK"),
        ({"hold_after_click_hours": 1}, {}, "send", "OK"),
    ],
)
def test_what_google_would_do_is_known_before_sending(
    settings: dict[str, Any], more: dict[str, Any], decision: str, code: str
) -> None:
    verdict = GoogleDataManager().preflight(upload(**more), google(**settings), NOON)
    assert (verdict.decision, verdict.code) == (decision, code)
    assert verdict.reason.endswith(".")


def test_a_held_conversion_says_until_when() -> None:
    verdict = GoogleDataManager().preflight(upload(), google(hold_after_click_hours=6), NOON)
    assert verdict.until == NOON + timedelta(hours=5)
