"""The inbox: outcomes that lead to no call yet, tried again when news fits, by the clock, or by hand."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.conversions.choosing import Choice
from calltrack.conversions.matching import keys_of, keys_of_call
from calltrack.conversions.rules import Via
from calltrack.conversions.sources_model import InboxKey, InboxRow, Subject
from calltrack.conversions.told import Told, from_json, to_json
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id

SEALED = "outcome_inbox.payload"
# How long after it was received an outcome is tried again by itself; later only news of a call or a person.
RETRIES = (
    timedelta(minutes=2), timedelta(minutes=30), timedelta(hours=4), timedelta(hours=24),
    timedelta(hours=48), timedelta(hours=72),
)  # fmt: skip
BATCH = 200
LONGEST_REASON = 300


@dataclass(frozen=True)
class Waiting:
    """A kept outcome, opened."""

    id: UUID
    told: Told
    told_by: str
    via: Via
    received_at: datetime


def keep(
    session: Session,
    vault: Vault,
    company_id: UUID,
    told: Told,
    reason: str,
    by: str,
    via: Via,
    said_at: datetime,
    now: datetime,
) -> UUID:
    """Keep an outcome with the reason why it leads to no call; the same thing said again is kept once."""
    subject, fingerprint = subject_of(vault, company_id, told), told.fingerprint
    newest = session.execute(_of_subject(company_id, subject)).first()
    if newest and newest.fingerprint == fingerprint and newest.state == "unmatched":
        tried(session, company_id, newest.id, reason, now)
        return cast(UUID, newest.id)
    id_ = new_id(now)
    session.execute(
        insert(InboxRow).values(
            company_id=company_id, id=id_, via=via, told_by=by, outcome=told.outcome, order_id=told.order_id,
            payload=vault.seal(company_id, SEALED, to_json(told)), fingerprint=fingerprint, subject=subject,
            received_at=said_at, state="unmatched", reason=reason, tried_at=now,
            due_at=_next_try(said_at, now),
        )
    )  # fmt: skip
    keys = [
        {"company_id": company_id, "key": key, "inbox_id": id_} for key in keys_of(vault, company_id, told)
    ]
    if keys:
        session.execute(insert(InboxKey), keys)
    return id_


def dismissed_before(session: Session, vault: Vault, company_id: UUID, told: Told) -> str:
    """Return why the same thing was dismissed when it was said last; nothing where it was not."""
    newest = session.execute(_of_subject(company_id, subject_of(vault, company_id, told))).first()
    if newest and newest.state == "dismissed" and newest.fingerprint == told.fingerprint:
        return cast(str, newest.reason)
    return ""


def waiting_for(session: Session, vault: Vault, company_id: UUID, told: Told) -> list[Waiting]:
    """Take the kept outcomes of the same order, which may count now."""
    key = vault.look_up(company_id, f"order:{told.order_id}")
    return _take(session, vault, company_id, InboxRow.id.in_(_with_keys(company_id, {key})))


def waiting_for_call(session: Session, vault: Vault, company_id: UUID, call_id: UUID) -> list[Waiting]:
    """Take the kept outcomes that share a clue with this call."""
    some = select(InboxRow.id).where(InboxRow.company_id == company_id, InboxRow.state == "unmatched")
    if session.execute(some.limit(1)).first() is None:
        return []
    keys = keys_of_call(session, vault, company_id, call_id)
    return _take(session, vault, company_id, InboxRow.id.in_(_with_keys(company_id, keys))) if keys else []


def waiting_and_due(session: Session, vault: Vault, company_id: UUID, now: datetime) -> list[Waiting]:
    """Take kept outcomes whose time to be tried again has come, the oldest first."""
    return _take(session, vault, company_id, InboxRow.due_at <= now)


def waiting_one(session: Session, vault: Vault, company_id: UUID, inbox_id: UUID) -> Waiting:
    """Take one kept outcome, a dismissed one too.

    Raises:
        NotFound: the company has none of this id.
        Conflict: it was matched already.
    """
    row = _locked(session, company_id, inbox_id)
    if row.state == "matched":
        raise Conflict("This outcome was matched already.")
    return _open(vault, row)


def tried(session: Session, company_id: UUID, inbox_id: UUID, reason: str, now: datetime) -> None:
    """Note a try that found no call, and when the next one is."""
    received = session.execute(
        select(InboxRow.received_at).where(InboxRow.company_id == company_id, InboxRow.id == inbox_id)
    ).scalar_one()
    values = {"reason": reason, "tried_at": now, "due_at": _next_try(received, now)}
    _change(session, company_id, inbox_id, tries=InboxRow.tries + 1, **values)


def matched(
    session: Session, company_id: UUID, inbox_id: UUID, choice: Choice, now: datetime, by: str = ""
) -> None:
    """Note the call that the outcome now counts for."""
    _change(
        session, company_id, inbox_id, state="matched", call_id=choice.call_id, reason=choice.reason,
        settled_at=now, settled_by=by, tried_at=now, due_at=None, tries=InboxRow.tries + 1,
    )  # fmt: skip
    session.execute(delete(InboxKey).where(InboxKey.company_id == company_id, InboxKey.inbox_id == inbox_id))


def dismiss(session: Session, company_id: UUID, inbox_id: UUID, reason: str, by: str, now: datetime) -> None:
    """Set an outcome aside for a stated reason; it stays listed, and is never tried again by itself.

    Raises:
        NotFound: the company has none of this id.
        BadInput: no reason was given.
        Conflict: it was matched already.
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise BadInput(f"Say in 1 to {LONGEST_REASON} characters why it is set aside.")
    if _locked(session, company_id, inbox_id).state == "matched":
        raise Conflict("This outcome was matched already; change the call's outcome on its page.")
    _change(
        session, company_id, inbox_id, state="dismissed", reason=reason, settled_at=now, settled_by=by,
        due_at=None,
    )  # fmt: skip
    audit.note(session, company_id, by, "outcome.dismiss", str(inbox_id), now, reason=reason)


def subject_of(vault: Vault, company_id: UUID, told: Told) -> bytes:
    """Return the keyed hash of what the outcome is about."""
    return vault.look_up(company_id, told.subject)


def note_told(session: Session, company_id: UUID, told: dict[bytes, bytes], now: datetime) -> None:
    """Remember of each subject the hash of what was said of it last."""
    if not told:
        return
    rows = [
        {"company_id": company_id, "subject": subject, "told": said, "changed_at": now}
        for subject, said in sorted(told.items())
    ]
    statement = upsert(Subject).values(rows)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["company_id", "subject"],
            set_={"told": statement.excluded.told, "changed_at": statement.excluded.changed_at},
        )
    )


def last_told(session: Session, company_id: UUID, subjects: Collection[bytes]) -> dict[bytes, bytes]:
    """Return the remembered hashes, but for subjects of which something still waits."""
    if not subjects:
        return {}
    mine = Subject.company_id == company_id
    rows = session.execute(select(Subject.subject, Subject.told).where(mine, Subject.subject.in_(subjects)))
    known = {row.subject: row.told for row in rows}
    waiting = set(
        session.scalars(
            select(InboxRow.subject).where(
                InboxRow.company_id == company_id,
                InboxRow.subject.in_(list(known)),
                InboxRow.state == "unmatched",
            )
        )
    )
    return {subject: told for subject, told in known.items() if subject not in waiting}


def companies_with_due_outcomes(system: Session, now: datetime) -> list[UUID]:
    """Name the companies that have kept outcomes to try again (the clock's question; system role)."""
    return list(system.scalars(select(InboxRow.company_id).where(InboxRow.due_at <= now).distinct()))


def _next_try(received: datetime, now: datetime) -> datetime | None:
    return next((received + step for step in RETRIES if received + step > now), None)


def _of_subject(company_id: UUID, subject: bytes) -> Select[UUID, bytes, str, str]:
    return (
        select(InboxRow.id, InboxRow.fingerprint, InboxRow.state, InboxRow.reason)
        .where(InboxRow.company_id == company_id, InboxRow.subject == subject)
        .order_by(InboxRow.id.desc())
        .limit(1)
    )


def _with_keys(company_id: UUID, keys: set[bytes]) -> Select[UUID]:
    return select(InboxKey.inbox_id).where(InboxKey.company_id == company_id, InboxKey.key.in_(keys))


def _take(session: Session, vault: Vault, company_id: UUID, which: ColumnElement[bool]) -> list[Waiting]:
    """Lock and open waiting rows; what another worker holds is left to it."""
    rows = session.scalars(
        select(InboxRow)
        .where(InboxRow.company_id == company_id, InboxRow.state == "unmatched", which)
        .order_by(InboxRow.received_at, InboxRow.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    return [_open(vault, row) for row in rows]


def _locked(session: Session, company_id: UUID, inbox_id: UUID) -> InboxRow:
    row = session.scalar(
        select(InboxRow).where(InboxRow.company_id == company_id, InboxRow.id == inbox_id).with_for_update()
    )
    if row is None:
        raise NotFound("There is no such outcome in the inbox.")
    return row


def _open(vault: Vault, row: InboxRow) -> Waiting:
    told = from_json(vault.open(row.company_id, SEALED, row.payload))
    return Waiting(row.id, told, row.told_by, cast(Via, row.via), row.received_at)


def _change(session: Session, company_id: UUID, inbox_id: UUID, **values: object) -> None:
    session.execute(
        update(InboxRow)
        .where(InboxRow.company_id == company_id, InboxRow.id == inbox_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def present(session: Session, company_id: UUID, inbox_id: UUID) -> None:
    """Hold an outcome until the transaction ends; raises NotFound when the company has none of this id."""
    _locked(session, company_id, inbox_id)
