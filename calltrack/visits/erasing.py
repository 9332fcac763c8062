"""Erasing what visits tell of a browser: they stay as visits of nobody, so that sums stay what they were."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY
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
    instead = {visitor_id: new_id() for visitor_id in visitor_ids}
    theirs = list(instead)
    ids = session.scalars(
        select(Visit.id).where(Visit.company_id == company_id, one_of(Visit.visitor_id, theirs))
    ).all()
    pages = delete(PageView).where(PageView.company_id == company_id, one_of(PageView.visit_id, ids))
    session.execute(pages, execution_options={"synchronize_session": False})
    values = {"company_id": company_id, "before": theirs, "after": list(instead.values())}
    session.execute(_STRIP, values)
    # After the visits: whoever keeps what was typed right now holds its visit until it is kept.
    typed = (VisitorPhone.company_id == company_id, one_of(VisitorPhone.visitor_id, theirs))
    session.execute(delete(VisitorPhone).where(*typed))
    _erase_emails(session, company_id, theirs)
    return len(ids), instead


_STRIP: Final = text(
    """
    UPDATE visit v SET visitor_id = new.after, click_ids = '{}', ad_cookies = '{}', referrer = '',
        landing_url = '', term = '', content = '', user_agent = '', region = NULL
    FROM unnest(:before, :after) AS new (before, after)
    WHERE v.company_id = :company_id AND v.visitor_id = new.before
    """
).bindparams(bindparam("before", type_=ARRAY(Uuid())), bindparam("after", type_=ARRAY(Uuid())))


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
            VisitorEmail.company_id == company_id, one_of(VisitorEmail.visitor_id, visitor_ids)
        )
    )
