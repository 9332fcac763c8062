"""Reads what the verdict on a call rests on: the call, who was shown its number, what earlier calls said."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.accounts.rules import CompanySettings, settings_of
from calltrack.attribution.model import Attribution
from calltrack.attribution.verdict import CallFacts, Candidate, EarlierCall, Shown
from calltrack.calls.model import Call
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import first_id_of
from calltrack.numbers.model import Lease, TrackingNumber
from calltrack.visits.model import PageView, Visit

# Three hundred candidates are enough: three thousand changed no verdict.
MOST_LEASES = 300
CONTACT_PAGE = "contact|contatt|kontakt|contacto"
# How far back earlier calls tell who a visitor is.
KNOWN_FOR = timedelta(days=400)


@dataclass(frozen=True)
class Evidence:
    """All a verdict needs, as values."""

    call: CallFacts
    shown: tuple[Shown, ...]
    credit_probability: float


def load_call(session: Session, company_id: UUID, call_id: UUID) -> Call:
    """Return the call; raises NotFound when the company has none of that id."""
    call = session.get(Call, (company_id, call_id))
    if call is None:
        raise NotFound("There is no such call.")
    return call


def settings_for(session: Session, company_id: UUID) -> CompanySettings:
    """Return the company's limits."""
    return settings_of(session.scalars(select(Company.settings).where(Company.id == company_id)).one())


def load_evidence(session: Session, call: Call) -> Evidence:
    """Read everything that may say which visit made the call; the same facts give the same evidence."""
    limits = settings_for(session, call.company_id)
    number = session.get_one(TrackingNumber, (call.company_id, call.number_id))
    since = call.started_at - timedelta(days=limits.candidate_days)
    facts = CallFacts(
        started_at=call.started_at,
        number_kind=cast(Literal["pool", "overflow", "static"], number.kind),
        static_campaign=(number.source, number.medium, number.campaign),
        is_withheld=call.caller_hash is None,
        talk_seconds=call.talk_seconds,
        earlier=_earlier_call(session, call, since),
    )
    shown = () if number.kind == "static" else _shown(session, call, since)
    return Evidence(facts, shown, limits.credit_probability)


def later_calls(session: Session, call: Call) -> list[Call]:
    """Return the same caller's later calls, oldest first: their verdicts may rest on this one."""
    if call.caller_hash is None:
        return []
    rows = select(Call).where(
        Call.company_id == call.company_id,
        Call.caller_hash == call.caller_hash,
        Call.started_at > call.started_at,
        Call.started_at < call.started_at + KNOWN_FOR,
    )
    return list(session.scalars(rows.order_by(Call.started_at, Call.id)))


def _earlier_call(session: Session, call: Call, since: datetime) -> EarlierCall | None:
    if call.caller_hash is None:
        return None
    query = (
        select(Call.started_at, Attribution.candidates, Attribution.p_nobody)
        .join(Attribution, and_(Attribution.company_id == Call.company_id, Attribution.call_id == Call.id))
        .where(
            Call.company_id == call.company_id,
            Call.caller_hash == call.caller_hash,
            Call.number_id == call.number_id,
            Call.started_at < call.started_at,
            Call.started_at >= since,
            Attribution.is_current,
        )
        .order_by(Call.started_at.desc(), Call.id.desc())
        .limit(1)
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    candidates = tuple(Candidate.from_json(stored) for stored in row.candidates)
    return EarlierCall(started_at=row.started_at, candidates=candidates, p_nobody=row.p_nobody)


def _shown(session: Session, call: Call, since: datetime) -> tuple[Shown, ...]:
    leases = session.scalars(
        select(Lease)
        .where(
            Lease.company_id == call.company_id,
            Lease.number_id == call.number_id,
            Lease.shown_from.between(since, call.started_at),
        )
        .order_by(Lease.shown_from.desc(), Lease.id.desc())
        .limit(MOST_LEASES)
    ).all()
    ids = {lease.visit_id for lease in leases}
    rows = session.scalars(select(Visit).where(Visit.company_id == call.company_id, Visit.id.in_(ids)))
    visits = {visit.id: visit for visit in rows}
    pages = _pages(session, call, ids)
    known = _known_visitors(session, call, {visit.visitor_id for visit in visits.values()})
    # A lease without its visit belongs to a forgotten month: nothing can be credited to it.
    return tuple(
        _row(lease, visits[lease.visit_id], pages.get(lease.visit_id, (1, False)), known)
        for lease in leases
        if lease.visit_id in visits
    )


def _row(
    lease: Lease,
    visit: Visit,
    pages: tuple[int, bool],
    known: dict[UUID, Literal["caller", "somebody_else"]],
) -> Shown:
    return Shown(
        visit_id=visit.id,
        visitor_id=visit.visitor_id,
        visit_started_at=visit.started_at,
        shown_from=lease.shown_from,
        last_seen_at=lease.last_seen_at,
        tapped_at=lease.tapped_at,
        pages=pages[0],
        saw_contact_page=pages[1],
        is_overflow=lease.is_overflow,
        source=visit.source,
        medium=visit.medium,
        campaign=visit.campaign,
        known_as=known.get(visit.visitor_id),
    )


def _pages(session: Session, call: Call, visit_ids: set[UUID]) -> dict[UUID, tuple[int, bool]]:
    query = (
        select(PageView.visit_id, func.count(), func.bool_or(PageView.page.regexp_match(CONTACT_PAGE, "i")))
        .where(
            PageView.company_id == call.company_id,
            PageView.visit_id.in_(visit_ids),
            PageView.at <= call.started_at,
        )
        .group_by(PageView.visit_id)
    )
    return {visit_id: (count, contact) for visit_id, count, contact in session.execute(query)}


def _known_visitors(
    session: Session, call: Call, visitor_ids: set[UUID]
) -> dict[UUID, Literal["caller", "somebody_else"]]:
    """Tell whom earlier calls have shown visitors to be.

    It rests on earlier calls only, never on the persons this call itself was linked to: a verdict must not
    become its own evidence.
    """
    query = (
        select(Visit.visitor_id, func.bool_or(Call.caller_hash == call.caller_hash))
        .join(Attribution, and_(Attribution.company_id == Visit.company_id, Attribution.visit_id == Visit.id))
        .join(Call, and_(Call.company_id == Attribution.company_id, Call.id == Attribution.call_id))
        .where(
            Visit.company_id == call.company_id,
            Visit.visitor_id.in_(visitor_ids),
            Visit.id >= first_id_of(call.started_at - KNOWN_FOR),
            Attribution.is_current,
            Call.caller_hash.is_not(None),
            Call.started_at < call.started_at,
        )
        .group_by(Visit.visitor_id)
    )
    rows = session.execute(query).all()
    return {visitor: "caller" if is_caller else "somebody_else" for visitor, is_caller in rows}
