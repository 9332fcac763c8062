"""The documented pairs of the sandbox: what the demo company's destinations are connected with.

None of this is secret: it opens nothing but the twins on this machine.
"""

from collections.abc import Callable
from typing import Any, Final

from calltrack.destinations import DESTINATIONS

CUSTOMER_ID: Final = "1234567890"
LEAD_ACTION_ID: Final = "7001"
PURCHASE_ACTION_ID: Final = "7002"
CALL_ACTION_ID: Final = "7003"
CLIENT_ID: Final = "sandbox-client"
CLIENT_SECRET: Final = "sandbox-client-secret"  # noqa: S105 (documented, see above)
REFRESH_TOKEN: Final = "sandbox-refresh-token"  # noqa: S105
WEBHOOK_SECRET: Final = "whsec_Y2FsbHRyYWNrLXNhbmRib3gtd2ViaG9vay1zZWNyZXQ="  # noqa: S105
GA4_MEASUREMENT_ID: Final = "G-SANDBOX001"
GA4_API_SECRET: Final = "sandbox-ga4-secret"  # noqa: S105
TIKTOK_EVENT_SOURCE_ID: Final = "CSANDBOX0001"
TIKTOK_TOKEN: Final = "sandbox-tiktok-token"  # noqa: S105

META_DATASET_ID: Final = "1200300400500600"
META_ACCESS_TOKEN: Final = "sandbox-meta-token"  # noqa: S105
META_APP_SECRET: Final = "sandbox-meta-app-secret"  # noqa: S105
META_TEST_CODE: Final = "TEST12345"

MICROSOFT_ACCOUNT_ID: Final = "151000001"
MICROSOFT_CUSTOMER_ID: Final = "252000002"
MICROSOFT_DEVELOPER_TOKEN: Final = "SANDBOXDEVELOPERTOKEN"  # noqa: S105
MICROSOFT_REFRESH_TOKEN: Final = "sandbox-microsoft-refresh-token"  # noqa: S105
MICROSOFT_GOALS: Final = ("Lead by phone", "Purchase by phone")
LINKEDIN_LEAD_RULE_ID: Final = "9001"
LINKEDIN_PURCHASE_RULE_ID: Final = "9002"
LINKEDIN_ACCESS_TOKEN: Final = "sandbox-linkedin-token"  # noqa: S105
LINKEDIN_REFRESH_TOKEN: Final = "sandbox-linkedin-refresh"  # noqa: S105

ACTION_NAMES: Final = {
    LEAD_ACTION_ID: "Lead by phone",
    PURCHASE_ACTION_ID: "Purchase by phone",
    CALL_ACTION_ID: "Call to Google's own number",
}


def google_settings(origin: str) -> dict[str, Any]:
    """Return the settings that connect a Google destination to the twin at this origin (sandbox only).

    The twin knows every click at once, so nothing waits for it.
    """
    return {
        "hold_after_click_hours": 0,
        "customer_id": CUSTOMER_ID,
        "lead_action_id": LEAD_ACTION_ID,
        "purchase_action_id": PURCHASE_ACTION_ID,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        "base_url": f"{origin}/sandbox/datamanager",
        "token_uri": f"{origin}/sandbox/oauth/token",
    }


def google_ads_settings(origin: str) -> dict[str, Any]:
    """Return the settings that connect the Google Ads API to the twin at this origin (sandbox only)."""
    common = google_settings(origin)
    return {**common, "call_action_id": CALL_ACTION_ID, "base_url": f"{origin}/sandbox/google-ads"}


def ga4_settings(origin: str) -> dict[str, Any]:
    """Return the settings that connect Google Analytics to the twin at this origin (sandbox only)."""
    return {
        "measurement_id": GA4_MEASUREMENT_ID,
        "api_secret": GA4_API_SECRET,
        "base_url": f"{origin}/sandbox/ga4",
    }


def tiktok_settings(origin: str) -> dict[str, Any]:
    """Return the settings that connect TikTok to the twin at this origin (sandbox only)."""
    return {
        "event_source_id": TIKTOK_EVENT_SOURCE_ID,
        "access_token": TIKTOK_TOKEN,
        "test_event_code": "TEST12345",
        "base_url": f"{origin}/sandbox/tiktok",
    }


def linkedin_settings(origin: str) -> dict[str, Any]:
    """Return the settings that connect LinkedIn to the twin at this origin (sandbox only)."""
    return {
        "lead_rule_id": LINKEDIN_LEAD_RULE_ID,
        "purchase_rule_id": LINKEDIN_PURCHASE_RULE_ID,
        "access_token": LINKEDIN_ACCESS_TOKEN,
        "refresh_token": LINKEDIN_REFRESH_TOKEN,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "base_url": f"{origin}/sandbox/linkedin",
        "token_uri": f"{origin}/sandbox/linkedin/oauth/v2/accessToken",
    }


def webhook_settings(origin: str) -> dict[str, str]:
    """Return the settings that connect a webhook to the receiver at this origin (sandbox only)."""
    return {"url": f"{origin}/sandbox/webhook", "secret": WEBHOOK_SECRET}


def meta_settings(origin: str) -> dict[str, str]:
    """Return the settings that connect Meta to the twin at this origin (sandbox only)."""
    return {
        "dataset_id": META_DATASET_ID,
        "access_token": META_ACCESS_TOKEN,
        "lead_event_name": "Lead",
        "purchase_event_name": "Purchase",
        "test_event_code": META_TEST_CODE,
        "base_url": f"{origin}/sandbox/meta",
    }


def microsoft_settings(origin: str) -> dict[str, str]:
    """Return the settings that connect Microsoft Advertising to the twin at this origin (sandbox only)."""
    return {
        "account_id": MICROSOFT_ACCOUNT_ID,
        "customer_id": MICROSOFT_CUSTOMER_ID,
        "developer_token": MICROSOFT_DEVELOPER_TOKEN,
        "lead_goal_name": MICROSOFT_GOALS[0],
        "purchase_goal_name": MICROSOFT_GOALS[1],
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": MICROSOFT_REFRESH_TOKEN,
        "base_url": f"{origin}/sandbox/microsoft",
        "token_uri": f"{origin}/sandbox/microsoft/token",
    }


# How each destination is connected to its twin at an origin; a new destination adds its line.
SETTINGS: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "google_data_manager": google_settings,
    "google_ads": google_ads_settings,
    "ga4": ga4_settings,
    "meta": meta_settings,
    "microsoft": microsoft_settings,
    "linkedin": linkedin_settings,
    "tiktok": tiktok_settings,
    "webhook": webhook_settings,
}


def example_settings(name: str) -> dict[str, Any]:
    """Return documented example settings of a destination that point at the real platform."""
    fields = DESTINATIONS[name].Settings.model_fields
    values = SETTINGS[name]("https://example.com")
    return {
        key: value
        for key, value in values.items()
        if key != "hold_after_click_hours"
        and not (isinstance(extra := fields[key].json_schema_extra, dict) and extra.get("sandbox"))
    }
