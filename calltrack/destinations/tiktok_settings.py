"""The settings of a TikTok event source: a pixel, an offline event set or a CRM event set."""

import re
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from calltrack.destinations.consent import WhenUnknown
from calltrack.destinations.settings import DestinationSettings

BASE_URL: Final = "https://business-api.tiktok.com"
WINDOWS: Final = {"web": timedelta(days=7), "offline": timedelta(days=28), "crm": timedelta(days=28)}


class TikTokSettings(DestinationSettings):
    """One event source and the events that calls become."""

    event_source: Literal["web", "offline", "crm"] = Field(
        "web",
        title="Kind of event source",
        description="web: a pixel, matched by click id too. offline, crm: event sets, matched by contacts.",
    )
    event_source_id: str = Field(
        title="Pixel or event set id", description="As shown in TikTok Events Manager, such as C4A1B2C3D4E5."
    )
    access_token: SecretStr = Field(
        title="Access token", description="Made in Events Manager under Settings > Events API."
    )
    lead_event: str | None = Field(
        "Lead", title="Event for leads", description="Lead, Contact or SubmitForm. Empty: leads are not sent."
    )
    purchase_event: str | None = Field(
        "Purchase",
        title="Event for purchases",
        description="Purchase or CompletePayment. Empty: purchases are not sent.",
    )
    send_hashed_contacts: bool = Field(
        True,
        title="Send hashed phone and e-mail",
        description="Lets TikTok match calls without a click id. Event sets need it.",
    )
    when_consent_unknown: WhenUnknown = Field(
        "by_region",
        title="When the visitor's consent is unknown",
        description="The law asks for consent in the EEA, the UK and Switzerland.",
    )
    test_event_code: str | None = Field(
        None,
        title="Test event code",
        description="From Events Manager > Test events. Only the trial run uses it; nothing counts.",
    )
    base_url: str = Field(BASE_URL, json_schema_extra={"sandbox": True})

    @field_validator("lead_event", "purchase_event", "test_event_code", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("event_source_id", "test_event_code")
    @classmethod
    def _code(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_-]{3,64}", value):
            raise ValueError("letters and digits, as shown in Events Manager")
        return value

    @field_validator("lead_event", "purchase_event")
    @classmethod
    def _event_name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,49}", value):
            raise ValueError("one word of letters, digits and underscores, 50 at most")
        return value

    @field_validator("access_token")
    @classmethod
    def _not_empty(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not text.strip() or not text.isascii() or not text.isprintable():
            raise ValueError("must be the token as Events Manager shows it")
        return value

    @model_validator(mode="after")
    def _complete(self, info: ValidationInfo) -> "TikTokSettings":
        if self.lead_event is None and self.purchase_event is None:
            raise ValueError("name an event for leads, for purchases, or both")
        if self.event_source != "web" and not self.send_hashed_contacts:
            raise ValueError(
                "offline and crm event sets match by hashed contacts only: allow them, or use web"
            )
        if self.base_url != BASE_URL and not (info.context or {}).get("sandbox"):
            raise ValueError("base_url can be changed in the sandbox only")
        if urlsplit(self.base_url).scheme not in ("http", "https"):
            raise ValueError("base_url must be an http or https address")
        return self

    def event_for(self, kind: str) -> str | None:
        """Return the name of the event that conversions of this kind become."""
        return self.lead_event if kind == "lead" else self.purchase_event

    @property
    def window(self) -> timedelta:
        """How old an event TikTok takes from this kind of source."""
        return WINDOWS[self.event_source]
