"""Comparing all of a company's numbers with the carrier's list, and setting one right.

The list is read outside any transaction. A carrier that does not answer changes nothing: numbers are taken
from visitors only for what the carrier said, never for its silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.carrier import carrier_for
from calltrack.infra import outbox
from calltrack.kernel.errors import CalltrackError, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.numbers.application import keep_application
from calltrack.numbers.health import SUSPENDED, Finding, Wanted, findings, health_of, repair
from calltrack.numbers.model import TrackingNumber
from calltrack.numbers.order_model import NumberCheck
from calltrack.numbers.placing import in_use, settle_slot
from calltrack.numbers.wanted import WAITING, Kept, as_json, wanted_numbers
from calltrack.telephony.carrier import Application, Carrier, CarrierError, OwnedNumber, Refused
from calltrack.telephony.carrier import NotFound as Gone
from calltrack.wiring import Services

# What `check` says of an account that is suspended or closed; the second has no code of its own.
NOT_ACTIVE: Final = (20005, None)


@dataclass(frozen=True)
class Seen:
    """A number beside the carrier's record of it, and what is the matter with it; `owned` None: not there."""

    wanted: Wanted
    found: tuple[Finding, ...]
    owned: OwnedNumber | None


def companies_with_numbers(system: Session) -> list[UUID]:
    """Name the companies that have numbers in use (system role)."""
    rows = """
        SELECT c.id FROM company c CROSS JOIN LATERAL (
            SELECT FROM tracking_number n WHERE n.company_id = c.id AND n.released_at IS NULL LIMIT 1) used
        ORDER BY c.id
    """
    return list(system.scalars(text(rows)))


def check_numbers(services: Services, company_id: UUID) -> int:
    """Compare every number with the carrier's list; returns how many are not well."""
    with services.db.tenant(company_id) as session:
        kept = wanted_numbers(session, services.settings, company_id)
        if not kept:
            return 0
        try:
            carrier = carrier_for(session, services.vault, services.carriers, company_id)
        except NotFound as problem:
            _note_check(services, session, company_id, problem)
            return 0
    try:
        seen = compare(services, carrier, company_id, kept)
    except CarrierError as problem:
        with services.db.tenant(company_id) as session:
            _note_check(services, session, company_id, problem)
        services.nudges.wake("handle_facts", str(company_id))
        return 0
    return store(services, company_id, seen)


def repair_number(services: Services, company_id: UUID, number_id: UUID, *, by: str) -> tuple[Finding, ...]:
    """Set a number right at the carrier and return what is still the matter.

    Raises:
        CarrierError: the carrier does not answer, or says no.
        Conflict: there is nothing that could be set right from here.
        NotFound: the company has no such number in use, or no carrier.
    """
    with services.db.tenant(company_id) as session:
        number = in_use(session, company_id, number_id)
        kept = next(
            one for one in wanted_numbers(session, services.settings, company_id) if one.id == number.id
        )
        carrier = carrier_for(session, services.vault, services.carriers, company_id)
    wanted = _with_application(services, carrier, company_id, kept.wanted)
    owned = carrier.number_by_e164(wanted.e164)
    found = findings(wanted, owned, account_sid=carrier.account_sid)
    change = repair(wanted, found)
    if owned is not None and change is not None:
        owned = carrier.update_number(owned.sid, change)
        found = findings(wanted, owned, account_sid=carrier.account_sid)
    elif found:
        raise Conflict(found[0].words)
    now = services.clock()
    with services.db.tenant(company_id) as session:
        number = in_use(session, company_id, number_id)
        _apply(session, number, found, owned, now)
        audit.note(session, company_id, by, "number.repair", number.e164, now)
        outbox.record(session, company_id, "numbers.checked", number_id, now)
    services.nudges.wake("handle_facts", str(company_id))
    return found


def check_later(session: Session, company_id: UUID, number_id: UUID, words: str, now: datetime) -> None:
    """Keep a number from visitors until it leads here; the next check leads it here if nobody did before."""
    number = in_use(session, company_id, number_id)
    _apply(session, number, (Finding(WAITING, words),), None, now)


def compare(services: Services, carrier: Carrier, company_id: UUID, kept: list[Kept]) -> dict[UUID, Seen]:
    """Return how each number stands at the carrier; raises CarrierError."""
    try:
        carrier.check()
    except Refused as problem:
        if problem.code in NOT_ACTIVE:
            return {one.id: Seen(one.wanted, (SUSPENDED,), None) for one in kept}
        raise
    application_sid = None
    if any(one.wanted.hooks == "application" for one in kept):
        application_sid = _application(services, carrier, company_id).sid
    owned: Mapping[str, OwnedNumber] = {one.e164: one for one in carrier.list_numbers()}
    return {
        one.id: _judge(
            carrier,
            replace(one.wanted, application_sid=application_sid),
            owned.get(one.wanted.e164),
            may_lead=one.is_waiting,
        )
        for one in kept
        # What is given back may be gone at the carrier a moment before it is gone here.
        if not (one.is_leaving and one.wanted.e164 not in owned)
    }


def store(services: Services, company_id: UUID, seen: Mapping[UUID, Seen]) -> int:
    """Write down how numbers stand, and tell if that is anything new; returns how many are not well."""
    now, changed = services.clock(), False
    with services.db.tenant(company_id) as session:
        rows = session.scalars(
            select(TrackingNumber)
            .where(
                TrackingNumber.company_id == company_id,
                TrackingNumber.id.in_(seen),
                TrackingNumber.released_at.is_(None),
            )
            .order_by(TrackingNumber.id)
            .with_for_update()
        ).all()
        for number in rows:
            changed |= _apply(session, number, seen[number.id].found, seen[number.id].owned, now)
        changed |= _note_check(services, session, company_id, None)
        if changed:
            outbox.record(session, company_id, "numbers.checked", company_id, now)
    if changed:
        services.nudges.wake("handle_facts", str(company_id))
        services.nudges.show(str(company_id))
    return sum(1 for one in seen.values() if one.found)


def _judge(carrier: Carrier, wanted: Wanted, owned: OwnedNumber | None, *, may_lead: bool) -> Seen:
    """Return what is the matter with a number; one that was just taken in is led here first."""
    found = findings(wanted, owned, account_sid=carrier.account_sid)
    change = repair(wanted, found)
    if not may_lead or owned is None or change is None:
        return Seen(wanted, found, owned)
    try:
        owned = carrier.update_number(owned.sid, change)
    except (Refused, Gone):
        return Seen(wanted, found, owned)
    return Seen(wanted, findings(wanted, owned, account_sid=carrier.account_sid), owned)


def _apply(
    session: Session,
    number: TrackingNumber,
    found: tuple[Finding, ...],
    owned: OwnedNumber | None,
    now: datetime,
) -> bool:
    """Store what was found; tells whether it is anything new."""
    health, stored = health_of(found), as_json(found)
    is_new = (number.health, number.findings) != (health, stored)
    number.checked_at = now
    if owned is not None:
        number.carrier_number_id, number.type = owned.sid, owned.type or number.type
    if is_new:
        number.health, number.findings = health, stored
        session.flush()
        settle_slot(session, number, now)
    return is_new


def _note_check(
    services: Services, session: Session, company_id: UUID, problem: CalltrackError | None
) -> bool:
    """Write down how the look at the account went; a refusal that is new, or over, is a fact."""
    now = services.clock()
    session.execute(
        insert(NumberCheck).values(company_id=company_id, id=new_id(now)).on_conflict_do_nothing()
    )
    row = session.get_one(NumberCheck, company_id, with_for_update=True)
    before = (row.problem, row.is_refused)
    row.problem, row.is_refused = str(problem or ""), isinstance(problem, Refused)
    if problem is None:
        row.checked_at = now
    elif before != (row.problem, row.is_refused):
        outbox.record(session, company_id, "numbers.checked", row.id, now)
    return before != (row.problem, row.is_refused)


def _with_application(services: Services, carrier: Carrier, company_id: UUID, wanted: Wanted) -> Wanted:
    if wanted.hooks != "application":
        return wanted
    return replace(wanted, application_sid=_application(services, carrier, company_id).sid)


def _application(services: Services, carrier: Carrier, company_id: UUID) -> Application:
    """Find, correct or make the company's application; that somebody had changed it is written down."""
    application = keep_application(carrier, company_id, services.settings.base_url)
    if application.was is not None:
        with services.db.tenant(company_id) as session:
            audit.note(
                session, company_id, "calltrack", "application.corrected", application.name, services.clock(),
                voice_url=application.was.voice_url,
            )  # fmt: skip
    return application
