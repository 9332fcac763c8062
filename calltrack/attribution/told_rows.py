"""Phones that visitors typed into forms or that customer records name, as learning hears them."""

from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from calltrack.attribution.history import Told
from calltrack.attribution.link_model import PhoneLink
from calltrack.visits.model import VisitorPhone

TOLD_FOR: Final = timedelta(days=400)
MOST_TOLD: Final = 50_000


def told_phones(
    session: Session, company_id: UUID, until: datetime, *, by_records: bool = False
) -> tuple[Told, ...]:
    """Return the phones that visitors typed into forms, in the order they were told.

    by_records: and those that customer records name, from when we heard of them.
    """
    told = _told(
        session, VisitorPhone.company_id == company_id, VisitorPhone.told_at, VisitorPhone.visitor_id,
        VisitorPhone.phone_hash, until,
    )  # fmt: skip
    if by_records:
        mine = and_(PhoneLink.company_id == company_id, PhoneLink.kind == "record")
        told += _told(session, mine, PhoneLink.known_from, PhoneLink.visitor_id, PhoneLink.caller_hash, until)
    return tuple(sorted(told, key=attrgetter("at", "visitor", "phone"))[-MOST_TOLD:])


def _told(session: Session, mine: Any, at: Any, visitor: Any, phone: Any, until: datetime) -> list[Told]:
    """Return the latest told before `until`."""
    rows = session.execute(
        select(at.label("at"), visitor.label("visitor"), phone.label("phone"))
        .where(mine, at >= until - TOLD_FOR, at < until)
        .order_by(at.desc(), visitor.desc(), phone.desc())
        .limit(MOST_TOLD)
    )
    return [Told(at=row.at.timestamp(), visitor=row.visitor.hex, phone=row.phone.hex()) for row in rows]
