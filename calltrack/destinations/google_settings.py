"""The settings of a Google Ads account: common ones, and those of each of the two ways to reach it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from calltrack.destinations.consent import WhenUnknown
from calltrack.destinations.google_oauth import TOKEN_URI
from calltrack.destinations.settings import SettingsByKind, only_in_sandbox, when_unknown

BASE_URL: Final = "https://datamanager.googleapis.com"
ADS_URL: Final = "https://googleads.googleapis.com"
_RESOURCE: Final = re.compile(r"customers/([0-9]{10})/conversionActions/([0-9]{1,20})")


class GoogleAccountSettings(SettingsByKind):
    """One Google Ads account and the conversion actions that calls count for."""

    by_kind: ClassVar[Mapping[str, str]] = {"lead": "lead_action_id", "purchase": "purchase_action_id"}
    named: ClassVar[str] = "a conversion action"

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
    when_consent_unknown: WhenUnknown = when_unknown()
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
    base_url: str = only_in_sandbox("")
    token_uri: str = only_in_sandbox(TOKEN_URI)

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


class GoogleDataManagerSettings(GoogleAccountSettings):
    """A Google Ads account reached through the Data Manager API."""

    event_source: Literal["PHONE", "WEB", "OTHER"] = Field(
        "PHONE", title="Where it happened", description="What Google is told about the conversion's origin."
    )
    base_url: str = only_in_sandbox(BASE_URL)


class GoogleAdsSettings(GoogleAccountSettings):
    """A Google Ads account reached through the Google Ads API."""

    base_url: str = only_in_sandbox(ADS_URL)


def through_ads_api(settings: GoogleAccountSettings, customer_id: str) -> GoogleAdsSettings:
    """Return the access of a connection as the Google Ads API takes it, for another account it may reach.

    Signing in at Google asks for both APIs at once, so either kind of connection has it.
    """
    if isinstance(settings, GoogleAdsSettings):
        return settings.model_copy(update={"customer_id": customer_id})
    base = settings.base_url
    place = ADS_URL if base == BASE_URL else base.replace("/sandbox/datamanager", "/sandbox/google-ads")
    kept = {name: getattr(settings, name) for name in GoogleAdsSettings.model_fields}
    return GoogleAdsSettings.model_construct(**(kept | {"customer_id": customer_id, "base_url": place}))
