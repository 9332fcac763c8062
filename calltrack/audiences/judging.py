"""Who is in an audience now: judges persons in sets, keeps members, entries and the history in step.

Everything about one company is judged by one transaction at a time (`take_turn`): an older look at the facts
never overwrites a newer one.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.audiences.conditions import Tree, read
from calltrack.audiences.model import Audience
from calltrack.audiences.selection import EVERYBODY, SOME, select

# The newest visit of the person's browsers decides; what it does not say is not known.
_CONSENT: Final = """
    newest AS (
        SELECT DISTINCT ON (hit.person_id) hit.person_id, v.id, v.started_at, v.consent
        FROM hit
        JOIN person_visitor pv ON pv.company_id = :company_id AND pv.person_id = hit.person_id
        JOIN visit v ON v.company_id = :company_id AND v.visitor_id = pv.visitor_id
        ORDER BY hit.person_id, v.id DESC),
    consented AS (
        SELECT hit.person_id, newest.id AS visit_id, newest.started_at AS at,
               coalesce(newest.consent ->> 'ad_user_data', newest.consent ->> 'ad') AS data,
               coalesce(newest.consent ->> 'ad_personalization', newest.consent ->> 'ad') AS ads,
               EXISTS (SELECT FROM person_caller pc
                       WHERE pc.company_id = :company_id AND pc.person_id = hit.person_id) AS has_number
        FROM hit LEFT JOIN newest ON newest.person_id = hit.person_id),
    judged AS MATERIALIZED (
        SELECT person_id, jsonb_build_object('ad_user_data', data, 'ad_personalization', ads,
                                             'visit_id', visit_id, 'at', at) AS consent,
               CASE WHEN NOT has_number THEN 'no_identifier'
                    WHEN 'false' IN (data, ads) OR 'denied' IN (data, ads) THEN 'denied'
                    WHEN data IN ('true', 'granted') AND ads IN ('true', 'granted') THEN ''
                    ELSE 'unknown' END AS withheld
        FROM consented)"""
_KEEP: Final = """
    WITH {lists}, {consent},
    before AS MATERIALIZED (
        SELECT person_id, status, withheld FROM audience_member
        WHERE company_id = :company_id AND audience_id = :audience_id {scope}),
    moved AS MATERIALIZED (
        SELECT coalesce(j.person_id, b.person_id) AS person_id, b.status AS was, j.withheld, j.consent,
               CASE WHEN j.person_id IS NULL THEN NULL
                    WHEN j.withheld = '' THEN 'in' ELSE 'withheld' END AS now_is
        FROM judged j FULL JOIN before b ON b.person_id = j.person_id
        WHERE b.person_id IS NULL OR j.person_id IS NULL OR b.withheld <> j.withheld),
    gone AS (
        DELETE FROM audience_member m USING moved
        WHERE m.company_id = :company_id AND m.audience_id = :audience_id
          AND m.person_id = moved.person_id AND moved.now_is IS NULL),
    kept AS (
        INSERT INTO audience_member AS m
            (company_id, audience_id, person_id, status, withheld, since, why, consent)
        SELECT :company_id, :audience_id, person_id, now_is, withheld, :now, :why, consent
        FROM moved WHERE now_is IS NOT NULL
        ON CONFLICT (company_id, audience_id, person_id) DO UPDATE SET
            status = excluded.status, withheld = excluded.withheld, consent = excluded.consent,
            why = excluded.why, since = excluded.since),
    noted AS (
        INSERT INTO audience_event (company_id, audience_id, person_id, at, what, why)
        SELECT :company_id, :audience_id, person_id, :now,
               CASE WHEN now_is = 'in' THEN 'joined' ELSE 'left' END,
               CASE WHEN now_is = 'in' THEN :why
                    WHEN now_is IS NOT NULL THEN
                        CASE withheld WHEN 'denied' THEN 'Consent was refused or withdrawn.'
                                      WHEN 'unknown' THEN 'The newest visit says nothing about consent.'
                                      ELSE 'No phone number is known any more.' END
                    WHEN EXISTS (SELECT FROM person p
                                 WHERE p.company_id = :company_id AND p.id = moved.person_id)
                        THEN 'The condition does not hold any more.'
                    ELSE 'The person was erased, or joined with another.' END
        FROM moved WHERE 'in' IN (was, now_is) AND was IS DISTINCT FROM now_is)
    SELECT count(*) FROM moved
"""
_PREVIEW: Final = """
    WITH {lists}, {consent}
    SELECT count(*) FILTER (WHERE withheld = '') AS members,
           count(*) FILTER (WHERE withheld = 'unknown') AS unknown,
           count(*) FILTER (WHERE withheld = 'denied') AS denied,
           count(*) FILTER (WHERE withheld = 'no_identifier') AS no_identifier
    FROM judged
"""
_ENTER: Final = """
    INSERT INTO audience_entry AS e
        (company_id, place_id, caller_hash, person_id, wanted, state, changed_at)
    SELECT :company_id, pl.id, pc.caller_hash, m.person_id, true, 'due', :now
    FROM audience_member m
    JOIN audience_place pl ON pl.company_id = m.company_id AND pl.audience_id = m.audience_id
     AND pl.status IN ('active', 'paused')
    JOIN person_caller pc ON pc.company_id = m.company_id AND pc.person_id = m.person_id
    WHERE m.company_id = :company_id AND m.audience_id = :audience_id AND m.status = 'in' {scope}
    ON CONFLICT (company_id, place_id, caller_hash) DO UPDATE SET
        person_id = excluded.person_id, wanted = true,
        state = CASE WHEN e.wanted OR e.state = 'sending' THEN e.state ELSE 'due' END,
        changed_at = CASE WHEN e.wanted THEN e.changed_at ELSE excluded.changed_at END
    WHERE NOT e.wanted OR e.person_id <> excluded.person_id
    RETURNING e.place_id
"""
# What nobody in the audience owns any more leaves the lists, whoever owned it. Told "remove" and no
# identifier: it is out already, it came back and left before anybody was told. The number's owner is asked
# for by its key, whatever the planner knows: begun at the members, each number would read the whole list.
_LEAVE: Final = """
    UPDATE audience_entry e SET
        wanted = false, changed_at = :now,
        state = CASE WHEN e.state = 'sending' THEN 'sending'
                     WHEN e.told = 'remove' AND e.identifier IS NULL THEN 'settled' ELSE 'due' END
    FROM audience_place pl
    WHERE pl.company_id = :company_id AND pl.audience_id = :audience_id AND e.company_id = pl.company_id
      AND e.place_id = pl.id AND e.wanted {scope}
      AND (pl.status = 'leaving' OR NOT EXISTS (
        SELECT FROM audience_member m
        WHERE m.company_id = e.company_id AND m.audience_id = pl.audience_id AND m.status = 'in'
          AND m.person_id = (SELECT pc.person_id FROM person_caller pc
                             WHERE pc.company_id = e.company_id AND pc.caller_hash = e.caller_hash)))
    RETURNING e.place_id
"""
# Never told: nothing to take back. Taken back and nobody's number any more: nothing is kept of an erased one.
_FORGET: Final = """
    DELETE FROM audience_entry e USING audience_place pl
    WHERE pl.company_id = :company_id AND pl.audience_id = :audience_id AND e.company_id = pl.company_id
      AND e.place_id = pl.id AND NOT e.wanted AND e.state <> 'sending' {scope}
      AND (e.told IS NULL OR e.told = 'remove' AND e.identifier IS NULL
           AND NOT EXISTS (SELECT FROM person_caller pc
                           WHERE pc.company_id = e.company_id AND pc.caller_hash = e.caller_hash))
"""
# The look at everybody: what waits for a verdict nobody asks about and what a dead worker held is told again.
_TELL_AGAIN: Final = """
    UPDATE audience_entry e SET state = 'due' FROM audience_place pl
    WHERE pl.company_id = :company_id AND pl.audience_id = :audience_id AND e.company_id = pl.company_id
      AND e.place_id = pl.id {scope} AND (
        e.state = 'sent' AND NOT EXISTS (
            SELECT FROM audience_request r
            WHERE r.company_id = e.company_id AND r.id = e.request_id AND r.due_at IS NOT NULL)
        OR e.state = 'sending' AND coalesce(pl.lease_until < :now, true)
        OR e.state = 'settled' AND e.told <> CASE WHEN e.wanted THEN 'add' ELSE 'remove' END)
    RETURNING e.place_id
"""
# Members whose time in the list may run out at the platform are told once more.
_RENEW: Final = """
    UPDATE audience_entry e SET state = 'due' FROM audience_place pl
    WHERE pl.company_id = :company_id AND pl.audience_id = :audience_id AND e.company_id = pl.company_id
      AND e.place_id = pl.id {scope} AND e.state = 'settled' AND e.wanted
      AND e.told_at < :now - interval '180 days'
"""
_PLAN_ANEW: Final = text("SET LOCAL plan_cache_mode = force_custom_plan")
_WAKE: Final = text(
    """
    UPDATE audience_place pl SET due_at = least(pl.due_at, :now)
    WHERE pl.company_id = :company_id AND pl.audience_id = :audience_id AND EXISTS (
        SELECT FROM audience_entry e
        WHERE e.company_id = pl.company_id AND e.place_id = pl.id AND e.state = 'due')
    """
)


@dataclass(frozen=True, slots=True)
class Span:
    """Everybody in order of their ids, from behind `after` to `last`; `persons` are those who exist."""

    after: UUID
    last: UUID
    persons: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """Whom a condition would hold today, and why the others of them are left out."""

    members: int
    unknown: int
    denied: int
    no_identifier: int

    @property
    def withheld(self) -> int:
        """How many persons the condition holds for who are left out."""
        return self.unknown + self.denied + self.no_identifier


def judge(session: Session, audience: Audience, now: datetime, whom: Collection[UUID] | Span) -> int:
    """Bring members and entries in line with the condition; returns how many differences were repaired.

    `whom`: these persons, or a slice of all, who are compared with what platforms were told as well. The
    caller holds the company's turn.
    """
    values: dict[str, Any] = {
        "company_id": audience.company_id, "audience_id": audience.id, "now": now, "why": audience.sentence,
        **_given(whom),
    }  # fmt: skip
    # A plan made for ten persons must never serve twenty thousand.
    session.execute(_PLAN_ANEW)
    moved: int = 0
    if audience.status in ("active", "paused"):
        statement, given = _keep(read(audience.condition), whom)
        moved = session.execute(statement, values | given).scalar_one()
    entries = _told_again(session, values, whom) if isinstance(whom, Span) else 0
    for template, column in ((_ENTER, "m.person_id"), (_LEAVE, "e.person_id")):
        entries += len(session.execute(_scoped(template, column, whom), values).all())
    session.execute(_scoped(_FORGET, "e.person_id", whom), values)
    session.execute(_WAKE, values)
    return moved + entries


def preview(session: Session, company_id: UUID, tree: Tree, now: datetime) -> Preview:
    """Count whom the condition would hold at this moment."""
    selection = select(tree)
    statement = text(_PREVIEW.format(lists=selection.lists(EVERYBODY), consent=_CONSENT))
    session.execute(text("SET LOCAL statement_timeout = '60s'"))
    row = session.execute(statement, {"company_id": company_id, "now": now, **selection.values}).one()
    return Preview(row.members, row.unknown, row.denied, row.no_identifier)


def _told_again(session: Session, values: dict[str, Any], span: Span) -> int:
    """Make due what is stuck or has to be told again; returns how many were stuck."""
    stuck = len(session.execute(_scoped(_TELL_AGAIN, "e.person_id", span), values).all())
    session.execute(_scoped(_RENEW, "e.person_id", span), values)
    return stuck


def _keep(tree: Tree, whom: Collection[UUID] | Span) -> tuple[TextClause, dict[str, Any]]:
    selection = select(tree)
    # Also a slice is asked for by ids: how many they are is known to the planner without any statistics.
    statement = _KEEP.format(lists=selection.lists(SOME), consent=_CONSENT, scope=_scope("person_id", whom))
    return _bound(statement), selection.values


def _scoped(template: str, column: str, whom: Collection[UUID] | Span) -> TextClause:
    return _bound(template.format(scope=_scope(column, whom)))


def _scope(column: str, whom: Collection[UUID] | Span) -> str:
    if isinstance(whom, Span):
        return f"AND {column} > :after AND {column} <= :last"
    return f"AND {column} = ANY(:ids)"


def _given(whom: Collection[UUID] | Span) -> dict[str, Any]:
    if isinstance(whom, Span):
        return {"after": whom.after, "last": whom.last, "ids": list(whom.persons)}
    return {"ids": list(whom)}


@lru_cache(maxsize=64)
def _bound(statement: str) -> TextClause:
    made = text(statement)
    return made.bindparams(bindparam("ids", type_=ARRAY(Uuid()))) if ":ids" in statement else made
