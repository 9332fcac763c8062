"""The end of a list or an audience: gone here only when its members are gone at the platform."""

from datetime import datetime
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.audiences.model import Audience, Place
from calltrack.delivery.accounts import ITSELF
from calltrack.delivery.model import DestinationAccount

DISCONNECTED: Final = (
    "Its destination was removed before the list was emptied: delete the list at the platform yourself."
)
_STILL_THERE: Final = text(
    """
    SELECT EXISTS (SELECT FROM audience_entry
                   WHERE company_id = :company_id AND place_id = :place_id
                     AND NOT (told IS NOT NULL AND told = 'remove' AND identifier IS NULL))
    """
)
_CLEAR: Final = text("DELETE FROM audience_entry WHERE company_id = :company_id AND place_id = :place_id")


def end_if_empty(session: Session, audience: Audience, now: datetime) -> None:
    """Take away lists that are being emptied and hold nobody any more, and the audience when none is left."""
    session.flush()
    places = session.scalars(
        select(Place).where(Place.company_id == audience.company_id, Place.audience_id == audience.id)
    ).all()
    for place in places:
        if place.status == "leaving":
            _end(session, place)
    if audience.status == "deleting" and all(place.status == "removed" for place in places):
        audience.status, audience.changed_at = "deleted", now
        audience.full_due_at = audience.sweep_due_at = None
        audit.note(session, audience.company_id, ITSELF, "audience.deleted", str(audience.id), now)


def _end(session: Session, place: Place) -> None:
    keys = {"company_id": place.company_id, "place_id": place.id}
    account = session.get_one(DestinationAccount, (place.company_id, place.destination_id))
    if account.status == "removed":
        place.status_reason = DISCONNECTED
    elif session.scalar(_STILL_THERE, keys):
        return
    session.execute(_CLEAR, keys)
    place.status, place.due_at = "removed", None
