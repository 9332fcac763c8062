"""Erasing the messages of one person: the thread, what was forwarded of it, and the carrier's reports."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from calltrack.calls.outbound.model import CarrierReport
from calltrack.kernel.errors import Conflict
from calltrack.messages.model import Message, MessageThread

FORWARDED = "forward:{id}"


def erase_messages(session: Session, company_id: UUID, hashes: Collection[bytes]) -> list[str | None]:
    """Delete all messages with these numbers; returns what the carrier calls each (None: it has it not).

    That the person wanted no messages (STOP) is forgotten as well.

    Raises:
        Conflict: a message is being sent at this moment.
    """
    threads = session.scalars(
        select(MessageThread.id)
        .where(MessageThread.company_id == company_id, MessageThread.party_hash.in_(list(hashes)))
        .with_for_update()
    ).all()
    own = (Message.company_id == company_id, Message.thread_id.in_(threads))
    ids = session.scalars(select(Message.id).where(*own)).all()
    names = [FORWARDED.format(id=id_.hex) for id_ in ids]
    named = or_(Message.thread_id.in_(threads), Message.once.in_(names))
    found = session.execute(
        select(Message.id, Message.sid, Message.state)
        .where(Message.company_id == company_id, named)
        .with_for_update()
    ).all()
    if any(row.state == "sending" for row in found):
        raise Conflict("A message to this person is being sent at this moment.")
    keys = [f"sms:{row.sid}" for row in found if row.sid]
    session.execute(
        delete(CarrierReport).where(
            CarrierReport.company_id == company_id,
            or_(CarrierReport.about.in_([row.id for row in found]), CarrierReport.key.in_(keys)),
        )
    )
    session.execute(delete(Message).where(Message.company_id == company_id, named))
    session.execute(
        delete(MessageThread).where(MessageThread.company_id == company_id, MessageThread.id.in_(threads))
    )
    return [row.sid for row in found]


def forget_messages(session: Session, company_id: UUID, before: datetime) -> int:
    """Delete messages from before that moment, the carrier's reports of then, and threads left empty.

    Who wanted no messages (STOP) keeps the thread that says so. Returns how many messages.
    """
    old = delete(Message).where(
        Message.company_id == company_id, Message.at < before, Message.due_at.is_(None)
    )
    gone = len(session.scalars(old.returning(Message.id)).all())
    session.execute(
        delete(CarrierReport).where(
            CarrierReport.company_id == company_id, CarrierReport.received_at < before
        )
    )
    left = exists().where(Message.company_id == company_id, Message.thread_id == MessageThread.id)
    session.execute(
        delete(MessageThread).where(
            MessageThread.company_id == company_id,
            MessageThread.last_at < before,
            MessageThread.stopped_at.is_(None),
            ~left,
        )
    )
    return gone
