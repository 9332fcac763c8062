"""Erasing a person: asked for by an owner, done by a worker, finished when the carrier's copies are gone.

All rows change in one transaction, so nobody ever sees half a person; what lies at the carrier is asked for
until it answers that it has nothing any more.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text as SqlText
from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.carrier import carrier_for
from calltrack.attribution.erasing import erase_alone, erase_from_verdicts, erase_phones
from calltrack.audiences.service import erase_person as leave_audiences
from calltrack.audiences.service import lists_left
from calltrack.automations.follow_up import review_missed
from calltrack.calls.erasing import calls_of, make_nameless, recordings_left, unblock_erased
from calltrack.calls.model import Call
from calltrack.conversions.erasing import erase_outcomes
from calltrack.delivery.erasing import erase_deliveries
from calltrack.erasure.model import Erasure
from calltrack.infra.crypto import Vault
from calltrack.infra.log import log
from calltrack.journeys.erasing import erase_persons, erase_touchpoints, known_by
from calltrack.journeys.model import Person
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.errors import NotFound as NothingThere
from calltrack.kernel.ids import new_id
from calltrack.messages.erasing import erase_messages
from calltrack.numbers.counting import rename_holders
from calltrack.spend.clicks import erase_clicks
from calltrack.stages.making import make_journeys
from calltrack.telephony.carrier import Carrier, Refused, Retry
from calltrack.telephony.carrier import NotFound as GoneAtCarrier
from calltrack.visits.erasing import erase_typed, erase_visits
from calltrack.wiring import Services

PLACE: Final = "erasure.numbers"
LEASE: Final = timedelta(minutes=2)
AGAIN: Final = timedelta(seconds=20)
# The carrier may be out of reach for long; the row says so meanwhile.
LATER: Final = timedelta(minutes=15)
SOON_TRIES: Final = 6
AN_ID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True)
class Wanted:
    """Whom to erase: by number (E.164), by the call of theirs, by the person's id, or several of them."""

    number: str = ""
    call_id: UUID | None = None
    person_id: UUID | None = None


@dataclass(frozen=True)
class ErasureRow:
    """An erasure as pages and the API show it."""

    id: UUID
    asked_by: str
    asked_at: datetime
    state: str
    counts: dict[str, int]
    problem: str
    done_at: datetime | None


@dataclass(frozen=True)
class _Kept:
    """What an erasure needs to remember until it is done: sealed in its row."""

    numbers: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    persons: list[str] = field(default_factory=list)


def ask_to_erase(
    session: Session, vault: Vault, company_id: UUID, wanted: Wanted, now: datetime, *, by: str
) -> UUID:
    """Write down that a person is to be erased, and return the erasure's id; `erase_due` does it.

    Whoever is known under the number, or called with that call, is erased with all numbers and browsers that
    are known to be theirs. A call whose number was withheld is erased alone.

    Raises:
        NotFound: the company has no such call or person.
    """
    numbers, call_ids = {wanted.number} - {""}, []
    if wanted.person_id is not None and session.get(Person, (company_id, wanted.person_id)) is None:
        raise NotFound("There is no such person; it may be part of another one by now.")
    if wanted.call_id is not None:
        call = session.get(Call, (company_id, wanted.call_id))
        if call is None:
            raise NotFound("There is no such call.")
        call_ids = [call.id]
        if call.caller is not None:
            numbers.add(vault.open(company_id, "call.caller", call.caller))
    persons = [wanted.person_id.hex] if wanted.person_id is not None else []
    row = Erasure(
        company_id=company_id,
        id=new_id(now),
        asked_by=by,
        asked_at=now,
        numbers=_sealed(vault, company_id, _Kept(sorted(numbers), persons=persons)),
        call_ids=call_ids,
        due_at=now,
    )
    session.add(row)
    session.flush()
    audit.note(session, company_id, by, "person.erase", row.id.hex, now)
    return row.id


def companies_to_erase(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with erasures to go on with (system role)."""
    return list(system.scalars(select(Erasure.company_id).where(Erasure.due_at <= now).distinct()))


def erase_due(services: Services, company_id: UUID) -> int:
    """Go on with the company's due erasures; returns how many. Twice is harmless."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        claimed = session.execute(_CLAIM, {"company_id": company_id, "now": now, "lease": now + LEASE}).all()
    for row in claimed:
        try:
            if row.state == "asked":
                _erase_rows(services, company_id, row.id)
            _finish(services, company_id, row.id, row.tries)
        except Conflict as problem:
            _postpone(services, company_id, row.id, str(problem), row.tries)
    return len(claimed)


def erasures(session: Session, company_id: UUID, most: int = 50) -> tuple[ErasureRow, ...]:
    """Return the company's erasures, newest first."""
    rows = session.scalars(
        select(Erasure).where(Erasure.company_id == company_id).order_by(Erasure.id.desc()).limit(most)
    )
    return tuple(_shown(row) for row in rows)


def erasure(session: Session, company_id: UUID, erasure_id: UUID) -> ErasureRow:
    """Return one erasure; raises NotFound when the company has no such one."""
    row = session.get(Erasure, (company_id, erasure_id))
    if row is None:
        raise NotFound("There is no such erasure.")
    return _shown(row)


def _erase_rows(services: Services, company_id: UUID, erasure_id: UUID) -> None:
    """Take the person out of every table, in one transaction."""
    now, vault = services.clock(), services.vault
    with services.db.tenant(company_id) as session:
        row = session.get_one(Erasure, (company_id, erasure_id), with_for_update=True)
        kept = _opened(vault, row)
        erase_alone(session, company_id)
        known = known_by(session, vault, company_id, kept.numbers, [UUID(one) for one in kept.persons])
        hashes = [vault.look_up(company_id, number) for number in known.numbers]
        by = row.asked_by
        for person_id in known.person_ids:
            leave_audiences(session, company_id, person_id, now)
        touchpoints = erase_touchpoints(session, vault, company_id, known)
        erase_persons(session, company_id, known.person_ids)
        call_ids = sorted({*row.call_ids, *calls_of(session, company_id, hashes)})
        conversions = erase_outcomes(session, vault, company_id, known.numbers, call_ids)
        deliveries = erase_deliveries(session, company_id, conversions, now)
        messages = erase_messages(session, company_id, hashes)
        recordings = make_nameless(session, vault, company_id, call_ids, now, by=by)
        unblock_erased(session, vault, company_id, known.numbers, now, by=by)
        erase_from_verdicts(session, company_id, call_ids, known.visitor_ids)
        erase_phones(session, company_id, hashes)
        erase_clicks(session, company_id, known.visitor_ids)
        visits, instead = erase_visits(session, company_id, known.visitor_ids)
        rename_holders(session, company_id, instead)
        erase_typed(session, company_id, hashes)
        # Their journeys go with them; what is left of the visits is another, nameless browser's.
        anew = {*known.person_ids, *known.visitor_ids, *instead.values()}
        make_journeys(session, company_id, anew)
        review_missed(session, company_id, now)
        _forget_answers(session, company_id, known.numbers, call_ids)
        left = _Kept([], [sid for sid in messages if sid], [id_.hex for id_ in known.person_ids])
        row.call_ids, row.state = call_ids, "waiting"
        row.numbers = _sealed(vault, company_id, left)
        row.counts = {
            "calls": len(call_ids), "recordings": recordings, "messages": len(messages), "visits": visits,
            "deliveries": deliveries, "touchpoints": touchpoints,
        }  # fmt: skip
    for job in ("keep_recordings", "handle_facts"):
        services.nudges.wake(job, str(company_id))
    services.nudges.show(str(company_id))


def _finish(services: Services, company_id: UUID, erasure_id: UUID, tries: int) -> None:
    """Delete messages at the carrier, and see whether the recordings are gone; done when nothing is left."""
    with services.db.tenant(company_id) as session:
        row = session.get_one(Erasure, (company_id, erasure_id))
        kept = _opened(services.vault, row)
        try:
            carrier: Carrier | None = carrier_for(session, services.vault, services.carriers, company_id)
        except NothingThere:
            carrier = None
    problems = _delete_messages(carrier, kept.messages)
    with services.db.tenant(company_id) as session:
        row = session.get_one(Erasure, (company_id, erasure_id), with_for_update=True)
        problems += recordings_left(session, company_id, row.call_ids)
        if lists_left(session, company_id, [UUID(one) for one in kept.persons]):
            problems.append("An ad platform has not confirmed yet that the person left its list.")
        if not problems:
            now = services.clock()
            row.state, row.numbers, row.due_at, row.done_at, row.problem = "done", None, None, now, ""
            audit.note(session, company_id, row.asked_by, "person.erased", row.id.hex, now, **row.counts)
            return
    _postpone(services, company_id, erasure_id, f"{len(problems)} left. {problems[0]}", tries)


def _delete_messages(carrier: Carrier | None, sids: list[str]) -> list[str]:
    """Delete messages at the carrier; returns what is in the way, one sentence for each that is left."""
    if carrier is None:
        return ["No carrier is connected, so its messages are out of reach: connect it again." for _ in sids]
    problems = []
    for sid in sids:
        try:
            carrier.delete_message(sid)
        except GoneAtCarrier:
            continue
        except (Refused, Retry) as problem:
            log.warning("a message of an erased person is deleted later: %s", problem.words)
            problems.append(problem.words)
    return problems


def _postpone(services: Services, company_id: UUID, erasure_id: UUID, words: str, tries: int) -> None:
    with services.db.tenant(company_id) as session:
        row = session.get_one(Erasure, (company_id, erasure_id), with_for_update=True)
        row.problem = words
        row.due_at = services.clock() + (AGAIN if tries <= SOON_TRIES else LATER)


# The ids in an answer are looked for among the calls, not each of tens of thousands of calls in each answer.
_ANSWERS: Final = text(
    """
    DELETE FROM idempotency_key k WHERE k.company_id = :company_id AND (
        EXISTS (SELECT FROM unnest(:numbers) AS number WHERE strpos(CAST(k.answer AS text), number) > 0)
        OR EXISTS (SELECT FROM regexp_matches(CAST(k.answer AS text), :shape, 'g') AS named (id)
                   WHERE CAST(named.id[1] AS uuid) = ANY(:calls)))
    """
).bindparams(bindparam("numbers", type_=ARRAY(SqlText())), bindparam("calls", type_=ARRAY(Uuid())))


def _forget_answers(
    session: Session, company_id: UUID, numbers: Collection[str], call_ids: Collection[UUID]
) -> None:
    """Forget answers given under an Idempotency-Key that speak of the person."""
    asked = {"company_id": company_id, "numbers": list(numbers), "calls": list(call_ids), "shape": AN_ID}
    session.execute(_ANSWERS, asked)


def _sealed(vault: Vault, company_id: UUID, kept: _Kept) -> bytes:
    return vault.seal(company_id, PLACE, json.dumps(vars(kept)))


def _opened(vault: Vault, row: Erasure) -> _Kept:
    plain: dict[str, Any] = json.loads(vault.open(row.company_id, PLACE, row.numbers)) if row.numbers else {}
    return _Kept(**plain)


def _shown(row: Erasure) -> ErasureRow:
    return ErasureRow(row.id, row.asked_by, row.asked_at, row.state, row.counts, row.problem, row.done_at)


# The materialised list is read once; a plain IN (SELECT ... LIMIT) may be run again per row and take more.
_CLAIM = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT id FROM erasure WHERE company_id = :company_id AND due_at <= :now
        ORDER BY due_at LIMIT 5 FOR UPDATE SKIP LOCKED)
    UPDATE erasure e SET due_at = :lease, tries = e.tries + 1 FROM taken
    WHERE e.company_id = :company_id AND e.id = taken.id
    RETURNING e.id, e.state, e.tries
    """
)
