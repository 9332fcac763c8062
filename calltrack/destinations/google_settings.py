"""The settings of a Google Ads account: common ones, and those of each of the two ways to reach it."""

import re
from datetime import UTC, datetime
from typing import ClassVar, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from calltrack.destinations.consent import WhenUnknown
from calltrack.destinations.google_oauth import TOKEN_URI
from calltrack.destinations.settings import DestinationSettings

BASE_URL: Final = "https://datamanager.googleapis.com"
ADS_URL: Final = "https://googleads.googleapis.com"
_RESOURCE: Final = re.compile(r"customers/([0-9]{10})/conversionActions/([0-9]{1,20})")


class GoogleAccountSettings(DestinationSettings):
    """One Google Ads account and the conversion actions that calls count for."""

    real_base_url: ClassVar[str]

    customer_id: str = Field(
        title="Google Ads customer number",
        description="The account that owns the conversion actions, such as 123-456-7890.",
    )
    login_customer_id: str | None = Field(
        None,
        title="Manager account number",
        description="Only if the connected user reaches the account through a manager account.",
    )
    lead_action_id: str | None = Field(
        None,
        title="Conversion action for leads",
        description='Number of an action of the type "Import from clicks". Empty: leads are not sent.',
    )
    purchase_action_id: str | None = Field(
        None,
        title="Conversion action for purchases",
        description='Number of an action of the type "Import from clicks". Empty: purchases are not sent.',
    )
    actions_made_at: datetime | None = Field(
        None,
        title="When the conversion actions were made",
        description="Only if that was today, such as 2026-11-22T14:30Z: Google needs six hours first.",
    )
    send_hashed_contacts: bool = Field(
        True,
        title="Send hashed phone and e-mail",
        description="Lets Google match calls without a click id. Needs enhanced conversions for leads.",
    )
    when_consent_unknown: WhenUnknown = Field(
        "by_region",
        title="When the visitor's consent is unknown",
        description="The law asks for consent in the EEA, the UK and Switzerland.",
    )
    hold_after_click_hours: int = Field(
        6,
        ge=0,
        le=24,
        title="Hours to wait after the click",
        description="Google needs about six to know a click. 0: at once, and again if that was too early.",
    )
    lookback_days: int = Field(
        90, ge=1, le=90, title="Click-through window in days", description="As set on the conversion action."
    )
    call_action_id: str | None = Field(
        None,
        title="Conversion action for calls to Google's own numbers",
        description='Number of an action of the type "Import from calls". Empty: no such calls are sent.',
    )
    call_medium: str = Field(
        "call_asset",
        title="Medium of the numbers behind Google's call assets",
        description="Calls with source google and this medium came through a Google forwarding number.",
    )
    client_id: str = Field(title="OAuth client id")
    client_secret: SecretStr = Field(title="OAuth client secret")
    refresh_token: SecretStr = Field(title="Refresh token")
    base_url: str = Field("", json_schema_extra={"sandbox": True})
    token_uri: str = Field(TOKEN_URI, json_schema_extra={"sandbox": True})

    @field_validator(
        "login_customer_id",
        "lead_action_id",
        "purchase_action_id",
        "call_action_id",
        "actions_made_at",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("customer_id", "login_customer_id")
    @classmethod
    def _digits_of_account(cls, value: str | None) -> str | None:
        if value is None:
            return None
        digits = re.sub(r"[\s-]", "", value)
        if not re.fullmatch(r"[0-9]{10}", digits):
            raise ValueError("a Google Ads customer number has 10 digits, such as 123-456-7890")
        return digits

    @field_validator("lead_action_id", "purchase_action_id", "call_action_id")
    @classmethod
    def _digits_of_action(cls, value: str | None, info: ValidationInfo) -> str | None:
        named = _RESOURCE.fullmatch(value or "")
        if named is not None:
            if named[1] != info.data.get("customer_id"):
                raise ValueError("this action belongs to another account than the customer number names")
            return named[2]
        if value is not None and not re.fullmatch(r"[0-9]{1,20}", value):
            raise ValueError("a conversion action is named by its number (ctId in the address bar)")
        return value

    @field_validator("actions_made_at")
    @classmethod
    def _with_time_zone(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value

    @field_validator("client_secret", "refresh_token")
    @classmethod
    def _not_empty(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("must not be empty")
        return value

    @model_validator(mode="after")
    def _complete(self, info: ValidationInfo) -> "GoogleAccountSettings":
        if self.lead_action_id is None and self.purchase_action_id is None:
            raise ValueError("name a conversion action for leads, for purchases, or both")
        real = (self.base_url, self.token_uri) == (self.real_base_url, TOKEN_URI)
        if not real and not (info.context or {}).get("sandbox"):
            raise ValueError("base_url and token_uri can be changed in the sandbox only")
        if any(urlsplit(url).scheme not in ("http", "https") for url in (self.base_url, self.token_uri)):
            raise ValueError("base_url and token_uri must be http or https addresses")
        return self

    def action_for(self, kind: str) -> str | None:
        """Return the conversion action that conversions of this kind count for."""
        return self.lead_action_id if kind == "lead" else self.purchase_action_id


class GoogleDataManagerSettings(GoogleAccountSettings):
    """A Google Ads account reached through the Data Manager API."""

    real_base_url: ClassVar[str] = BASE_URL

    event_source: Literal["PHONE", "WEB", "OTHER"] = Field(
        "PHONE", title="Where it happened", description="What Google is told about the conversion's origin."
    )
    base_url: str = Field(BASE_URL, json_schema_extra={"sandbox": True})


class GoogleAdsSettings(GoogleAccountSettings):
    """A Google Ads account reached through the Google Ads API."""

    real_base_url: ClassVar[str] = ADS_URL

    base_url: str = Field(ADS_URL, json_schema_extra={"sandbox": True})
