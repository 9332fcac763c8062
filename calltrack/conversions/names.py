"""Names of what rules speak of: locations by their name, numbers and pools too, each by its id."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.model import Location
from calltrack.numbers.model import Pool, TrackingNumber


def names_of(session: Session, company_id: UUID) -> dict[str, str]:
    """Return the name of each location, tracking number and pool of the company by its id."""
    found: dict[str, str] = {}
    for kind in ("location", "number", "pool"):
        found |= {id_: name for name, id_ in ids_of(session, company_id, kind)}
    return found


def ids_of(session: Session, company_id: UUID, kind: str) -> list[tuple[str, str]]:
    """Return (name, id) of the company's locations, numbers or pools, sorted by name."""
    query = {
        "location": select(Location.name, Location.id).where(Location.company_id == company_id),
        "number": select(TrackingNumber.e164, TrackingNumber.id).where(
            TrackingNumber.company_id == company_id
        ),
        "pool": select(Pool.name, Pool.id).where(Pool.company_id == company_id),
    }[kind]
    return sorted((name, str(id_)) for name, id_ in session.execute(query))
