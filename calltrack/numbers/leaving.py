"""Giving a number back to the carrier: at once and for good there, so it is asked for and waits a while here.

Until then it is answered and shown to nobody, and can be kept after all.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.carrier import carrier_for
from calltrack.infra import outbox
from calltrack.kernel.errors import BadInput, CalltrackError, Conflict
from calltrack.kernel.phone import pretty, to_e164
from calltrack.numbers.model import TrackingNumber
from calltrack.numbers.placing import end_leases, in_use, settle_slot
from calltrack.numbers.print_hints import Evidence, Rang, evidence
from calltrack.numbers.printed import printed_numbers
from calltrack.numbers.service import release_number
from calltrack.telephony.carrier import CarrierError, NotFound, Refused, Retry
from calltrack.wiring import Services

WAITS: Final = (0, 1, 7, 30, 90)
USUAL_WAIT: Final = 1
# A number that is still called waits so long, unless somebody insists.
STILL_CALLED_WAIT: Final = 30
RETRY: Final = timedelta(minutes=1)
REFUSED_RETRY: Final = timedelta(hours=1)
LOOK_BACK: Final = timedelta(days=365)


@dataclass(frozen=True)
class Warnings:
    """What speaks against giving a number back, each in a sentence; `wait_days` is what we advise."""

    sentences: tuple[str, ...]
    evidence: Evidence
    wait_days: int


def warnings_of(session: Session, company_id: UUID, number_id: UUID, now: datetime) -> Warnings:
    """Look for signs that people still have the number.

    Raises:
        NotFound: the company has no such number in use.
    """
    number = in_use(session, company_id, number_id)
    calls = _calls(session, company_id, number_id, now)
    hints = evidence([]) if number.kind == "static" else evidence(calls)
    recent = [call for call in calls if call.at > now - timedelta(days=STILL_CALLED_WAIT)]
    said = []
    if number.kind == "static":
        said.append(f"It stands for {number.source}: wherever that is printed or shown, people still see it.")
    if hints.strength != "none":
        said.append(hints.words)
    said += [one.words for one in printed_numbers(session, company_id, now, number_id) if one.pages]
    if recent:
        times = "once" if len(recent) == 1 else f"{len(recent)} times"
        said.append(f"It rang {times} in the last {STILL_CALLED_WAIT} days.")
    return Warnings(tuple(said), hints, STILL_CALLED_WAIT if said else USUAL_WAIT)


def ask_to_leave(
    session: Session,
    company_id: UUID,
    number_id: UUID,
    typed: str,
    country: str,
    days: int,
    now: datetime,
    *,
    by: str,
    despite_warnings: bool = False,
) -> datetime:
    """Let a number be given back in so many days; returns when. It is shown to nobody from now on.

    Raises:
        BadInput: the typed number is another one, or nobody waits so many days.
        Conflict: something speaks against it and nobody insisted.
        NotFound: the company has no such number in use.
    """
    number = in_use(session, company_id, number_id)
    if days not in WAITS:
        raise BadInput(f"Wait {', '.join(map(str, WAITS))} days.")
    if not _is_typed(number.e164, typed, country):
        raise BadInput(f"Type the number itself to confirm: {pretty(number.e164)}.")
    against = warnings_of(session, company_id, number_id, now)
    if against.sentences and days < against.wait_days and not despite_warnings:
        raise Conflict(
            " ".join(against.sentences)
            + f" Wait {against.wait_days} days, or confirm that you want it all the same."
        )
    number.leave_at, number.leave_by, number.leave_said = now + timedelta(days=days), by, ""
    session.flush()
    settle_slot(session, number, now)
    end_leases(session, number, now)
    audit.note(session, company_id, by, "number.leave", number.e164, now, days=days)
    return number.leave_at


def keep_after_all(session: Session, company_id: UUID, number_id: UUID, now: datetime, *, by: str) -> None:
    """Do not give a number back; visitors are shown it again.

    Raises:
        Conflict: it is not about to be given back, or that has begun.
        NotFound: the company has no such number in use.
    """
    number = in_use(session, company_id, number_id)
    if number.leave_at is None:
        raise Conflict("This number is not about to be given back.")
    if number.leave_at <= now:
        raise Conflict("This number is being given back right now; look again in a minute.")
    number.leave_at, number.leave_by, number.leave_said = None, "", ""
    session.flush()
    settle_slot(session, number, now)
    audit.note(session, company_id, by, "number.keep", number.e164, now)


def companies_with_leaving(system: Session, now: datetime) -> list[UUID]:
    """Name the companies that have numbers to give back now (system role)."""
    rows = text(
        "SELECT DISTINCT company_id FROM tracking_number "
        "WHERE leave_at <= :now AND released_at IS NULL ORDER BY company_id"
    )
    return list(system.scalars(rows, {"now": now}))


def leave_due(services: Services, company_id: UUID) -> int:
    """Give back what is due; returns how many numbers are gone. Twice is harmless: gone is gone."""
    gone = 0
    with services.db.tenant(company_id) as session:
        rows = session.execute(_DUE, {"company_id": company_id, "now": services.clock()}).all()
    for row in rows:
        gone += _leave(services, company_id, row.id, row.e164, row.leave_by)
    return gone


def _is_typed(e164: str, typed: str, country: str) -> bool:
    try:
        return to_e164(typed, country) == e164
    except BadInput:
        return False


def _leave(services: Services, company_id: UUID, number_id: UUID, e164: str, by: str) -> bool:
    try:
        with services.db.tenant(company_id) as session:
            carrier = carrier_for(session, services.vault, services.carriers, company_id)
        # Asked by the number itself: an id that was stored long ago could be another number's by now.
        owned = carrier.number_by_e164(e164)
        if owned is not None:
            carrier.release_number(owned.sid)
    except NotFound:
        pass  # Somebody, or our own lost try, gave it back already.
    except CalltrackError as problem:
        _wait(services, company_id, number_id, problem)
        return False
    now = services.clock()
    with services.db.tenant(company_id) as session:
        number = in_use(session, company_id, number_id)
        release_number(session, company_id, number_id, now, by=by)
        audit.note(session, company_id, by, "number.given_back", number.e164, now)
        outbox.record(session, company_id, "numbers.checked", number_id, now)
    services.nudges.wake("handle_facts", str(company_id))
    return True


def _wait(services: Services, company_id: UUID, number_id: UUID, problem: CalltrackError) -> None:
    now = services.clock()
    wait = REFUSED_RETRY if isinstance(problem, Refused) else RETRY
    if isinstance(problem, Retry) and problem.after_seconds:
        wait = max(wait, timedelta(seconds=problem.after_seconds))
    with services.db.tenant(company_id) as session:
        number = session.get(TrackingNumber, (company_id, number_id), with_for_update=True)
        if number is not None and number.released_at is None and number.leave_at is not None:
            number.leave_at = now + wait
            number.leave_said = problem.words if isinstance(problem, CarrierError) else str(problem)


def _calls(session: Session, company_id: UUID, number_id: UUID, now: datetime) -> list[Rang]:
    rows = session.execute(
        _CALLS, {"company_id": company_id, "number_id": number_id, "since": now - LOOK_BACK}
    )
    return [Rang(row.started_at, bytes(row.caller) if row.caller else None, row.shown_until) for row in rows]


_DUE = text(
    """
    SELECT id, e164, leave_by FROM tracking_number
    WHERE company_id = :company_id AND leave_at <= :now AND released_at IS NULL ORDER BY leave_at, id
    """
)
# Each call, and until when anybody was last shown the number before it.
_CALLS = text(
    """
    SELECT c.started_at, c.caller_hash AS caller,
           (SELECT max(e.shown_until) FROM (
                SELECT shown_until FROM lease
                WHERE company_id = c.company_id AND number_id = c.number_id AND shown_from <= c.started_at
                ORDER BY shown_from DESC LIMIT 20) e) AS shown_until
    FROM call c
    WHERE c.company_id = :company_id AND c.number_id = :number_id AND c.started_at >= :since
      AND NOT EXISTS (SELECT FROM call_spam s
                      WHERE s.company_id = c.company_id AND s.call_id = c.id AND s.mark <> 'clean')
    ORDER BY c.started_at DESC LIMIT 500
    """
)
