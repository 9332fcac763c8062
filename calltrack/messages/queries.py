"""What pages and the API read of messages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from calltrack.infra.crypto import Vault
from calltrack.messages.model import LocationContact, Message, MessageThread
from calltrack.messages.rules import segments
from calltrack.messages.service import PARTY_PLACE, TEXT_PLACE
from calltrack.numbers.model import TrackingNumber


@dataclass(frozen=True)
class MessageRow:
    """A message. `number` is ours; `text` is in full."""

    id: UUID
    thread_id: UUID
    kind: str
    number: str
    text: str
    at: datetime
    written_by: str
    state: str
    problem: str
    call_id: UUID | None
    source: str
    medium: str
    campaign: str
    media: int

    @property
    def is_received(self) -> bool:
        """Whether the person wrote it."""
        return self.kind == "received"

    @property
    def parts(self) -> int:
        """As how many messages the carrier bills it."""
        return segments(self.text)


@dataclass(frozen=True)
class ThreadRow:
    """All messages with one person's number (`party`, in full)."""

    id: UUID
    party: str
    party_hash: bytes
    last_at: datetime
    unread: int
    stopped_at: datetime | None
    last: MessageRow | None = None


@dataclass(frozen=True)
class ContactRow:
    """Where a location is written to."""

    location_id: UUID
    email: str
    mobile: str


_COLUMNS = (
    Message.id, Message.thread_id, Message.kind, TrackingNumber.e164.label("number"), Message.body,
    Message.at, Message.written_by, Message.state, Message.problem, Message.call_id, Message.source,
    Message.medium, Message.campaign, Message.media,
)  # fmt: skip
_OF_NUMBER = (TrackingNumber.company_id == Message.company_id) & (TrackingNumber.id == Message.number_id)


def threads(
    session: Session, vault: Vault, company_id: UUID, before: datetime | None = None, most: int = 50
) -> tuple[ThreadRow, ...]:
    """Return the threads with the newest message first, each with that message."""
    # Threads with our own people, who are only told of calls and messages, are none with customers.
    of_a_customer = exists().where(
        Message.company_id == MessageThread.company_id,
        Message.thread_id == MessageThread.id,
        Message.kind.in_(("received", "answer", "text_back")),
    )
    query = select(MessageThread).where(MessageThread.company_id == company_id, of_a_customer)
    if before is not None:
        query = query.where(MessageThread.last_at < before)
    rows = session.scalars(query.order_by(MessageThread.last_at.desc(), MessageThread.id).limit(most)).all()
    newest = {
        one.thread_id: one
        for one in _messages(session, vault, company_id, [row.id for row in rows], only_newest=True)
    }
    return tuple(_thread(vault, row, newest.get(row.id)) for row in rows if row.id in newest)


def thread(session: Session, vault: Vault, company_id: UUID, thread_id: UUID) -> ThreadRow | None:
    """Return one thread; None when the company has no such."""
    row = session.get(MessageThread, (company_id, thread_id))
    return _thread(vault, row, None) if row else None


def thread_with(session: Session, vault: Vault, company_id: UUID, party_hash: bytes) -> ThreadRow | None:
    """Return the thread with a number, by its keyed hash; None: nothing was ever written."""
    row = session.scalars(
        select(MessageThread).where(
            MessageThread.company_id == company_id, MessageThread.party_hash == party_hash
        )
    ).one_or_none()
    return _thread(vault, row, None) if row else None


def messages_of(
    session: Session, vault: Vault, company_id: UUID, thread_id: UUID, most: int = 200
) -> tuple[MessageRow, ...]:
    """Return the newest messages of a thread, oldest first."""
    rows = session.execute(
        select(*_COLUMNS)
        .join(TrackingNumber, _OF_NUMBER)
        .where(Message.company_id == company_id, Message.thread_id == thread_id)
        .order_by(Message.at.desc(), Message.id.desc())
        .limit(most)
    )
    found = [_row(vault, company_id, row) for row in rows]
    return tuple(reversed(found))


def messages_with(
    session: Session, vault: Vault, company_id: UUID, party_hashes: Collection[bytes]
) -> tuple[MessageRow, ...]:
    """Return the messages with these numbers (a person's), oldest first."""
    ids = session.scalars(
        select(MessageThread.id).where(
            MessageThread.company_id == company_id, MessageThread.party_hash.in_(list(party_hashes))
        )
    ).all()
    return tuple(_messages(session, vault, company_id, ids))


def message_of(session: Session, vault: Vault, company_id: UUID, message_id: UUID) -> MessageRow | None:
    """Return one message."""
    row = session.execute(
        select(*_COLUMNS)
        .join(TrackingNumber, _OF_NUMBER)
        .where(Message.company_id == company_id, Message.id == message_id)
    ).one_or_none()
    return _row(vault, company_id, row) if row else None


def unread(session: Session, company_id: UUID) -> int:
    """Count the messages nobody has looked at."""
    found = select(func.coalesce(func.sum(MessageThread.unread), 0)).where(
        MessageThread.company_id == company_id
    )
    return int(session.scalar(found) or 0)


def contacts(session: Session, company_id: UUID) -> dict[UUID, ContactRow]:
    """Return where the company's locations are written to, by location."""
    rows = session.scalars(select(LocationContact).where(LocationContact.company_id == company_id))
    return {row.location_id: ContactRow(row.location_id, row.email, row.mobile) for row in rows}


def _messages(
    session: Session, vault: Vault, company_id: UUID, ids: Collection[UUID], *, only_newest: bool = False
) -> list[MessageRow]:
    if not ids:
        return []
    query = (
        select(*_COLUMNS)
        .join(TrackingNumber, _OF_NUMBER)
        .where(Message.company_id == company_id, Message.thread_id.in_(list(ids)))
    )
    if only_newest:
        query = query.ext(distinct_on(Message.thread_id)).order_by(Message.thread_id, Message.at.desc())
    else:
        query = query.order_by(Message.at, Message.id).limit(500)
    return [_row(vault, company_id, row) for row in session.execute(query)]


def _row(vault: Vault, company_id: UUID, row: Any) -> MessageRow:
    values = dict(row._mapping)
    body = vault.open(company_id, TEXT_PLACE, bytes(values.pop("body")))
    return MessageRow(**values, text=body)


def _thread(vault: Vault, row: MessageThread, last: MessageRow | None) -> ThreadRow:
    party = vault.open(row.company_id, PARTY_PLACE, row.party)
    return ThreadRow(row.id, party, row.party_hash, row.last_at, row.unread, row.stopped_at, last)
