"""The second net below the hooks: each account's own lists of calls and messages are read every five minutes.

The window reaches back a quarter of an hour before the last success, so that what the carrier lists late is
seen; what is stored already is recognised by its key. Nothing is held during a request to the carrier.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.carrier import carrier_for
from calltrack.calls.found import keep, look_up, new_events
from calltrack.calls.found_messages import keep_messages
from calltrack.calls.keeping_model import CarrierPoll
from calltrack.infra import outbox
from calltrack.infra.log import log
from calltrack.kernel.errors import NotFound as NothingThere
from calltrack.kernel.ids import first_id_of
from calltrack.telephony.carrier import Carrier, NotFound, Refused, Retry
from calltrack.telephony.carrier_calls import CarrierCall, CarrierRecording
from calltrack.wiring import Services

EVERY: Final = timedelta(minutes=5)
OVERLAP: Final = timedelta(minutes=15)
FIRST_LOOK: Final = timedelta(hours=24)
LEASE: Final = timedelta(minutes=3)
# Waiting after the n-th failure in a row; the last repeats.
SLOWER: Final = (timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20), timedelta(minutes=40))
REFUSED_WAIT: Final = timedelta(hours=1)
# A call whose beginning lies before the window is asked for by name, so many at most in one turn.
MOST_ASKED_FOR: Final = 20


@dataclass(frozen=True)
class Turn:
    """One account whose list is to be read now."""

    company_id: UUID
    account_id: UUID
    polled_until: datetime | None
    failures: int


_DUE = text(
    """
    SELECT a.company_id, a.id FROM carrier_account a
    LEFT JOIN carrier_poll p ON p.company_id = a.company_id AND p.account_id = a.id
    WHERE p.due_at <= :now OR p.due_at IS NULL AND a.id < :first
    ORDER BY a.company_id, a.id
    """
)


def accounts_to_poll(system: Session, now: datetime) -> list[tuple[UUID, UUID]]:
    """Name the accounts whose list was to be read at that moment (system role); a new one at once."""
    return [(row.company_id, row.id) for row in system.execute(_DUE, {"now": now, "first": first_id_of(now)})]


def poll(services: Services, company_id: UUID, account_id: UUID) -> int:
    """Read one account's list of calls and store what is missing; returns how many events were.

    Twice is harmless; a failure of the carrier is noted and the next turn comes later.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        turn = _claim(session, company_id, account_id, now)
        if turn is None:
            return 0
        try:
            carrier = carrier_for(session, services.vault, services.carriers, company_id)
        except NothingThere:
            return 0
    try:
        found = _read(services, carrier, turn, now)
    except Retry as problem:
        _failed(services, turn, problem.words, now, after=problem.after_seconds)
        return 0
    except (Refused, NotFound) as problem:
        _failed(services, turn, problem.words, now, refused=True)
        return 0
    _succeeded(services, turn, found, now)
    return found


def window_of(polled_until: datetime | None, now: datetime) -> datetime:
    """Return since when calls are asked for."""
    return now - FIRST_LOOK if polled_until is None else min(polled_until, now) - OVERLAP


def _read(services: Services, carrier: Carrier, turn: Turn, now: datetime) -> int:
    since = window_of(turn.polled_until, now)
    new = _read_calls(services, carrier, turn, since, now)
    messages = keep_messages(services, turn.company_id, carrier.list_messages(since), now)
    if messages:
        log.info("polling: %d messages of company %s came by the list only", messages, turn.company_id)
    return new + messages


def _read_calls(services: Services, carrier: Carrier, turn: Turn, since: datetime, now: datetime) -> int:
    records = list(carrier.list_calls(since))
    if not records:  # An idle account costs one page of calls and one of messages.
        return 0
    records += _callers_of(services, carrier, turn.company_id, records)
    recordings: list[CarrierRecording] = []
    if _ours(services, turn.company_id, records):
        recordings = list(carrier.list_recordings(since=since))
    with services.db.tenant(turn.company_id) as session:
        sids = {one.parent_sid or one.sid for one in records} | {one.call_sid for one in recordings}
        known = look_up(session, turn.company_id, sids, {one.to for one in records})
    events = new_events(turn.company_id, carrier.account_sid, records, recordings, known, now)
    new = keep(services, events)
    if new:
        log.info("polling: %d events of company %s came by the carrier's list only", new, turn.company_id)
    return new


def _callers_of(
    services: Services, carrier: Carrier, company_id: UUID, records: list[CarrierCall]
) -> list[CarrierCall]:
    """Ask for the callers' own legs that neither the list nor the database has: they began before it."""
    listed = {one.sid for one in records}
    wanted = {one.parent_sid for one in records if one.parent_sid} - listed
    if not wanted:
        return []
    with services.db.tenant(company_id) as session:
        known = look_up(session, company_id, wanted, ()).places
    found = []
    for sid in sorted(wanted - set(known))[:MOST_ASKED_FOR]:
        try:
            found.append(carrier.fetch_call(sid))
        except NotFound:
            continue
    return found


def _ours(services: Services, company_id: UUID, records: list[CarrierCall]) -> bool:
    """Whether any of the listed calls is one to a number of the company."""
    with services.db.tenant(company_id) as session:
        known = look_up(session, company_id, (), {one.to for one in records})
    return bool(known.numbers)


def _claim(session: Session, company_id: UUID, account_id: UUID, now: datetime) -> Turn | None:
    """Take the account for the length of a lease; None when somebody else has it, or it is not due."""
    session.execute(
        insert(CarrierPoll)
        .values(company_id=company_id, account_id=account_id, due_at=now)
        .on_conflict_do_nothing()
    )
    row = session.execute(
        update(CarrierPoll)
        .where(
            CarrierPoll.company_id == company_id,
            CarrierPoll.account_id == account_id,
            CarrierPoll.due_at <= now,
        )
        .values(due_at=now + LEASE)
        .returning(CarrierPoll.polled_until, CarrierPoll.failures)
    ).one_or_none()
    return Turn(company_id, account_id, row.polled_until, row.failures) if row else None


def _succeeded(services: Services, turn: Turn, found: int, now: datetime) -> None:
    _settle(
        services, turn, now,
        {"polled_until": now, "due_at": now + EVERY, "failures": 0, "problem": "", "is_refused": False,
         "found": CarrierPoll.found + found},
    )  # fmt: skip


def _failed(
    services: Services,
    turn: Turn,
    words: str,
    now: datetime,
    *,
    after: float | None = None,
    refused: bool = False,
) -> None:
    wait = REFUSED_WAIT if refused else SLOWER[min(turn.failures, len(SLOWER) - 1)]
    if after is not None:
        wait = max(wait, timedelta(seconds=after))
    log.warning("polling: company %s waits %s: %s", turn.company_id, wait, words)
    values = {"due_at": now + wait, "failures": turn.failures + 1, "problem": words, "is_refused": refused}
    _settle(services, turn, now, values)


def _settle(services: Services, turn: Turn, now: datetime, values: dict[str, Any]) -> None:
    """Write how it went; that it goes otherwise than before is a fact."""
    with services.db.tenant(turn.company_id) as session:
        row = session.scalars(
            select(CarrierPoll)
            .where(CarrierPoll.company_id == turn.company_id, CarrierPoll.account_id == turn.account_id)
            .with_for_update()
        ).one_or_none()
        if row is None:  # The account was taken away meanwhile.
            return
        before = (row.failures > 0, row.is_refused)
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
        if values["failures"] or before != (False, False):
            outbox.record(session, turn.company_id, "carrier.polled", turn.account_id, now)
    if values["failures"] or before != (False, False):
        services.nudges.wake("handle_facts", str(turn.company_id))
