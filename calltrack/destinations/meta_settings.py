"""The settings of a Meta dataset reached through the Conversions API."""

import re
from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from pydantic import Field, SecretStr, field_validator

from calltrack.destinations.consent import WhenUnknown
from calltrack.destinations.settings import SettingsByKind, only_in_sandbox, when_unknown

BASE_URL: Final = "https://graph.facebook.com"


class MetaSettings(SettingsByKind):
    """One dataset (pixel) and the events that calls count as."""

    by_kind: ClassVar[Mapping[str, str]] = {"lead": "lead_event_name", "purchase": "purchase_event_name"}

    dataset_id: str = Field(
        title="Dataset (pixel) number",
        description="In Meta Events Manager: Data sources > your dataset > Settings.",
    )
    access_token: SecretStr = Field(
        title="Access token",
        description="Of a system user who may manage the dataset; Events Manager > Settings makes one.",
    )
    app_secret: SecretStr | None = Field(
        None,
        title="App secret",
        description="Only if your Meta app asks for a proof with every request (appsecret_proof).",
    )
    lead_event_name: str | None = Field(
        "Lead", title="Event for leads", description="Lead, or a name of your own. Empty: leads are not sent."
    )
    purchase_event_name: str | None = Field(
        "Purchase",
        title="Event for purchases",
        description="Purchase, or a name of your own. Empty: purchases are not sent.",
    )
    action_source: Literal["phone_call", "website"] = Field(
        "phone_call",
        title="Where it happened",
        description="Website: counts beside the pixel's events and needs page and browser of the visit.",
    )
    send_hashed_contacts: bool = Field(
        True,
        title="Send hashed contacts",
        description="Phone, e-mail, name and town as SHA-256, so that Meta finds people who did not click.",
    )
    when_consent_unknown: WhenUnknown = when_unknown()
    limited_data_use: Literal["off", "by_location", "california"] = Field(
        "off",
        title="Limited Data Use",
        description="For US privacy laws. By location: Meta finds the state; California: always.",
    )
    test_event_code: str | None = Field(
        None,
        title="Test event code",
        description="Events Manager > Test events shows it. Used by the trial run only.",
    )
    base_url: str = only_in_sandbox(BASE_URL)

    @field_validator("dataset_id")
    @classmethod
    def _digits(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9]{5,20}", value):
            raise ValueError("a dataset is named by its number, 15 or 16 digits")
        return value

    @field_validator("lead_event_name", "purchase_event_name")
    @classmethod
    def _event_name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_ \-]{0,49}", value):
            raise ValueError("an event name has up to 50 letters, digits, spaces, hyphens or underscores")
        return value

    @field_validator("test_event_code")
    @classmethod
    def _test_code(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_]{1,64}", value):
            raise ValueError("a test event code looks like TEST12345")
        return value
