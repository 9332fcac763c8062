"""Takes outcomes from outside: finds the call, lets it count, keeps what leads to no call.

Everything taken ends in one of: created, changed, unchanged, kept. The same order again restates its
purchase; it never makes a second one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.attribution.telling import hear_record
from calltrack.calls.model import Call
from calltrack.conversions import inbox
from calltrack.conversions.choosing import Choice
from calltrack.conversions.contacts import store_contact
from calltrack.conversions.matching import find_calls_of
from calltrack.conversions.model import Conversion
from calltrack.conversions.reading import Ways
from calltrack.conversions.rules import Outcome, Via
from calltrack.conversions.service import set_outcome
from calltrack.conversions.told import Told
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput, Conflict, NotFound

Verdict = Literal["created", "changed", "unchanged", "kept"]


@dataclass(frozen=True)
class Sender:
    """Who tells, in words for people, and through which door."""

    by: str
    via: Via


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of one outcome. `reason` says how the call was found, or why none was."""

    verdict: Verdict
    reason: str
    call_id: UUID | None = None
    conversion_ids: tuple[UUID, ...] = ()
    inbox_id: UUID | None = None


def take(
    session: Session,
    vault: Vault,
    company_id: UUID,
    told: Sequence[tuple[Told, datetime]],
    sender: Sender,
    now: datetime,
    *,
    dry: bool = False,
) -> list[Taken]:
    """Take outcomes, each with the moment it was said, in the given order; one result for each.

    With `dry` nothing is kept or changed, and the results are those of a real run.
    """
    zone = zone_of(session, company_id)
    choices = find_calls_of(session, vault, company_id, told, zone)
    placed: dict[str, UUID] = {}
    results = []
    for (one, said_at), found in zip(told, choices, strict=True):
        choice = found
        if one.order_id in placed:
            choice = Choice(placed[one.order_id], "the same order id")
        taken = _take_one(session, vault, company_id, one, said_at, choice, sender, now)
        if taken.call_id and one.order_id:
            placed[one.order_id] = taken.call_id
        results.append(taken)
    if not dry:
        for one, _ in told:
            if one.order_id in placed:
                retry(session, vault, company_id, inbox.waiting_for(session, vault, company_id, one), now)
    return results


def retry(
    session: Session, vault: Vault, company_id: UUID, rows: Sequence[inbox.Waiting], now: datetime
) -> int:
    """Try kept outcomes again, in the order they were received; returns how many found their call."""
    if not rows:
        return 0
    told = [(row.told, row.received_at) for row in rows]
    choices = find_calls_of(session, vault, company_id, told, zone_of(session, company_id))
    matched = 0
    for place, (row, choice) in enumerate(zip(rows, choices, strict=True)):
        if choice.call_id is None:
            inbox.tried(session, company_id, row.id, choice.reason, now)
            continue
        is_last = not any(later.told.subject == row.told.subject for later in rows[place + 1 :])
        matched += _settle(session, vault, company_id, row, choice, now, is_last=is_last)
    return matched


def _settle(
    session: Session,
    vault: Vault,
    company_id: UUID,
    row: inbox.Waiting,
    choice: Choice,
    now: datetime,
    *,
    is_last: bool,
) -> bool:
    """Let a kept outcome count for the call it now leads to; a refusal keeps it with its reason."""
    sender = Sender(row.told_by, row.via)
    # A cancellation that overtook its purchase was said of it: it holds after the purchase, not before.
    overtook = is_last and row.told.outcome in ("refund", "cancelled")
    said_at = max(now, row.received_at) if overtook else row.received_at
    applied = _apply(session, vault, company_id, row.told, said_at, choice, sender, now)
    if isinstance(applied, str):
        inbox.tried(session, company_id, row.id, applied, now)
        return False
    inbox.matched(session, company_id, row.id, choice, now)
    return True


def ways_of(session: Session, company_id: UUID) -> Ways:
    """Return how texts told to this company are read."""
    row = session.execute(
        select(Company.currency, Company.country, Company.timezone).where(Company.id == company_id)
    ).one()
    return Ways(currency=row.currency, country=row.country, zone=row.timezone)


def zone_of(session: Session, company_id: UUID) -> str:
    """Return the company's time zone."""
    return session.execute(select(Company.timezone).where(Company.id == company_id)).scalar_one()


def _take_one(
    session: Session,
    vault: Vault,
    company_id: UUID,
    told: Told,
    said_at: datetime,
    choice: Choice,
    sender: Sender,
    now: datetime,
) -> Taken:
    reason = choice.reason
    if choice.call_id is not None:
        applied = _apply(session, vault, company_id, told, said_at, choice, sender, now)
        if isinstance(applied, Taken):
            return applied
        reason = applied
    dismissed = inbox.dismissed_before(session, vault, company_id, told)
    if dismissed:
        return Taken(verdict="unchanged", reason=f"Dismissed before: {dismissed}")
    kept = inbox.keep(session, vault, company_id, told, reason, sender.by, sender.via, said_at, now)
    return Taken(verdict="kept", reason=reason, inbox_id=kept)


def _apply(
    session: Session,
    vault: Vault,
    company_id: UUID,
    told: Told,
    said_at: datetime,
    choice: Choice,
    sender: Sender,
    now: datetime,
) -> Taken | str:
    """Let the outcome count for the chosen call; returns what became of it, or why it was refused."""
    call_id = choice.call_id
    assert call_id is not None
    try:
        with session.begin_nested():
            outcome = _outcome(session, company_id, call_id, told, said_at, sender)
            changed = set_outcome(session, company_id, call_id, outcome, now)
            store_contact(session, vault, company_id, call_id, told.contact, now)
            if told.clues.phone and told.clues.clicks:
                phone, clicks = vault.look_up(company_id, told.clues.phone), told.clues.clicks.values()
                hear_record(session, company_id, call_id, clicks, phone, now)
            session.flush()
    except (BadInput, Conflict, NotFound) as problem:
        return f"Found by {choice.reason}, but: {problem}"
    except DataError:
        return f"Found by {choice.reason}, but it holds a character or a number that cannot be stored."
    return Taken(
        verdict=_verdict(session, company_id, changed),
        reason=choice.reason,
        call_id=call_id,
        conversion_ids=changed,
    )


def _verdict(session: Session, company_id: UUID, changed: tuple[UUID, ...]) -> Verdict:
    if not changed:
        return "unchanged"
    sequences = session.scalars(
        select(Conversion.sequence).where(Conversion.company_id == company_id, Conversion.id.in_(changed))
    )
    return "created" if 0 in set(sequences) else "changed"


def _outcome(
    session: Session, company_id: UUID, call_id: UUID, told: Told, said_at: datetime, sender: Sender
) -> Outcome:
    happened = told.occurred_at
    if happened is not None:
        began = session.execute(
            select(Call.started_at).where(Call.company_id == company_id, Call.id == call_id)
        ).scalar_one()
        # A day without a time stands at noon; what a call brought lies after the call and before it is told.
        happened = max(min(happened, said_at), began)
    has_value = told.value_minor is not None
    return Outcome(
        kind=told.outcome,
        by=sender.by,
        value_minor=told.value_minor if has_value else None,
        currency=told.currency if has_value else None,
        reason=told.reason,
        occurred_at=happened,
        external_id=told.order_id,
        via=sender.via,
        said_at=said_at,
        called_back_at=told.called_back_at if told.outcome in ("purchase", "lead") else None,
    )


def retry_for_call(session: Session, vault: Vault, company_id: UUID, call_id: UUID, now: datetime) -> int:
    """Try again what waits for a call like this one (it came late, or its visit is known now)."""
    return retry(session, vault, company_id, inbox.waiting_for_call(session, vault, company_id, call_id), now)


def retry_due(session: Session, vault: Vault, company_id: UUID, now: datetime) -> int:
    """Try again some of what is due; returns how many were tried (0: nothing is due any more)."""
    rows = inbox.waiting_and_due(session, vault, company_id, now)
    retry(session, vault, company_id, rows, now)
    return len(rows)


def match_by_hand(
    session: Session, vault: Vault, company_id: UUID, inbox_id: UUID, call_id: UUID, by: str, now: datetime
) -> None:
    """Let a kept outcome count for the call that a person chose.

    Raises:
        NotFound: the company has no such outcome or call.
        Conflict: it was matched already.
        BadInput: the outcome cannot count for this call; the text says why.
    """
    row = inbox.waiting_one(session, vault, company_id, inbox_id)
    if session.get(Call, (company_id, call_id)) is None:
        raise NotFound("There is no such call.")
    choice = Choice(call_id, f"chosen by {by}")
    applied = _apply(
        session, vault, company_id, row.told, row.received_at, choice, Sender(row.told_by, row.via), now
    )
    if isinstance(applied, str):
        raise BadInput(applied)
    inbox.matched(session, company_id, inbox_id, choice, now, by)
    audit.note(session, company_id, by, "outcome.match", str(inbox_id), now, call_id=str(call_id))
