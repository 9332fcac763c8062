"""What a company may set, what a role may do, and how names and addresses are written."""

import re
from typing import Any, Literal, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

from calltrack.kernel.errors import BadInput

Role = Literal["owner", "manager", "viewer"]
RANK: dict[str, int] = {"viewer": 1, "manager": 2, "owner": 3}
LONGEST_NAME = 120


class CompanySettings(BaseModel):
    """The limits of one company; each field's description is shown beside it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    lead_min_talk_seconds: int = Field(
        60,
        title="Talk that makes a lead (seconds)",
        ge=1,
        le=3600,
        description="A call is a lead from this many seconds of talk with a person. Saved rules replace it.",
    )
    lead_window_days: int = Field(
        30,
        title="Days until a caller is new again",
        ge=1,
        le=365,
        description="A caller who was a lead within this many days is not a new one.",
    )
    credit_probability: float = Field(
        0.7,
        title="Reports: name a visit from probability",
        gt=0,
        le=1,
        description="From this probability a visit is named as the call's origin.",
    )
    credit_campaign_probability: float = Field(
        0.7,
        title="Reports: name a campaign from probability",
        gt=0,
        le=1,
        description="Several visits of one campaign add up, so it can be sure where no visit is.",
    )
    credit_source_probability: float = Field(
        0.7,
        title="Reports: name a source from probability",
        gt=0,
        le=1,
        description="Below it the call is counted as unknown, and not shared out among the others.",
    )
    upload_probability: float = Field(
        0.9,
        title="Send click ids from probability",
        gt=0,
        le=1,
        description="From this probability of its visit a click id is sent to ad platforms.",
    )
    inbox_days: int = Field(
        90,
        title="Days an outcome without a call is kept",
        ge=7,
        le=730,
        description="What CRM or files told and no call was found for is forgotten after so many days.",
    )
    most_numbers: int = Field(
        50,
        title="Most tracking numbers",
        ge=1,
        le=10_000,
        description="Nobody can buy more numbers than these; numbers you bring along count, too.",
    )
    most_number_rent: int = Field(
        200,
        title="Most rent for numbers a month",
        ge=1,
        le=1_000_000,
        description="In the currency the carrier bills in; a purchase that would pass it is refused.",
    )
    number_rest_days: int = Field(
        30,
        title="Days a number rests between two uses",
        ge=0,
        le=365,
        description="So long visitors are not shown a number of another use: people still call it.",
    )
    safe_forward_to: str = Field(
        "",
        title="Fallback line",
        description="Where calls go to a number that is not set up (a fallback line of the company).",
    )
    recordings_kept: Literal["carrier", "copy", "move"] = Field(
        "carrier",
        title="Recordings are kept",
        description="A copy here is encrypted; moved ones are deleted at the carrier once they are here.",
        json_schema_extra={
            "choices": {"carrier": "at the carrier", "copy": "at the carrier and here", "move": "here only"}
        },
    )
    recording_days: int = Field(
        30,
        title="Days until recordings are deleted",
        ge=0,
        le=3650,
        description="Older recordings and transcripts are deleted, here and at the carrier. Usual: 30;"
        " 0: never.",
    )
    history_days: int = Field(
        760,
        title="Days until callers are forgotten",
        ge=0,
        le=3650,
        description="Older calls lose number, notes, messages and reports, and stay in the figures. 760 (25"
        " months) unless you choose otherwise; 0: never.",
    )
    caller_channel: int = Field(
        1,
        title="The caller's channel",
        ge=1,
        le=2,
        description="Of recordings with two channels, the caller's: listen to one call, then decide.",
    )
    transcripts: Literal["off", "carrier", "local"] = Field(
        "off",
        title="Transcripts",
        description="What was said, as text: for keyword rules and search. Tell callers in the announcement.",
        json_schema_extra={
            "choices": {
                "off": "none",
                "carrier": "by the carrier, during the call",
                "local": "by this server, from recordings",
            }
        },
    )


def settings_of(stored: dict[str, Any]) -> CompanySettings:
    """Read a company's stored settings; unknown fields are ignored, missing ones take the default."""
    return CompanySettings.model_validate(stored)


def may(role: str, needed: Role) -> bool:
    """Tell whether a role is at least the needed one."""
    return RANK.get(role, 0) >= RANK[needed]


def may_see_numbers(role: str) -> bool:
    """Tell whether callers' full numbers are shown to the role; a viewer sees them masked."""
    return may(role, "manager")


def role_named(text: str) -> Role:
    """Read a role; raises BadInput for any other word."""
    if text not in RANK:
        raise BadInput("A role is owner, manager or viewer.")
    return cast(Role, text)


def email_key(text: str) -> str:
    """Return the form in which an address is stored and compared."""
    return text.strip().lower()


def email_address(text: str) -> str:
    """Read an e-mail address; raises BadInput when it cannot be one."""
    address = email_key(text)
    if len(address) > 254 or not re.fullmatch(r"[^@\s<>\"']+@[^@\s<>\"']+\.[^@\s<>\"'.]+", address):
        raise BadInput("This is not an e-mail address; write it like anna@example.it.")
    return address


def display_name(text: str) -> str:
    """Read a name of a person or thing; raises BadInput when it is empty or too long."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise BadInput(f"A name has 1 to {LONGEST_NAME} characters.")
    if not name.isprintable():
        raise BadInput("A name holds an invisible character; type it again instead of pasting it.")
    return name


def site_origin(text: str) -> str:
    """Read the origin of a website (`https://www.example.it`); raises BadInput for anything more."""
    try:
        parts = urlsplit(text.strip().rstrip("/").lower())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise BadInput(f"{text[:64]!r} is not a website's origin; write it like https://www.example.it.")
    return f"{parts.scheme}://{parts.hostname}{port}"


def time_zone(text: str) -> str:
    """Read an IANA time zone such as Europe/Rome; raises BadInput when there is none of that name."""
    try:
        return ZoneInfo(text.strip()).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"{text[:64]!r} is not a time zone; write it like Europe/Rome.") from None


def country_code(text: str) -> str:
    """Read an ISO country code; raises BadInput when it has another shape."""
    code = text.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise BadInput("A country is written with two letters, such as IT.")
    return code
