"""Erasing what visits tell of a browser: they stay as visits of nobody, so that sums stay what they were."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from calltrack.infra.rows import one_of
from calltrack.kernel.ids import new_id
from calltrack.visits.model import PageView, Visit, VisitorEmail, VisitorPhone


def erase_visits(
    session: Session, company_id: UUID, visitor_ids: Collection[UUID]
) -> tuple[int, Mapping[UUID, UUID]]:
    """Strip the visits of these browsers; returns how many, and the new id each browser has in them.

    A visit keeps its time, site, source and campaign. Click ids, cookies, addresses, pages and the browser's
    id go; the browser itself is a new visitor when it comes again.
    """
    count = 0
    instead = {visitor_id: new_id() for visitor_id in visitor_ids}
    for visitor_id in visitor_ids:
        mine = (Visit.company_id == company_id, Visit.visitor_id == visitor_id)
        ids = session.scalars(select(Visit.id).where(*mine)).all()
        count += len(ids)
        session.execute(
            delete(PageView).where(PageView.company_id == company_id, one_of(PageView.visit_id, ids))
        )
        session.execute(
            update(Visit)
            .where(*mine)
            .values(
                visitor_id=instead[visitor_id], click_ids={}, ad_cookies={}, referrer="", landing_url="",
                term="", content="", user_agent="", region=None,
            )
        )  # fmt: skip
        # After the visits: whoever keeps what was typed right now holds its visit until it is kept.
        typed = (VisitorPhone.company_id == company_id, VisitorPhone.visitor_id == visitor_id)
        session.execute(delete(VisitorPhone).where(*typed))
        _erase_emails(session, company_id, [visitor_id])
    return count, instead


def erase_typed(session: Session, company_id: UUID, phone_hashes: Collection[bytes]) -> int:
    """Delete these numbers where somebody typed them into a form, with the e-mail addresses of whoever did.

    Returns how often a number was typed.
    """
    typed = delete(VisitorPhone).where(
        VisitorPhone.company_id == company_id, VisitorPhone.phone_hash.in_(list(phone_hashes))
    )
    visitors = session.scalars(typed.returning(VisitorPhone.visitor_id)).all()
    _erase_emails(session, company_id, visitors)
    return len(visitors)


def forget_typed(session: Session, company_id: UUID, before: datetime) -> int:
    """Delete what was typed into forms before that moment; returns how much it was."""
    gone = 0
    for table in (VisitorPhone, VisitorEmail):
        old = delete(table).where(table.company_id == company_id, table.told_at < before)
        gone += len(session.scalars(old.returning(table.id)).all())
    return gone


def _erase_emails(session: Session, company_id: UUID, visitor_ids: Collection[UUID]) -> None:
    session.execute(
        delete(VisitorEmail).where(
            VisitorEmail.company_id == company_id, VisitorEmail.visitor_id.in_(list(visitor_ids))
        )
    )
