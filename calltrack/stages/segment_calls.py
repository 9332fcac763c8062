"""Which calls are of the persons a segment holds for: a condition over `call`, for lists of calls."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.conversions.call_log import Among
from calltrack.journeys.rules import SURE_ENOUGH
from calltrack.kernel.ids import first_id_of
from calltrack.stages.cells import Within
from calltrack.stages.segment_rules import Sql

# A call is its caller's; a withheld one that of the browser it is surely of: as journeys are made.
_OF: Final = """
    (EXISTS (
        SELECT FROM person_caller pc
        JOIN journey j ON j.company_id = pc.company_id AND j.id = pc.person_id AND j.is_person
        WHERE pc.company_id = call.company_id AND pc.caller_hash = call.caller_hash AND {0})
    OR (call.caller_hash IS NULL AND EXISTS (
        SELECT FROM attribution sure
        JOIN visit v ON v.company_id = sure.company_id AND v.id = sure.visit_id
        JOIN person_visitor pv ON pv.company_id = v.company_id AND pv.visitor_id = v.visitor_id
        JOIN journey j ON j.company_id = pv.company_id AND j.id = pv.person_id AND j.is_person
        WHERE sure.company_id = call.company_id AND sure.call_id = call.id AND sure.is_current
          AND sure.probability >= :sure_enough AND {0})))
"""
# The same from the persons' side: `members` names them (id), and `mine` is what is found (id).
CALLS_OF_MEMBERS: Final = """
    browsers AS MATERIALIZED (
        SELECT pv.visitor_id FROM members m
        JOIN person_visitor pv ON pv.company_id = :company_id AND pv.person_id = m.id
    ), mine AS MATERIALIZED (
        SELECT c.id FROM call c
        WHERE c.company_id = :company_id AND c.caller_hash = ANY(ARRAY(
            SELECT pc.caller_hash FROM members m
            JOIN person_caller pc ON pc.company_id = :company_id AND pc.person_id = m.id))
        UNION
        SELECT c.id FROM visit v
        JOIN attribution sure ON sure.company_id = v.company_id AND sure.visit_id = v.id AND sure.is_current
            AND sure.probability >= :sure_enough
        JOIN call c ON c.company_id = sure.company_id AND c.id = sure.call_id AND c.caller_hash IS NULL
        WHERE v.company_id = :company_id AND v.visitor_id = ANY(ARRAY(SELECT visitor_id FROM browsers))
    )
"""


def calls_within(within: Within) -> Among:
    """Return the condition as lists of calls take it."""
    sql = Sql()
    where = sql.where(within.tree)
    values = sql.values | {"sure_enough": SURE_ENOUGH} | ({"now": within.now} if ":now" in where else {})
    return Among(_OF.replace("{0}", where), values)


def active_members(
    session: Session, company_id: UUID, within: Within, since: datetime, until: datetime, most: int
) -> list[UUID]:
    """Return the persons a segment holds for who may have done something in a time, at most `most` of them.

    What is no part of a journey (nuisance, calls that were turned away or still last) may lie outside of what
    the journey tells: whoever made such a call in the time is looked at, too.
    """
    sql = Sql()
    where = sql.where(within.tree)
    values = sql.values | {
        "company_id": company_id, "sure_enough": SURE_ENOUGH, "since": since, "until": until, "most": most,
        "first": first_id_of(since - timedelta(days=1)),
    }  # fmt: skip
    asked = text(_ACTIVE.replace("{0}", where))
    return list(session.scalars(asked, values | ({"now": within.now} if ":now" in where else {})))


_ACTIVE: Final = """
    SELECT j.id FROM journey j
    WHERE j.company_id = :company_id AND j.is_person AND j.last_at >= :since AND j.first_at < :until AND {0}
    UNION
    SELECT j.id FROM (
        -- In the words of the small index that holds them.
        SELECT c.id, c.caller_hash FROM call c
        WHERE c.company_id = :company_id AND c.started_at >= :since AND c.started_at < :until
          AND (c.outcome IS NULL OR c.outcome IN ('blocked', 'over_limit'))
        UNION
        -- A call's id tells about when it began.
        SELECT c.id, c.caller_hash FROM call_spam s
        CROSS JOIN LATERAL (
            SELECT one.id, one.caller_hash FROM call one
            WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.id = s.call_id
                AND one.started_at >= :since AND one.started_at < :until OFFSET 0
        ) c
        WHERE s.company_id = :company_id AND s.mark = 'spam' AND s.call_id >= :first
    ) odd
    CROSS JOIN LATERAL (
        SELECT pc.person_id FROM person_caller pc
        WHERE pc.company_id = :company_id AND pc.caller_hash = odd.caller_hash
        UNION ALL
        SELECT pv.person_id FROM attribution sure
        JOIN visit v ON v.company_id = sure.company_id AND v.id = sure.visit_id
        JOIN person_visitor pv ON pv.company_id = v.company_id AND pv.visitor_id = v.visitor_id
        WHERE sure.company_id = :company_id AND sure.call_id = odd.id AND sure.is_current
          AND sure.probability >= :sure_enough AND odd.caller_hash IS NULL
    ) who
    JOIN journey j ON j.company_id = :company_id AND j.id = who.person_id AND j.is_person AND {0}
    LIMIT :most
"""
