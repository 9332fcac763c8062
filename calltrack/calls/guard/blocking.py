"""The block list of a company: numbers and beginnings of numbers whose calls are refused."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.accounts.protection import protection_of
from calltrack.calls.guard.model import BlockedCaller
from calltrack.calls.guard.policy import LONGEST_NUMBER, SHORTEST_PREFIX, prefix_key
from calltrack.calls.guard.shared import report, take_back
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.phone import masked, to_e164

PLACE = "blocked_caller.caller"
MOST_ENTRIES, LONGEST_REASON = 5000, 200
PREFIX = re.compile(r"\+[1-9][0-9]{1,13}")


@dataclass(frozen=True)
class BlockedRow:
    """An entry as pages and the API show it; who may not see numbers gets them masked."""

    id: UUID
    kind: str
    caller: str
    reason: str
    added_by: str
    added_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True)
class NewEntry:
    """What shall be refused: a number in any notation, or a prefix that ends in an asterisk."""

    caller: str
    reason: str = ""
    expires_at: datetime | None = None


def block(session: Session, vault: Vault, company_id: UUID, new: NewEntry, now: datetime, *, by: str) -> UUID:
    """Put a number or prefix on the company's list; voice processes follow within 10 seconds.

    Raises:
        BadInput: it is no number, the prefix is too short, or the time is over already.
        Conflict: it stands on the list already, or the list is full.
    """
    company = session.get_one(Company, company_id)
    kind, caller = _read(new.caller, company.country)
    reason = " ".join(new.reason.split())
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise BadInput(f"A reason has at most {LONGEST_REASON} characters and no invisible ones.")
    if new.expires_at is not None and new.expires_at <= now:
        raise BadInput("The time until which the caller is refused lies in the past; choose a later one.")
    key = vault.look_up(company_id, prefix_key(caller) if kind == "prefix" else caller)
    _check_room(session, company_id, key, now)
    entry = BlockedCaller(
        company_id=company_id,
        id=new_id(now),
        kind=kind,
        caller=vault.seal(company_id, PLACE, caller),
        caller_hash=key,
        length=len(caller),
        reason=reason,
        added_by=by,
        added_at=now,
        expires_at=new.expires_at,
    )
    session.add(entry)
    session.flush()
    if kind == "number" and protection_of(company.settings).share:
        report(session, vault, company_id, caller, now)
    audit.note(session, company_id, by, "caller.block", _shown(kind, caller), now)
    return entry.id


def unblock(
    session: Session, vault: Vault, company_id: UUID, entry_id: UUID, now: datetime, *, by: str
) -> None:
    """Take an entry off the list; raises NotFound when the company has no such entry."""
    entry = session.get(BlockedCaller, (company_id, entry_id))
    if entry is None:
        raise NotFound("There is no such entry on the block list.")
    caller = vault.open(company_id, PLACE, entry.caller)
    if entry.kind == "number":
        take_back(session, vault, company_id, caller)
    session.delete(entry)
    audit.note(session, company_id, by, "caller.unblock", _shown(entry.kind, caller), now)


def is_entry(session: Session, company_id: UUID, entry_id: UUID) -> bool:
    """Tell whether the company has this entry."""
    return session.get(BlockedCaller, (company_id, entry_id)) is not None


def blocked_callers(
    session: Session, vault: Vault, company_id: UUID, *, sees_numbers: bool
) -> tuple[BlockedRow, ...]:
    """Return the whole list, newest first; entries that are over included."""
    rows = session.scalars(
        select(BlockedCaller)
        .where(BlockedCaller.company_id == company_id)
        .order_by(BlockedCaller.added_at.desc(), BlockedCaller.id.desc())
    )
    shown = []
    for row in rows:
        caller = vault.open(company_id, PLACE, row.caller)
        if row.kind == "prefix":
            caller += "*"
        elif not sees_numbers:
            caller = masked(caller)
        shown.append(
            BlockedRow(row.id, row.kind, caller, row.reason, row.added_by, row.added_at, row.expires_at)
        )
    return tuple(shown)


def listed(session: Session, vault: Vault, company_id: UUID, caller: str, at: datetime) -> bool:
    """Tell whether a caller stood on the company's list at a time."""
    lengths = range(SHORTEST_PREFIX, len(caller) + 1)
    keys = [vault.look_up(company_id, caller)]
    keys += [vault.look_up(company_id, prefix_key(caller[:length])) for length in lengths]
    return bool(
        session.scalar(
            select(BlockedCaller.id)
            .where(
                BlockedCaller.company_id == company_id,
                BlockedCaller.caller_hash.in_(keys),
                or_(BlockedCaller.expires_at.is_(None), BlockedCaller.expires_at > at),
            )
            .limit(1)
        )
    )


def _read(written: str, country: str) -> tuple[str, str]:
    """Return (kind, number or prefix)."""
    text = written.strip()
    if not text.endswith("*"):
        return "number", to_e164(text, country)
    prefix = re.sub(r"[ ().-]", "", text.rstrip("*"))
    if prefix.startswith("00"):
        prefix = "+" + prefix[2:]
    if not PREFIX.fullmatch(prefix) or not SHORTEST_PREFIX <= len(prefix) < LONGEST_NUMBER:
        raise BadInput("Write the beginning of numbers with its country code, such as +4479*.")
    return "prefix", prefix


def _check_room(session: Session, company_id: UUID, key: bytes, now: datetime) -> None:
    """Refuse a second entry for the same; one that is over makes room."""
    same = BlockedCaller.company_id == company_id, BlockedCaller.caller_hash == key
    session.execute(delete(BlockedCaller).where(*same, BlockedCaller.expires_at <= now))
    if session.scalar(select(BlockedCaller.id).where(*same)):
        raise Conflict("This stands on the block list already; take it off first to change it.")
    count = session.scalar(select(func.count()).where(BlockedCaller.company_id == company_id)) or 0
    if count >= MOST_ENTRIES:
        raise Conflict(f"The block list is full ({MOST_ENTRIES}); take old entries off, or use a prefix.")


def _shown(kind: str, caller: str) -> str:
    return f"{caller}*" if kind == "prefix" else masked(caller)
