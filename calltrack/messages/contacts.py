"""Where a location is told of missed calls and messages."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Location
from calltrack.accounts.rules import email_address
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.phone import kind_of, pretty, to_e164
from calltrack.messages.model import LocationContact

MOBILES = ("mobile", "fixed_line_or_mobile")


def set_contact(
    session: Session, company_id: UUID, location_id: UUID, email: str, mobile: str, country: str,
    now: datetime, *, by: str,
) -> None:  # fmt: skip
    """Store a location's e-mail address and mobile; empty: none.

    Raises:
        BadInput: the address or the number cannot be one.
        NotFound: the company has no such location.
    """
    location = session.get(Location, (company_id, location_id))
    if location is None:
        raise NotFound("There is no such location.")
    address = email_address(email) if email.strip() else ""
    number = to_e164(mobile, country) if mobile.strip() else ""
    if number and kind_of(number) not in MOBILES:
        raise BadInput(f"{pretty(number)} is no mobile; messages can be forwarded to a mobile only.")
    values = {"email": address, "mobile": number}
    session.execute(
        insert(LocationContact)
        .values(company_id=company_id, location_id=location_id, **values)
        .on_conflict_do_update(index_elements=["company_id", "location_id"], set_=values)
    )
    audit.note(session, company_id, by, "location.contact", location.name, now, **values)
