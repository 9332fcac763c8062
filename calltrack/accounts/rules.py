"""What a company may set, and what a role may do."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["owner", "manager", "viewer"]
RANK: dict[str, int] = {"viewer": 1, "manager": 2, "owner": 3}


class CompanySettings(BaseModel):
    """The limits of one company; each field's description is shown beside it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    lead_min_talk_seconds: int = Field(
        60, ge=1, le=3600, description="A call is a lead from this many seconds of talk with a person."
    )
    lead_window_days: int = Field(
        30, ge=1, le=365, description="A caller who was a lead within this many days is not a new one."
    )
    candidate_days: int = Field(
        30, ge=1, le=90, description="How far back a visit may lie that a call is linked to."
    )
    credit_probability: float = Field(
        0.5, gt=0, le=1, description="From this probability a visit is named as the call's origin."
    )
    upload_probability: float = Field(
        0.5, gt=0, le=1, description="From this probability a click id is sent to ad platforms."
    )
    safe_forward_to: str = Field(
        "", description="Where calls go to a number that is not set up (a fallback line of the company)."
    )


def settings_of(stored: dict[str, Any]) -> CompanySettings:
    """Read a company's stored settings; unknown fields are ignored, missing ones take the default."""
    return CompanySettings.model_validate(stored)


def may(role: str, needed: Role) -> bool:
    """Tell whether a role is at least the needed one."""
    return RANK.get(role, 0) >= RANK[needed]
