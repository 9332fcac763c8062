"""The settings of a Google Analytics 4 property that is told of calls by the Measurement Protocol."""

import re
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from calltrack.destinations.consent import WhenUnknown
from calltrack.destinations.settings import DestinationSettings

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


class Ga4Settings(DestinationSettings):
    """One web data stream and the events that calls become."""

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
    when_consent_unknown: WhenUnknown = Field(
        "by_region",
        title="When the visitor's consent is unknown",
        description="The law asks for consent in the EEA, the UK and Switzerland.",
    )
    base_url: str = Field("", json_schema_extra={"sandbox": True})

    @field_validator("measurement_id")
    @classmethod
    def _stream(cls, value: str) -> str:
        if not re.fullmatch(r"G-[A-Z0-9]{4,20}", value.upper()):
            raise ValueError("a measurement id begins with G-, such as G-AB12CD34EF")
        return value.upper()

    @field_validator("api_secret")
    @classmethod
    def _not_empty(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("must not be empty")
        return value

    @field_validator("lead_event", "purchase_event", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

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

    @model_validator(mode="after")
    def _complete(self, info: ValidationInfo) -> "Ga4Settings":
        if self.lead_event is None and self.purchase_event is None:
            raise ValueError("name an event for leads, for purchases, or both")
        if self.base_url and not (info.context or {}).get("sandbox"):
            raise ValueError("base_url can be set in the sandbox only")
        if self.base_url and urlsplit(self.base_url).scheme not in ("http", "https"):
            raise ValueError("base_url must be an http or https address")
        return self

    def event_for(self, kind: str) -> str | None:
        """Return the name of the event that conversions of this kind become."""
        return self.lead_event if kind == "lead" else self.purchase_event

    @property
    def host(self) -> str:
        """The origin that collects for this property."""
        return self.base_url.rstrip("/") or HOSTS[self.region]
