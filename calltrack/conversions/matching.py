"""Finds the call an outcome is about, many outcomes with a few queries.

In this order: an order we know, an id of ours, a click id (case-exact) over its visit, the carrier's call id,
the caller's number and the time. The first clue that leads to calls decides.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions.choosing import WITHIN, Candidate, Choice, latest, nearest
from calltrack.conversions.model import Conversion
from calltrack.conversions.told import CLICK_IDS, Told
from calltrack.infra.crypto import Vault
from calltrack.journeys.model import PersonCaller, PersonVisitor
from calltrack.visits.model import Visit

# The told day may begin half a day before and end half a day after its noon.
DAY = WITHIN * 1.5

# A click is looked for among the visits that calls are attributed to: far fewer than all visits.
_BY_CLICK = text(
    """
    SELECT clicked.name, clicked.value, c.id, c.started_at, c.caller_hash
    FROM attribution a
    JOIN visit v ON v.company_id = a.company_id AND v.id = a.visit_id
    JOIN call c ON c.company_id = a.company_id AND c.id = a.call_id
    JOIN LATERAL jsonb_each_text(v.click_ids) AS clicked (name, value)
      ON clicked.name = ANY(:names) AND clicked.value = ANY(:values)
    WHERE a.company_id = :company_id AND a.is_current AND a.visit_id IS NOT NULL
    """
).bindparams(bindparam("names", type_=ARRAY(Text())), bindparam("values", type_=ARRAY(Text())))


@dataclass
class _Found:
    """The calls that the clues of a batch lead to, by clue."""

    orders: dict[str, UUID] = field(default_factory=dict)
    calls: dict[UUID, Candidate] = field(default_factory=dict)
    conversions: dict[UUID, Candidate] = field(default_factory=dict)
    persons: dict[UUID, list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    clicks: dict[tuple[str, str], list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    sids: dict[str, Candidate] = field(default_factory=dict)
    callers: dict[bytes, list[Candidate]] = field(default_factory=lambda: defaultdict(list))


def find_calls_of(
    session: Session, vault: Vault, company_id: UUID, told: Sequence[tuple[Told, datetime]], zone: str
) -> list[Choice]:
    """Return for each outcome (with the moment it was received) its call, or why none was chosen."""
    found = _look_up(session, vault, company_id, told)
    return [_choose(vault, company_id, found, one, received, zone) for one, received in told]


def keys_of(vault: Vault, company_id: UUID, told: Told) -> set[bytes]:
    """Return the keyed hashes under which news of a call finds this outcome."""
    clues = told.clues
    words = [f"call:{id_.hex}" for id_ in clues.ids]
    words += [f"{name}:{value}" for name, value in clues.clicks.items()]
    words += [f"sid:{clues.call_sid}"] if clues.call_sid else []
    words += [f"order:{told.order_id}"] if told.order_id else []
    keys = {vault.look_up(company_id, word) for word in words}
    return keys | ({vault.look_up(company_id, clues.phone)} if clues.phone else set())


def keys_of_call(session: Session, vault: Vault, company_id: UUID, call_id: UUID) -> set[bytes]:
    """Return the keyed hashes of all clues that lead to this call."""
    row = session.execute(
        select(Call.call_sid, Call.caller_hash, Visit.click_ids)
        .outerjoin(
            Attribution,
            and_(
                Attribution.company_id == Call.company_id,
                Attribution.call_id == Call.id,
                Attribution.is_current,
            ),
        )
        .outerjoin(Visit, and_(Visit.company_id == Attribution.company_id, Visit.id == Attribution.visit_id))
        .where(Call.company_id == company_id, Call.id == call_id)
    ).one_or_none()
    if row is None:
        return set()
    clicks = {name: value for name, value in (row.click_ids or {}).items() if name in CLICK_IDS}
    words = [f"call:{call_id.hex}", f"sid:{row.call_sid}", *(f"{name}:{v}" for name, v in clicks.items())]
    keys = {vault.look_up(company_id, word) for word in words}
    return keys | ({row.caller_hash} if row.caller_hash else set())


def _choose(
    vault: Vault, company_id: UUID, found: _Found, told: Told, received: datetime, zone: str
) -> Choice:
    clues, until = told.clues, told.occurred_at or received
    if told.occurred_day_only:
        until += WITHIN / 2
    if told.order_id in found.orders:
        return Choice(found.orders[told.order_id], "the same order id")
    choices: list[Choice] = []
    for id_ in clues.ids:
        if id_ in found.calls or id_ in found.conversions:
            one = found.calls.get(id_) or found.conversions[id_]
            return Choice(one.call_id, "call id" if id_ in found.calls else "conversion id")
        if id_ in found.persons:
            choices.append(_one_of(found.persons[id_], told, until, zone, "person id"))
    for name, value in clues.clicks.items():
        if (name, value) in found.clicks:
            choices.append(_one_of(found.clicks[(name, value)], told, until, zone, f"click id ({name})"))
    if clues.call_sid in found.sids:
        choices.append(Choice(found.sids[clues.call_sid].call_id, "the carrier's call id"))
    if clues.phone:
        at = clues.called_at or told.occurred_at or received
        day_only = clues.day_only if clues.called_at else told.occurred_day_only
        calls = found.callers[vault.look_up(company_id, clues.phone)]
        choices.append(nearest(calls, at, zone, day_only=day_only))
    chosen = next((one for one in choices if one.call_id), None)
    return chosen or Choice(
        None, " ".join([*_nowhere(found, told), *(one.reason for one in choices)]),
        any(one.ambiguous for one in choices),
    )  # fmt: skip


def _one_of(calls: list[Candidate], told: Told, until: datetime, zone: str, what: str) -> Choice:
    """Choose among the calls behind one clue: by the told time of the call, else the last one before."""
    if told.clues.called_at and len(calls) > 1:
        choice = nearest(calls, told.clues.called_at, zone, day_only=told.clues.day_only)
        return Choice(choice.call_id, f"{what}, {choice.reason}", choice.ambiguous)
    return latest(calls, until, zone, what)


def _nowhere(found: _Found, told: Told) -> list[str]:
    """Say of each clue that leads to no call that it does not."""
    clues, said = told.clues, []
    if [id_ for id_ in clues.ids if id_ not in found.persons]:
        said.append("No call, conversion or person has this id.")
    for name, value in clues.clicks.items():
        if (name, value) not in found.clicks:
            said.append(f"No call is attributed to a visit with this {name}.")
    if clues.call_sid and clues.call_sid not in found.sids:
        said.append("No call has this carrier's call id.")
    if told.order_id and not clues.any:
        said.append("No order of this id is known, and nothing else leads to a call.")
    return said


def _look_up(
    session: Session, vault: Vault, company_id: UUID, told: Sequence[tuple[Told, datetime]]
) -> _Found:
    found = _Found()
    orders = {one.order_id for one, _ in told if one.order_id}
    ids = {id_ for one, _ in told for id_ in one.clues.ids}
    clicks = {click for one, _ in told for click in one.clues.clicks.items()}
    sids = {one.clues.call_sid for one, _ in told if one.clues.call_sid}
    if orders:
        rows = session.execute(
            select(Conversion.external_id, Conversion.call_id).where(
                Conversion.company_id == company_id,
                Conversion.kind == "purchase",
                Conversion.external_id.in_(orders),
                Conversion.external_id != "",
            )
        )
        found.orders = {row.external_id: row.call_id for row in rows}
    if ids:
        _by_ids(session, company_id, ids, found)
    if clicks:
        names, values = {name for name, _ in clicks}, {value for _, value in clicks}
        asked = {"company_id": company_id, "names": list(names), "values": list(values)}
        for row in session.execute(_BY_CLICK, asked):
            found.clicks[(row.name, row.value)].append(_candidate(row))
    if sids:
        rows_of_sids = session.execute(
            select(Call.call_sid, *_CALL).where(Call.company_id == company_id, Call.call_sid.in_(sids))
        )
        found.sids = {row.call_sid: _candidate(row) for row in rows_of_sids}
    _by_callers(session, vault, company_id, told, found)
    return found


_CALL = (Call.id, Call.started_at, Call.caller_hash)


def _by_ids(session: Session, company_id: UUID, ids: set[UUID], found: _Found) -> None:
    mine = Call.company_id == company_id
    rows = session.execute(select(*_CALL).where(mine, Call.id.in_(ids)))
    found.calls = {row.id: _candidate(row) for row in rows}
    of_conversion = and_(Conversion.company_id == Call.company_id, Conversion.call_id == Call.id)
    rows_of_conversions = session.execute(
        select(Conversion.id.label("asked"), *_CALL)
        .join(Call, of_conversion)
        .where(mine, Conversion.id.in_(ids))
    )
    found.conversions = {row.asked: _candidate(row) for row in rows_of_conversions}
    rest = ids - set(found.calls) - set(found.conversions)
    if not rest:
        return
    callers = and_(PersonCaller.company_id == Call.company_id, PersonCaller.caller_hash == Call.caller_hash)
    through_callers = (
        select(PersonCaller.person_id, *_CALL)
        .join(PersonCaller, callers)
        .where(mine, PersonCaller.person_id.in_(rest))
    )
    judged = and_(
        Attribution.company_id == Call.company_id, Attribution.call_id == Call.id, Attribution.is_current
    )
    visited = and_(Visit.company_id == Attribution.company_id, Visit.id == Attribution.visit_id)
    known = and_(PersonVisitor.company_id == Visit.company_id, PersonVisitor.visitor_id == Visit.visitor_id)
    through_visits = (
        select(PersonVisitor.person_id, *_CALL)
        .join(Attribution, judged)
        .join(Visit, visited)
        .join(PersonVisitor, known)
        .where(mine, PersonVisitor.person_id.in_(rest))
    )
    seen: set[tuple[UUID, UUID]] = set()
    for query in (through_callers, through_visits):
        for row in session.execute(query):
            if (row.person_id, row.id) not in seen:
                seen.add((row.person_id, row.id))
                # One person may call from several phones: to the choice they are one caller.
                found.persons[row.person_id].append(Candidate(row.id, row.started_at, row.person_id.bytes))


def _by_callers(
    session: Session, vault: Vault, company_id: UUID, told: Sequence[tuple[Told, datetime]], found: _Found
) -> None:
    spans: dict[bytes, list[datetime]] = defaultdict(list)
    for one, received in told:
        if one.clues.phone:
            at = one.clues.called_at or one.occurred_at or received
            spans[vault.look_up(company_id, one.clues.phone)].append(at)
    if not spans:
        return
    wanted = [
        and_(
            Call.caller_hash == caller,
            Call.started_at >= min(times) - DAY,
            Call.started_at <= max(times) + DAY,
        )
        for caller, times in spans.items()
    ]
    for row in session.execute(select(*_CALL).where(Call.company_id == company_id, or_(*wanted))):
        found.callers[row.caller_hash].append(_candidate(row))


def _candidate(row: Any) -> Candidate:
    return Candidate(row.id, row.started_at, row.caller_hash)
