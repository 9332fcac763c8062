"""The settings of LinkedIn Ads: the conversion rules that calls count for, and the access to them."""

import re
from collections.abc import Mapping
from typing import ClassVar, Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from calltrack.destinations.consent import WhenUnknown
from calltrack.destinations.settings import SettingsByKind, only_in_sandbox, when_unknown

BASE_URL: Final = "https://api.linkedin.com"
TOKEN_URI: Final = "https://www.linkedin.com/oauth/v2/accessToken"  # noqa: S105 (an address)
VERSION: Final = "202603"
RULE: Final = "urn:lla:llaPartnerConversion:"


class LinkedInSettings(SettingsByKind):
    """The conversion rules that calls count for, and the access to the ad account that owns them."""

    by_kind: ClassVar[Mapping[str, str]] = {"lead": "lead_rule_id", "purchase": "purchase_rule_id"}
    named: ClassVar[str] = "a conversion rule"

    lead_rule_id: str | None = Field(
        None,
        title="Conversion rule for leads",
        description="Number of a rule with the data source Conversions API. Empty: leads are not sent.",
    )
    purchase_rule_id: str | None = Field(
        None,
        title="Conversion rule for purchases",
        description="Number of a rule with the data source Conversions API. Empty: purchases are not sent.",
    )
    access_token: SecretStr | None = Field(
        None, title="Access token", description="With rw_conversions; ends after 60 days."
    )
    refresh_token: SecretStr | None = Field(
        None, title="Refresh token", description="Renews the access by itself, with client id and secret."
    )
    client_id: str | None = Field(None, title="OAuth client id")
    client_secret: SecretStr | None = Field(None, title="OAuth client secret")
    send_hashed_contacts: bool = Field(
        True,
        title="Send hashed e-mail, and the name as it is",
        description="Lets LinkedIn match calls without a click id.",
    )
    when_consent_unknown: WhenUnknown = when_unknown()
    api_version: str = Field(
        VERSION, title="API version", description="Year and month. LinkedIn ends each after about a year."
    )
    base_url: str = only_in_sandbox(BASE_URL)
    token_uri: str = only_in_sandbox(TOKEN_URI)

    @field_validator("lead_rule_id", "purchase_rule_id")
    @classmethod
    def _rule(cls, value: str | None) -> str | None:
        number = None if value is None else value.removeprefix(RULE)
        if number is not None and not re.fullmatch(r"[0-9]{1,20}", number):
            raise ValueError("a conversion rule is named by its number, as in its address")
        return number

    @field_validator("api_version")
    @classmethod
    def _month(cls, value: str) -> str:
        if not re.fullmatch(r"20[0-9]{2}(0[1-9]|1[0-2])", value):
            raise ValueError("year and month, such as 202603")
        return value

    @model_validator(mode="after")
    def _has_access(self) -> Self:
        if self.access_token is None and not self.renews:
            raise ValueError("an access token is needed, or a refresh token with client id and secret")
        return self

    @property
    def renews(self) -> bool:
        """Whether access is renewed with a refresh token."""
        return None not in (self.refresh_token, self.client_id, self.client_secret)
