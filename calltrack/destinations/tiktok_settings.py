"""The settings of a TikTok event source: a pixel, an offline event set or a CRM event set."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from calltrack.destinations.consent import WhenUnknown
from calltrack.destinations.settings import SettingsByKind, only_in_sandbox, when_unknown

BASE_URL: Final = "https://business-api.tiktok.com"
WINDOWS: Final = {"web": timedelta(days=7), "offline": timedelta(days=28), "crm": timedelta(days=28)}


class TikTokSettings(SettingsByKind):
    """One event source and the events that calls become."""

    by_kind: ClassVar[Mapping[str, str]] = {"lead": "lead_event", "purchase": "purchase_event"}

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
    when_consent_unknown: WhenUnknown = when_unknown()
    test_event_code: str | None = Field(
        None,
        title="Test event code",
        description="From Events Manager > Test events. Only the trial run uses it; nothing counts.",
    )
    base_url: str = only_in_sandbox(BASE_URL)

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

    @model_validator(mode="after")
    def _can_be_matched(self) -> Self:
        if self.event_source != "web" and not self.send_hashed_contacts:
            raise ValueError(
                "offline and crm event sets match by hashed contacts only: allow them, or use web"
            )
        return self

    @property
    def window(self) -> timedelta:
        """How old an event TikTok takes from this kind of source."""
        return WINDOWS[self.event_source]
