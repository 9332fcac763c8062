"""How a company is protected from toll fraud and nuisance callers: stored beside its other settings."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy.orm import Session

from calltrack.accounts.forwarding_rules import allowed_countries, refusal_of_new
from calltrack.accounts.model import Company
from calltrack.accounts.wrong_settings import refused
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.phone import COUNTRIES, pretty

SpamAction = Literal["mark", "challenge", "reject"]
MOST = 1_000_000


class Protection(BaseModel):
    """The limits; each field's description is shown beside it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    countries: tuple[str, ...] = Field(
        (),
        title="Countries calls may be put through to",
        description="Two letters each, such as IT DE; empty: your own country and the usual ones.",
    )
    calls_per_number: int = Field(
        1000,
        title="Calls a day put through on one number",
        ge=1,
        le=MOST,
        description="From there on callers of that number hear a sentence until midnight.",
    )
    minutes_per_number: int = Field(
        3000,
        title="Minutes a day on one number",
        ge=1,
        le=MOST,
        description="Estimated: each call counts whole minutes, as the carrier bills them.",
    )
    calls_per_company: int = Field(
        5000,
        title="Calls a day put through in all",
        ge=1,
        le=MOST,
        description="The same over all numbers of the company.",
    )
    minutes_per_company: int = Field(
        15_000, title="Minutes a day in all", ge=1, le=MOST, description="The same over all numbers."
    )
    spam_action: SpamAction = Field(
        "mark",
        title="What to do with nuisance calls",
        description="Calls that look like nuisance are marked; they may also have to press 1, or be refused.",
    )
    block_withheld: bool = Field(
        False,
        title="Refuse callers who withhold their number",
        description="Many honest callers do; refuse them only where nuisance leaves no choice.",
    )
    share: bool = Field(
        True,
        title="Learn from other companies on this server",
        description="Nuisance callers are shared as keyed hashes that name neither caller nor company.",
    )

    @field_validator("countries")
    @classmethod
    def _are_countries(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(code.strip().upper() for code in codes if code.strip()))
        if unknown := [code for code in found if code not in COUNTRIES]:
            raise ValueError(f"{unknown[0][:8]!r} is not a country; write two letters such as IT")
        return found


@dataclass(frozen=True)
class Bounds:
    """What a company's own country makes of its protection."""

    countries: frozenset[str]
    protection: Protection


def protection_of(stored: dict[str, Any]) -> Protection:
    """Read the protection from a company's stored settings; what is missing takes the default."""
    return Protection.model_validate(stored.get("protection") or {})


def change_protection(session: Session, company_id: UUID, wanted: dict[str, Any]) -> Protection:
    """Store a company's protection and return it; phones follow within 10 seconds.

    Raises:
        BadInput: a value is out of its bounds; the text names the field.
        NotFound: there is no such company.
    """
    company = session.get(Company, company_id)
    if company is None:
        raise NotFound("There is no such company.")
    try:
        protection = Protection.model_validate(wanted)
    except ValidationError as problem:
        raise refused(problem, Protection) from None
    company.settings = company.settings | {"protection": protection.model_dump(mode="json")}
    return protection


def bounds_of(session: Session, company_id: UUID) -> Bounds:
    """Return a company's protection and the countries that follow from it."""
    company = session.get_one(Company, company_id)
    protection = protection_of(company.settings)
    return Bounds(allowed_countries(company.country, protection.countries), protection)


def check_forwarding(session: Session, company_id: UUID, e164: str) -> None:
    """Refuse a number that calls must not be put through to.

    Raises:
        BadInput: the reason, and what may be changed.
    """
    bounds = bounds_of(session, company_id)
    reason = refusal_of_new(e164, bounds.countries)
    if reason is not None:
        raise BadInput(
            f"Calls cannot be put through to {pretty(e164)}: {reason}. Use an ordinary line, or let an owner "
            "allow the country under Settings, Protection."
        )
