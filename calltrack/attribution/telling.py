"""What calls, forms and customer records tell of phones, taken in where it becomes known."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.attribution.erasing import ERASING
from calltrack.attribution.following import told_about
from calltrack.attribution.links import keep_link, know_phone
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.infra import outbox
from calltrack.infra.turns import share_turn
from calltrack.visits.model import Visit, VisitorPhone


def know_caller(session: Session, company_id: UUID, call_id: UUID) -> None:
    """Count a call's phone among those the company knows; repetitions change nothing."""
    share_turn(session, ERASING, company_id)
    row = session.execute(
        select(Call.caller_hash, Call.started_at).where(Call.company_id == company_id, Call.id == call_id)
    ).one_or_none()
    if row and row.caller_hash:
        know_phone(session, company_id, row.caller_hash, row.started_at)


def hear_form(session: Session, company_id: UUID, typed_id: UUID, now: datetime) -> None:
    """Link the visitor who typed a phone into a form to it; calls that rang since then are judged anew."""
    share_turn(session, ERASING, company_id)
    typed = session.get(VisitorPhone, (company_id, typed_id))
    if typed is None:
        return  # erased since
    phone, told_at = typed.phone_hash, typed.told_at
    is_news = keep_link(session, company_id, (phone, typed.visitor_id), "form", typed_id, told_at)
    if is_news:
        for call_id in told_about(session, company_id, phone, [typed.visitor_id], told_at):
            outbox.record(session, company_id, "call.follows", call_id, now)
    know_phone(session, company_id, phone, told_at)


def hear_record(
    session: Session, company_id: UUID, call_id: UUID, clicks: Collection[str], phone: bytes, now: datetime
) -> None:
    """Link the visitor whose click a customer record names to the phone it names; from now on calls know it.

    The record was found by its click to be about the call: the visit credited with it carries the click.
    """
    credited = (
        select(Visit.visitor_id, Visit.click_ids)
        .join(Attribution, (Attribution.company_id == Visit.company_id) & (Attribution.visit_id == Visit.id))
        .where(Attribution.company_id == company_id, Attribution.call_id == call_id, Attribution.is_current)
    )
    row = session.execute(credited).one_or_none()
    if row is not None and set(clicks) & set(row.click_ids.values()):
        keep_link(session, company_id, (phone, row.visitor_id), "record", call_id, now)
