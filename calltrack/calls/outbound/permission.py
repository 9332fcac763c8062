"""Which phones we may begin a call to, and whether the day's caps leave room: as for calls put through."""

from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.accounts.forwarding_rules import refusal
from calltrack.accounts.protection import bounds_of
from calltrack.calls.guard.cap_rules import Used, reached
from calltrack.calls.guard.usage import use_of
from calltrack.kernel.errors import BadInput, Conflict
from calltrack.kernel.phone import pretty


def check_phone(session: Session, company_id: UUID, e164: str) -> None:
    """Refuse a phone that calls must not go to, however it was confirmed once.

    Raises:
        BadInput: the reason, and what may be changed.
    """
    reason = refusal(e164, bounds_of(session, company_id).countries)
    if reason is not None:
        raise BadInput(
            f"{pretty(e164)} cannot be rung from here: {reason}. Take another phone, or let an owner allow "
            "the country under Settings, Protection."
        )


def check_caps(session: Session, company_id: UUID, number_id: UUID) -> None:
    """Refuse a further call from a number once its caps, or the company's, are used up today.

    Raises:
        Conflict: the cap, and what may be changed.
    """
    use = use_of(session, company_id)
    number = next((one.used for one in use.numbers if one.number_id == number_id), Used())
    cap = reached(use.caps, number, use.total)
    if cap is not None:
        raise Conflict(
            f"The day's {cap} are used up, so nothing is rung from here until midnight. Ring from your own "
            "phone, or let an owner raise the cap under Settings, Protection."
        )
