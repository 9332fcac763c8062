"""Messages: received once, written by people and by rules, stopped when somebody asks for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.calls.model import Call
from calltrack.calls.outbound.reports import Heard, report_of
from calltrack.infra import outbox
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import words_of
from calltrack.kernel.phone import kind_of
from calltrack.kernel.text import as_written
from calltrack.messages.model import Message, MessageThread
from calltrack.messages.rules import LONGEST, after_report, reason_of, wish
from calltrack.numbers.model import TrackingNumber
from calltrack.numbers.uses import origin_of
from calltrack.wiring import Services

PARTY_PLACE: Final = "message_thread.party"
TEXT_PLACE: Final = "message.body"
# How long after its last sign of life a visit may still have sent a message.
SHOWN_WITHIN: Final = timedelta(hours=1)
STOPPED: Final = "This person asked for no more messages (STOP). They can take it back by writing START."


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A message to send. once: it is never made twice under this name; until: not sent after this moment."""

    kind: str
    to: str
    number_id: UUID
    text: str
    by: str
    call_id: UUID | None = None
    once: str | None = None
    until: datetime | None = None


def thread_of(session: Session, vault: Vault, company_id: UUID, e164: str, now: datetime) -> MessageThread:
    """Return the thread with a number, locked until the transaction ends; the first time it is made."""
    hash_ = vault.look_up(company_id, e164)
    session.execute(
        insert(MessageThread)
        .values(
            company_id=company_id,
            id=new_id(now),
            party=vault.seal(company_id, PARTY_PLACE, e164),
            party_hash=hash_,
            last_at=now,
        )
        .on_conflict_do_nothing(index_elements=["company_id", "party_hash"])
    )
    return session.scalars(
        select(MessageThread)
        .where(MessageThread.company_id == company_id, MessageThread.party_hash == hash_)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def queue(session: Session, vault: Vault, company_id: UUID, draft: Draft, now: datetime) -> UUID | None:
    """Write down a message that is to be sent, and return its id; None: it was written down before.

    Whoever is told by a rule and asked for no messages gets none: the caller looks at `stopped_at` first.
    """
    thread = thread_of(session, vault, company_id, draft.to, now)
    row = insert(Message).values(
        company_id=company_id,
        id=new_id(now),
        thread_id=thread.id,
        number_id=draft.number_id,
        kind=draft.kind,
        body=vault.seal(company_id, TEXT_PLACE, draft.text),
        at=now,
        written_by=draft.by,
        state="due",
        once=draft.once,
        call_id=draft.call_id,
        due_at=now,
        until=draft.until,
        changed_at=now,
    )
    made = session.scalar(row.on_conflict_do_nothing().returning(Message.id))
    if made is not None:
        thread.last_at = now
        session.flush()
    return made


def answer(
    session: Session, vault: Vault, company_id: UUID, thread_id: UUID, words: str, now: datetime, *, by: str
) -> UUID:
    """Write an answer in a thread, from the number its last message went to or came from; returns its id.

    Raises:
        BadInput: the text is empty or too long.
        Conflict: the person asked for no messages; or no number of the company is left that they know.
        NotFound: the company has no such thread.
    """
    thread = session.get(MessageThread, (company_id, thread_id))
    if thread is None:
        raise NotFound("There is no such thread of messages.")
    number_id = session.scalar(
        select(Message.number_id)
        .join(
            TrackingNumber,
            (TrackingNumber.company_id == Message.company_id) & (TrackingNumber.id == Message.number_id),
        )
        .where(
            Message.company_id == company_id,
            Message.thread_id == thread_id,
            TrackingNumber.released_at.is_(None),
        )
        .order_by(Message.at.desc(), Message.id.desc())
        .limit(1)
    )
    if number_id is None:
        raise Conflict("The number they wrote to was given back; ring them instead.")
    to = vault.open(company_id, PARTY_PLACE, thread.party)
    return _write(session, vault, company_id, to, number_id, words, now, by=by)


def write_to_caller(
    session: Session, vault: Vault, company_id: UUID, call_id: UUID, words: str, now: datetime, *, by: str
) -> UUID:
    """Write to the caller of a call, from the number they dialled; returns the message's id.

    Raises:
        BadInput: the text is empty or too long.
        Conflict: the number was withheld, or given back, or is a landline that never wrote, or the person
            asked for no messages.
        NotFound: the company has no such call.
    """
    call = session.get(Call, (company_id, call_id))
    if call is None:
        raise NotFound("There is no such call.")
    number = session.get(TrackingNumber, (company_id, call.number_id))
    if call.caller is None or number is None or number.released_at is not None:
        raise Conflict("The caller withheld the number, or the number they dialled was given back.")
    to = vault.open(company_id, "call.caller", call.caller)
    if _is_landline(session, company_id, call.caller_hash, to):
        raise Conflict("The caller's line is a landline, which takes no text messages; ring back instead.")
    return _write(session, vault, company_id, to, call.number_id, words, now, by=by, call_id=call_id)


def _is_landline(session: Session, company_id: UUID, caller_hash: bytes | None, e164: str) -> bool:
    """Tell whether plan or carrier call it a landline; who wrote from it before can read an answer."""
    thread = session.scalar(
        select(MessageThread).where(
            MessageThread.company_id == company_id, MessageThread.party_hash == caller_hash
        )
    )
    if kind_of(e164) != "fixed_line" and (thread is None or thread.line_type != "landline"):
        return False
    wrote = select(Message.id).where(
        Message.company_id == company_id,
        Message.thread_id == (thread.id if thread else None),
        Message.kind == "received",
    )
    return session.scalar(wrote.limit(1)) is None


def read_thread(session: Session, company_id: UUID, thread_id: UUID) -> None:
    """Note that somebody looked at a thread: nothing in it is unread any more."""
    row = session.get(MessageThread, (company_id, thread_id))
    if row is not None and row.unread:
        row.unread = 0


def hear(services: Services, company_id: UUID, report_id: UUID) -> None:
    """Take in what the carrier told of messages: a received one, or how far one of ours has come."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        told = report_of(session, services.vault, company_id, report_id)
        if told is None or told.kind != "message":
            return
        if told.about is not None:
            _follow(session, company_id, told, now)
        elif told.fields.get("from_"):
            _receive(session, services.vault, company_id, told, now)
    services.nudges.wake("handle_facts", str(company_id))
    services.nudges.show(str(company_id))


def _receive(session: Session, vault: Vault, company_id: UUID, told: Heard, now: datetime) -> None:
    fields = told.fields
    thread = thread_of(session, vault, company_id, fields["from_"], now)
    origin = _origin(session, company_id, told.number_id, told.received_at)
    row = insert(Message).values(
        company_id=company_id,
        id=new_id(told.received_at),
        thread_id=thread.id,
        number_id=told.number_id,
        kind="received",
        body=vault.seal(company_id, TEXT_PLACE, fields["text"]),
        at=told.received_at,
        written_by="",
        state="received",
        sid=fields["sid"],
        media=fields["media"],
        changed_at=now,
        **origin,
    )
    made = session.scalar(row.on_conflict_do_nothing().returning(Message.id))
    if made is None:
        return
    thread.unread += 1
    thread.last_at = max(thread.last_at, told.received_at)
    asked = wish(fields["text"], fields["opt_out"])
    if asked == "stop" and thread.stopped_at is None:
        thread.stopped_at = told.received_at
        audit.note(session, company_id, "the person (STOP)", "messages.stop", thread.id.hex, now)
    elif asked == "start" and thread.stopped_at is not None and thread.stopped_at <= told.received_at:
        thread.stopped_at = None
        audit.note(session, company_id, "the person (START)", "messages.start", thread.id.hex, now)
    session.flush()
    outbox.record(session, company_id, "message.received", made, now)


def _follow(session: Session, company_id: UUID, told: Heard, now: datetime) -> None:
    row = session.get(Message, (company_id, told.about), with_for_update=True)
    if row is None or row.state == "received":
        return
    state = after_report(row.state, told.fields["status"])
    row.sid = row.sid or told.fields["sid"]
    if state == row.state:
        return
    row.state, row.changed_at = state, now
    row.due_at = None
    row.sent_at = row.sent_at or told.received_at
    code = told.fields.get("error_code")
    if state in ("undelivered", "failed"):
        row.error_code, row.problem = code, reason_of(code) or "The carrier could not deliver it."
    else:
        row.error_code, row.problem = None, ""


def _write(
    session: Session, vault: Vault, company_id: UUID, to: str, number_id: UUID, words: str, now: datetime,
    *, by: str, call_id: UUID | None = None,
) -> UUID:  # fmt: skip
    kept = as_written(words)
    if not 1 <= len(kept) <= LONGEST:
        raise BadInput(f"A message has 1 to {LONGEST} characters.")
    if thread_of(session, vault, company_id, to, now).stopped_at is not None:
        raise Conflict(STOPPED)
    draft = Draft(kind="answer", to=to, number_id=number_id, text=kept, by=by, call_id=call_id)
    made = queue(session, vault, company_id, draft, now)
    assert made is not None, "without a name of its own a message is always new"
    audit.note(session, company_id, by, "message.write", made.hex, now)
    return made


def _origin(session: Session, company_id: UUID, number_id: UUID, at: datetime) -> dict[str, Any]:
    """Return the visit that was shown the number, as with a call; a static number says it by itself."""
    number = session.get(TrackingNumber, (company_id, number_id))
    if number is None or number.kind == "static":
        told = words_of(origin_of(number.source, number.medium, number.campaign) if number else "")
        return {"source": told[0], "medium": told[1], "campaign": told[2]}
    row = session.execute(
        _SHOWN_TO,
        {"company_id": company_id, "number_id": number_id, "at": at, "since": at - SHOWN_WITHIN},
    ).one_or_none()
    if row is None:
        return {}
    return {"visit_id": row.id, "source": row.source, "medium": row.medium, "campaign": row.campaign}


_SHOWN_TO = text(
    """
    SELECT v.id, v.source, v.medium, v.campaign
    FROM lease l JOIN visit v ON v.company_id = l.company_id AND v.id = l.visit_id
    WHERE l.company_id = :company_id AND l.number_id = :number_id AND NOT l.is_overflow
      AND l.shown_from <= :at AND l.shown_until >= :since
    ORDER BY l.shown_from DESC LIMIT 1
    """
)
