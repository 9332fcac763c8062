"""The settings of a Microsoft Advertising account reached through the Campaign Management API, REST v13."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from calltrack.destinations.consent import WhenUnknown
from calltrack.destinations.microsoft_oauth import TOKEN_URI
from calltrack.destinations.settings import SettingsByKind, only_in_sandbox, when_unknown

BASE_URL: Final = "https://campaign.api.bingads.microsoft.com"


class MicrosoftSettings(SettingsByKind):
    """One ad account and the offline conversion goals that calls count for."""

    by_kind: ClassVar[Mapping[str, str]] = {"lead": "lead_goal_name", "purchase": "purchase_goal_name"}
    named: ClassVar[str] = "a goal"

    account_id: str = Field(
        title="Account number",
        description="The number after aid= in the address bar of Microsoft Advertising.",
    )
    customer_id: str = Field(
        title="Customer number", description="The number after cid= in the same address bar."
    )
    lead_goal_name: str | None = Field(
        None,
        title="Goal for leads",
        description="Exact name of an offline conversion goal. Empty: leads are not sent.",
    )
    purchase_goal_name: str | None = Field(
        None,
        title="Goal for purchases",
        description="Exact name of another offline conversion goal. Empty: purchases are not sent.",
    )
    goals_made_at: datetime | None = Field(
        None,
        title="When the goals were made",
        description="Only if that was today, such as 2026-11-22T14:30Z: Microsoft needs two hours first.",
    )
    send_hashed_contacts: bool = Field(
        True,
        title="Send hashed phone and e-mail",
        description="Matches calls without a click id. The goal needs enhanced conversions.",
    )
    phone_form: Literal["with_plus", "digits"] = Field(
        "with_plus",
        title="Phone before hashing",
        description="E.164 with its plus, as Microsoft documents; digits, if support tells you so.",
    )
    email_form: Literal["as_written", "without_dots_and_suffix"] = Field(
        "as_written",
        title="E-mail before hashing",
        description="Always trimmed and in lower case; the second form also drops dots and +suffix.",
    )
    when_consent_unknown: WhenUnknown = when_unknown()
    hold_after_click_hours: int = Field(
        1,
        ge=0,
        le=24,
        title="Hours to wait after the click",
        description="Microsoft advises one hour, so that it knows the click.",
    )
    lookback_days: int = Field(
        90, ge=1, le=90, title="Conversion window in days", description="As set on the goals."
    )
    developer_token: SecretStr = Field(
        title="Developer token", description="From the Microsoft Advertising Developer Portal."
    )
    client_id: str = Field(
        title="Application (client) id", description="Of your app registration in Microsoft Entra."
    )
    client_secret: SecretStr | None = Field(
        None, title="Client secret", description="Empty for an app registered without one."
    )
    refresh_token: SecretStr = Field(
        title="Refresh token", description="Microsoft replaces it now and then; calltrack keeps the new one."
    )
    base_url: str = only_in_sandbox(BASE_URL)
    token_uri: str = only_in_sandbox(TOKEN_URI)

    @field_validator("account_id", "customer_id")
    @classmethod
    def _digits(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9]{1,18}", value):
            raise ValueError("write the number from the address bar, not the account's name or X-number")
        return value

    @field_validator("lead_goal_name", "purchase_goal_name")
    @classmethod
    def _goal(cls, value: str | None) -> str | None:
        if value is not None and (len(value) > 100 or not value.isprintable()):
            raise ValueError("a goal's name has at most 100 characters, on one line")
        return value

    @model_validator(mode="after")
    def _two_goals(self) -> Self:
        if self.lead_goal_name == self.purchase_goal_name:
            raise ValueError("leads and purchases need two goals: Microsoft counts one click and time once")
        return self
