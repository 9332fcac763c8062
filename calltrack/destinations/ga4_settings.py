"""The settings of a Google Analytics 4 property that is told of calls by the Measurement Protocol."""

import re
from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from pydantic import Field, SecretStr, field_validator

from calltrack.destinations.consent import WhenUnknown
from calltrack.destinations.settings import SettingsByKind, only_in_sandbox, when_unknown

HOSTS: Final = {
    "global": "https://www.google-analytics.com",
    "eu": "https://region1.google-analytics.com",
}
MAX_NAME: Final = 40
# Google keeps these names for itself, or an app's SDK does; the same lists refuse them at Google.
RESERVED: Final = frozenset({
    "ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure", "app_background",
    "app_clear_data", "app_exception", "app_remove", "app_store_refund", "app_store_subscription_cancel",
    "app_store_subscription_convert", "app_store_subscription_renew", "app_update", "app_upgrade",
    "dynamic_link_app_open", "dynamic_link_app_update", "dynamic_link_first_open", "error", "first_open",
    "first_visit", "in_app_purchase", "notification_dismiss", "notification_foreground", "notification_open",
    "notification_receive", "os_update", "screen_view", "session_start", "user_engagement",
})  # fmt: skip
_PREFIXES: Final = ("_", "firebase_", "ga_", "google_", "gtag.")


class Ga4Settings(SettingsByKind):
    """One web data stream and the events that calls become."""

    by_kind: ClassVar[Mapping[str, str]] = {"lead": "lead_event", "purchase": "purchase_event"}

    measurement_id: str = Field(
        title="Measurement id", description="Of the web data stream your website uses, such as G-AB12CD34EF."
    )
    api_secret: SecretStr = Field(
        title="API secret",
        description="Made in Analytics under Admin > Data streams > Measurement Protocol API secrets.",
    )
    region: Literal["global", "eu"] = Field(
        "global", title="Where Google collects", description="eu: collected on servers in the EU."
    )
    lead_event: str | None = Field(
        "generate_lead", title="Event for leads", description="Empty: leads are not sent."
    )
    purchase_event: str | None = Field(
        "purchase",
        title="Event for purchases",
        description="Keep purchase: only that one counts as revenue and can be refunded. Empty: not sent.",
    )
    when_consent_unknown: WhenUnknown = when_unknown()
    base_url: str = only_in_sandbox("")

    @field_validator("measurement_id")
    @classmethod
    def _stream(cls, value: str) -> str:
        if not re.fullmatch(r"G-[A-Z0-9]{4,20}", value.upper()):
            raise ValueError("a measurement id begins with G-, such as G-AB12CD34EF")
        return value.upper()

    @field_validator("lead_event", "purchase_event")
    @classmethod
    def _event_name(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", value) or len(value) > MAX_NAME:
            raise ValueError("a letter first, then letters, digits and underscores, 40 in all")
        if value in RESERVED or value.startswith(_PREFIXES):
            raise ValueError("Google keeps this name for itself; choose another one")
        return value

    @property
    def host(self) -> str:
        """The origin that collects for this property."""
        return self.base_url.rstrip("/") or HOSTS[self.region]
