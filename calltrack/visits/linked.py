"""Visitors who come along from another domain of the same company: the link says who they are there."""

from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.visits.model import Visit
from calltrack.visits.rules import read_id

PARAMETER = "_ct"
# The visit must be alive on the page of the link: an address that was copied and sent on names nobody.
FRESH = timedelta(minutes=2)


def read_link(url: str) -> tuple[UUID, UUID] | None:
    """Return visitor and visit in the page's address, if a link wrote them there."""
    if f"{PARAMETER}=" not in url:
        return None
    try:
        words = parse_qs(urlsplit(url).query).get(PARAMETER, [""])[-1].split(",")
    except ValueError:
        return None
    ids = [read_id(word) for word in words[:2]]
    return (ids[0], ids[1]) if len(ids) == 2 and ids[0] and ids[1] else None


def is_live(session: Session, company_id: UUID, visitor: UUID, visit: UUID, now: datetime) -> bool:
    """Whether this visitor's visit was seen a moment ago on any site of the company."""
    query = select(Visit.last_seen_at).where(
        Visit.company_id == company_id, Visit.id == visit, Visit.visitor_id == visitor
    )
    seen = session.scalar(query)
    return seen is not None and seen > now - FRESH
