"""Keeps whose phone is whose, as forms, customer records and judged calls tell it; read at each call.

The same rule as `acquaintances.py`, which learning and replay grow in memory: of all that was told the surest
counts.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary, Text

from calltrack.attribution.acquaintances import BY_FORM, REMEMBERED_FROM
from calltrack.attribution.link_model import KnownPhone, KnownPhonesDay, PhoneLink
from calltrack.calls.model import Call
from calltrack.infra.rows import hidden

# So many earlier calls of one caller are counted, for the words of a reason.
MOST_COUNTED = 100

_OF_VISITORS = text(
    """
    SELECT encode(uuid_send(l.visitor_id), 'hex') AS visitor,
           max(l.p) FILTER (WHERE l.caller_hash = :caller) AS linked,
           max(l.p) FILTER (WHERE l.caller_hash <> :caller) AS taken,
           bool_or(l.kind = 'form' AND l.caller_hash = :caller) AS typed
    FROM phone_link l
    WHERE l.company_id = (SELECT CAST(:company_id AS uuid)) AND l.visitor_id = ANY(CAST(:visitors AS uuid[]))
      AND l.known_from < :at
    GROUP BY l.visitor_id
    """
).bindparams(bindparam("visitors", type_=ARRAY(Text())), bindparam("caller", type_=LargeBinary()))

# A phone is known from the first call or form on. `LIMIT`: nobody needs to know of more than a hundred.
OF_CALLER = """
    SELECT EXISTS (SELECT FROM phone_link l
                   WHERE l.company_id = (SELECT CAST(:company_id AS uuid)) AND l.caller_hash = :caller
                     AND l.kind <> 'call' AND l.known_from < :at) AS was_told,
           (SELECT count(*) FROM (SELECT FROM call c
                   WHERE c.company_id = (SELECT CAST(:company_id AS uuid)) AND c.caller_hash = :caller
                     AND c.started_at < :at LIMIT :counted) before) AS calls_before,
           (SELECT coalesce(sum(d.phones), 0) FROM known_phones_day d
            WHERE d.company_id = (SELECT CAST(:company_id AS uuid)) AND d.day < :day) AS known_callers
"""


@dataclass(frozen=True)
class Caller:
    """What the company knew of a caller as the phone rang."""

    is_known: bool
    calls_before: int
    known_callers: int
    """How many phones the company knew as the day began."""


@dataclass(frozen=True)
class Links:
    """What was known, of the visitors at hand, about their phones."""

    linked: Mapping[str, float]
    taken: Mapping[str, float]
    typed: frozenset[str]


def links_of(
    session: Session, company_id: UUID, caller: bytes, visitors: Collection[str], at: datetime
) -> Links:
    """Return how sure it was before `at` that the phone of visitors (in hex) is the caller's, or another."""
    asked = {"company_id": company_id, "caller": caller, "visitors": list(visitors), "at": at}
    rows = session.execute(_OF_VISITORS, asked).all() if visitors else []
    return Links(
        linked={row.visitor: row.linked for row in rows if row.linked is not None},
        taken={row.visitor: row.taken for row in rows if row.taken is not None},
        typed=frozenset(row.visitor for row in rows if row.typed),
    )


def asked_of_caller(company_id: UUID, caller: bytes | None, at: datetime) -> dict[str, object]:
    """Return the values that `OF_CALLER` asks for."""
    day = at.astimezone(UTC).date()
    return {"company_id": company_id, "caller": caller, "at": at, "day": day, "counted": MOST_COUNTED}


def caller_in(row: Any) -> Caller:
    """Return the caller that a row of `OF_CALLER` tells of."""
    return Caller(bool(row.was_told or row.calls_before), int(row.calls_before), int(row.known_callers))


def keep_links_of_call(session: Session, call: Call, by_visitor: Mapping[str, float]) -> set[UUID]:
    """Keep what a judged call tells of its caller's phone; returns the visitors of whom that is news."""
    mine = (PhoneLink.company_id == call.company_id, PhoneLink.told_by == call.id, PhoneLink.kind == "call")
    rows = session.execute(select(PhoneLink.visitor_id, PhoneLink.p).where(*mine)).all()
    before = {row.visitor_id: row.p for row in rows}
    now = {}
    if call.caller_hash is not None:
        now = {UUID(visitor): p for visitor, p in by_visitor.items() if p >= REMEMBERED_FROM}
    news = {visitor for visitor in before.keys() | now.keys() if before.get(visitor) != now.get(visitor)}
    if not news:
        return news
    session.execute(delete(PhoneLink).where(*mine), execution_options={"synchronize_session": False})
    if now and call.caller_hash is not None:
        session.execute(
            insert(PhoneLink),
            [_link(call.company_id, call.caller_hash, visitor, "call", call.id, p, call.started_at)
             for visitor, p in now.items()],
        )  # fmt: skip
    return news


def keep_link(
    session: Session,
    company_id: UUID,
    phone: tuple[bytes, UUID],
    kind: Literal["form", "record"],
    told_by: UUID,
    at: datetime,
) -> bool:
    """Keep that a form or a customer record names a phone (its hash) as a visitor's; false: it is no news."""
    row = _link(company_id, *phone, kind, told_by, BY_FORM, at)
    kept = insert(PhoneLink).values(row).on_conflict_do_nothing().returning(PhoneLink.told_by)
    return session.scalar(kept) is not None


def know_phone(session: Session, company_id: UUID, phone: bytes, at: datetime) -> None:
    """Count the phone among the company's known ones, from the earliest moment it was heard of.

    One transaction knows one phone: the days' counts are taken last, so no two wait for each other.
    """
    if know_phones(session, company_id, {phone: at}):
        return
    known = session.get_one(
        KnownPhone, (company_id, phone), with_for_update=True, populate_existing=True
    )  # fmt: skip
    if at < known.known_from:
        moved = {known.known_from: -1} | {at: 1}
        known.known_from = at
        session.flush()
        _count(session, company_id, moved)


def know_phones(session: Session, company_id: UUID, heard: Mapping[bytes, datetime]) -> int:
    """Count those of the phones that were not known yet, each from its moment; returns how many."""
    rows = [
        {"company_id": company_id, "caller_hash": phone, "known_from": at}
        for phone, at in sorted(heard.items())
    ]
    fresh = insert(KnownPhone).on_conflict_do_nothing().returning(KnownPhone.known_from)
    known = session.scalars(fresh, rows).all() if rows else []
    _count(session, company_id, Counter(known))
    return len(known)


def forget_phones(session: Session, company_id: UUID, hashes: Collection[bytes]) -> None:
    """Forget phones, and whose they are."""
    links = delete(PhoneLink).where(
        PhoneLink.company_id == hidden(company_id), PhoneLink.caller_hash.in_(list(hashes))
    )
    session.execute(links)
    gone = session.scalars(
        delete(KnownPhone)
        .where(KnownPhone.company_id == hidden(company_id), KnownPhone.caller_hash.in_(list(hashes)))
        .returning(KnownPhone.known_from)
    ).all()
    _count(session, company_id, {moment: -count for moment, count in Counter(gone).items()})


def forget_visitors(session: Session, company_id: UUID, visitor_ids: Iterable[UUID]) -> None:
    """Forget whose phones these visitors have."""
    mine = (PhoneLink.company_id == hidden(company_id), PhoneLink.visitor_id.in_(list(visitor_ids)))
    session.execute(delete(PhoneLink).where(*mine))


def _link(
    company_id: UUID, caller: bytes, visitor: UUID, kind: str, told_by: UUID, p: float, at: datetime
) -> dict[str, object]:
    return {
        "company_id": company_id, "caller_hash": caller, "visitor_id": visitor, "kind": kind,
        "told_by": told_by, "p": p, "known_from": at,
    }  # fmt: skip


def _count(session: Session, company_id: UUID, moved: Mapping[datetime, int]) -> None:
    days: Counter[date] = Counter()
    for moment, phones in moved.items():
        days[moment.astimezone(UTC).date()] += phones
    for day, phones in sorted(days.items()):
        row = {"company_id": company_id, "day": day, "phones": phones}
        statement = insert(KnownPhonesDay).values(row)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["company_id", "day"],
                set_={"phones": KnownPhonesDay.phones + statement.excluded.phones},
            )
        )
