"""Reads what persons, and browsers that are nobody's yet, did: many at once, each table by its key."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Row, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary, Uuid

from calltrack.journeys.rules import SURE_ENOUGH
from calltrack.stages.events import Event

_NEVER: Final = "(?!)"
_A_VISIT: Final = timedelta(days=2)


def _asked(statement: str, **types: Any) -> TextClause:
    return text(statement).bindparams(*(bindparam(name, type_=ARRAY(kind)) for name, kind in types.items()))


_PERSONS: Final = _asked(
    "SELECT id FROM person WHERE company_id = :company_id AND id = ANY(:ids)", ids=Uuid()
)
_LINKED: Final = _asked(
    "SELECT visitor_id, person_id FROM person_visitor"
    " WHERE company_id = :company_id AND visitor_id = ANY(:ids)",
    ids=Uuid(),
)
_BROWSERS: Final = _asked(
    "SELECT visitor_id, person_id FROM person_visitor"
    " WHERE company_id = :company_id AND person_id = ANY(:ids)",
    ids=Uuid(),
)
_VISITS: Final = _asked(
    """
    SELECT visitor_id, id, started_at, last_seen_at, visible_ms, source, medium, campaign, landing_url,
           saw_contact, is_demo
    FROM visit WHERE company_id = (SELECT :company_id) AND visitor_id = ANY(:ids)
    """,
    ids=Uuid(),
)
_PAGES: Final = _asked(
    """
    SELECT visit_id, count(*) AS pages, bool_or(page ~* :price) AS price,
           (array_agg(page ORDER BY id DESC))[1] AS last_page
    FROM page_view WHERE company_id = (SELECT :company_id) AND visit_id = ANY(:ids)
      AND id >= first_id_of(:first) AND id < first_id_of(:last)
    GROUP BY visit_id
    """,
    ids=Uuid(),
)
_TAPS: Final = _asked(
    """
    SELECT visit_id, id, coalesce(taps[1], tapped_at) AS at FROM lease
    WHERE company_id = (SELECT :company_id) AND visit_id = ANY(:ids) AND tapped_at IS NOT NULL
    """,
    ids=Uuid(),
)
_FORMS: Final = _asked(
    """
    SELECT visitor_id, id, told_at FROM visitor_phone
    WHERE company_id = (SELECT :company_id) AND visitor_id = ANY(:ids)
    UNION ALL
    SELECT visitor_id, id, told_at FROM visitor_email
    WHERE company_id = (SELECT :company_id) AND visitor_id = ANY(:ids)
    """,
    ids=Uuid(),
)
_OF_CALL: Final = """
    ca.id, ca.started_at, ca.is_bridged, ca.talk_seconds, ca.caller_country, ca.caller_city, ca.is_demo,
    coalesce(ca.ring_seconds, ca.duration_seconds, extract(epoch FROM ca.ended_at - ca.started_at)::int, 0)
        AS rang,
    cr.source, cr.medium, cr.campaign, w.status AS work,
    (SELECT array_agg(t.name ORDER BY t.name) FROM call_tagged g
     JOIN call_tag t ON t.company_id = g.company_id AND t.id = g.tag_id
     WHERE g.company_id = ca.company_id AND g.call_id = ca.id) AS tags"""
# Refused callers and nuisance are no part of anybody's journey, and a call that lasts is none yet.
_REAL: Final = """
    ca.outcome NOT IN ('blocked', 'over_limit')
    AND NOT EXISTS (SELECT FROM call_spam s WHERE s.company_id = ca.company_id AND s.call_id = ca.id
                    AND s.mark = 'spam')"""
_CALLS: Final = _asked(
    f"""
    SELECT pc.person_id, pc.caller_hash, {_OF_CALL}
    FROM person_caller pc
    LEFT JOIN call ca ON ca.company_id = pc.company_id AND ca.caller_hash = pc.caller_hash AND {_REAL}
    LEFT JOIN attribution cr ON cr.company_id = ca.company_id AND cr.call_id = ca.id AND cr.is_current
    LEFT JOIN call_work w ON w.company_id = ca.company_id AND w.call_id = ca.id
    WHERE pc.company_id = (SELECT :company_id) AND pc.person_id = ANY(:ids)
    """,  # noqa: S608 - constants of this file
    ids=Uuid(),
)
# A withheld number's call is its visitor's, where that is sure.
_WITHHELD: Final = _asked(
    f"""
    SELECT cr.visit_id, {_OF_CALL}
    FROM attribution cr
    JOIN call ca ON ca.company_id = cr.company_id AND ca.id = cr.call_id AND ca.caller_hash IS NULL
      AND {_REAL}
    LEFT JOIN call_work w ON w.company_id = ca.company_id AND w.call_id = ca.id
    WHERE cr.company_id = (SELECT :company_id) AND cr.visit_id = ANY(:ids) AND cr.is_current
      AND cr.probability >= :sure
    """,  # noqa: S608 - constants of this file
    ids=Uuid(),
)
_CONVERSIONS: Final = _asked(
    """
    SELECT call_id, person_id, id, kind, occurred_at,
           CASE WHEN currency = :currency THEN coalesce(value_minor, 0) ELSE 0 END AS value_minor
    FROM conversion
    WHERE company_id = (SELECT :company_id) AND call_id = ANY(:calls) AND status = 'counted'
    UNION ALL
    SELECT co.call_id, co.person_id, co.id, co.kind, co.occurred_at,
           CASE WHEN co.currency = :currency THEN coalesce(co.value_minor, 0) ELSE 0 END
    FROM conversion co
    JOIN call ca ON ca.company_id = co.company_id AND ca.id = co.call_id AND ca.caller_hash IS NULL
    WHERE co.company_id = (SELECT :company_id) AND co.person_id = ANY(:ids) AND co.status = 'counted'
    """,
    calls=Uuid(),
    ids=Uuid(),
)
_TOUCHPOINTS: Final = _asked(
    """
    SELECT id, at, kind, phone_hash, NULL::uuid AS person_id, NULL::uuid AS visitor_id FROM touchpoint
    WHERE company_id = (SELECT :company_id) AND phone_hash = ANY(:hashes)
    UNION ALL
    SELECT t.id, t.at, t.kind, NULL, k.person_id, NULL FROM person_key k
    JOIN touchpoint t ON t.company_id = k.company_id AND t.key_hash = k.key_hash
    WHERE k.company_id = (SELECT :company_id) AND k.person_id = ANY(:ids)
    UNION ALL
    SELECT id, at, kind, NULL, NULL, visitor_id FROM touchpoint
    WHERE company_id = (SELECT :company_id) AND visitor_id = ANY(:visitors)
    UNION ALL
    SELECT t.id, t.at, t.kind, NULL, NULL, e.visitor_id FROM visitor_email e
    JOIN touchpoint t ON t.company_id = e.company_id AND t.email_hash = e.email_hash
    WHERE e.company_id = (SELECT :company_id) AND e.visitor_id = ANY(:visitors)
    """,
    hashes=LargeBinary(),
    ids=Uuid(),
    visitors=Uuid(),
)


@dataclass
class Found:
    """Events by subject; `gone` had journeys of their own once and are part of a person now."""

    persons: set[UUID] = field(default_factory=set)
    events: dict[UUID, list[Event]] = field(default_factory=lambda: defaultdict(list))
    gone: set[UUID] = field(default_factory=set)
    # Whose a browser, a visit, a number and a call are.
    browsers: dict[UUID, UUID] = field(default_factory=dict)
    visits: dict[UUID, UUID] = field(default_factory=dict)
    numbers: dict[bytes, UUID] = field(default_factory=dict)
    calls: dict[UUID, UUID] = field(default_factory=dict)


def read_events(
    session: Session, company_id: UUID, ids: Collection[UUID], price_words: Iterable[str], currency: str
) -> Found:
    """Return what the persons and browsers did; a browser that is a person's brings its person along."""
    found, keys = Found(), {"company_id": company_id}
    found.persons = set(session.scalars(_PERSONS, keys | {"ids": list(ids)}))
    others = [one for one in ids if one not in found.persons]
    for row in session.execute(_LINKED, keys | {"ids": others}):
        found.gone.add(row.visitor_id)
        found.persons.add(row.person_id)
    found.browsers = {one: one for one in others if one not in found.gone}
    persons = list(found.persons)
    for row in session.execute(_BROWSERS, keys | {"ids": persons}):
        found.browsers[row.visitor_id] = row.person_id
        found.gone.add(row.visitor_id)
    _read_visits(session, keys, found, price_words)
    _read_calls(session, keys, found)
    values = keys | {"calls": list(found.calls), "ids": persons, "currency": currency}
    for row in session.execute(_CONVERSIONS, values):
        whose = found.calls.get(row.call_id) or row.person_id
        if whose is not None:
            event = Event(row.occurred_at, row.kind, row.id, value_minor=row.value_minor)
            found.events[whose].append(event)
    _read_touchpoints(session, keys, found)
    return found


def _read_visits(session: Session, keys: dict[str, Any], found: Found, price_words: Iterable[str]) -> None:
    rows = session.execute(_VISITS, keys | {"ids": list(found.browsers)}).all()
    if rows:
        pages = _pages(session, keys, rows, price_words)
        for row in rows:
            whose = found.visits[row.id] = found.browsers[row.visitor_id]
            found.events[whose].append(_visit(row, pages.get(row.id)))
        for row in session.execute(_TAPS, keys | {"ids": list(found.visits)}):
            found.events[found.visits[row.visit_id]].append(Event(row.at, "tap", row.id))
    for row in session.execute(_FORMS, keys | {"ids": list(found.browsers)}):
        found.events[found.browsers[row.visitor_id]].append(Event(row.told_at, "form", row.id))


def _pages(
    session: Session, keys: dict[str, Any], visits: Iterable[Row[Any]], price_words: Iterable[str]
) -> dict[UUID, Row[Any]]:
    rows = list(visits)
    words = "|".join(re.escape(word) for word in price_words)
    values = keys | {
        "ids": [row.id for row in rows],
        "price": f"://[^/]*/.*({words})" if words else _NEVER,
        "first": min(row.started_at for row in rows),
        "last": max(row.last_seen_at for row in rows) + _A_VISIT,
    }
    return {row.visit_id: row for row in session.execute(_PAGES, values)}


def _visit(row: Row[Any], pages: Row[Any] | None) -> Event:
    stayed = int((row.last_seen_at - row.started_at).total_seconds())
    return Event(
        row.started_at, "visit", row.id, source=row.source, medium=row.medium, campaign=row.campaign,
        landing=path_of(row.landing_url), last_page=path_of(pages.last_page) if pages else "",
        pages=pages.pages if pages else 0, seconds=row.visible_ms // 1000 or max(stayed, 0),
        contact=row.saw_contact, price=bool(pages and pages.price), is_demo=row.is_demo,
    )  # fmt: skip


def _read_calls(session: Session, keys: dict[str, Any], found: Found) -> None:
    for row in session.execute(_CALLS, keys | {"ids": list(found.persons)}):
        found.numbers[row.caller_hash] = row.person_id
        if row.id is not None:
            _add_call(found, row, row.person_id)
    visits = [visit for visit, whose in found.visits.items() if whose in found.persons]
    if visits:
        for row in session.execute(_WITHHELD, keys | {"ids": visits, "sure": SURE_ENOUGH}):
            _add_call(found, row, found.visits[row.visit_id])


def _add_call(found: Found, row: Row[Any], whose: UUID) -> None:
    found.calls[row.id] = whose
    found.events[whose].append(
        Event(
            row.started_at,
            "call",
            row.id,
            source=row.source or "",
            medium=row.medium or "",
            campaign=row.campaign or "",
            talked=row.is_bridged,
            talk_seconds=row.talk_seconds,
            ring_seconds=row.rang,
            tags=tuple(row.tags or ()),
            work=row.work or "",
            country=row.caller_country,
            city=row.caller_city,
            is_demo=row.is_demo,
        )
    )


def _read_touchpoints(session: Session, keys: dict[str, Any], found: Found) -> None:
    values = keys | {
        "hashes": list(found.numbers), "ids": list(found.persons), "visitors": list(found.browsers),
    }  # fmt: skip
    for row in session.execute(_TOUCHPOINTS, values):
        whose = (
            row.person_id
            or found.browsers.get(row.visitor_id)
            or found.numbers.get(bytes(row.phone_hash or b""))
        )
        if whose is not None:
            found.events[whose].append(Event(row.at, "touchpoint", row.id, name=row.kind))


def path_of(address: str) -> str:
    """Return the path of an address, a slash for the front page, nothing where there is no address."""
    return (urlsplit(address).path or "/") if address else ""
