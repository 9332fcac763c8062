"""Which call flow answers a number, pool or location: for any page, by one line of its template."""

from uuid import UUID

from flask import g

from calltrack.callflows.effective import Spot, spots
from calltrack.dashboard.access import parts

SCOPES = {
    "company": "the whole company",
    "location": "its location",
    "pool": "its pool",
    "number": "this number",
}


def answering_at(id_: UUID) -> Spot | None:
    """Return what answers at a place of the company whose page is drawn; None for no such place."""
    if "spots" not in g:
        with parts().db.tenant(g.here.company.id) as session:
            g.spots = {one.id: one for one in spots(session, g.here.company.id)}
    found: dict[UUID, Spot] = g.spots
    return found.get(id_)
