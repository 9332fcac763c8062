"""A form that was sent is a sign of life: whoever types is in front of the page."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# As for a tap: the visit's latest lease in each pool, pools in ascending order; a number that others were
# given since stays theirs. A number shown to everybody has no slot, so its lease is told by itself.
_SEEN = text(
    """
    WITH latest AS MATERIALIZED (
        SELECT DISTINCT ON (t.pool_id) l.id, l.number_id, l.shown_until, t.pool_id,
            make_interval(secs => CASE WHEN l.shown_from < p.longer_before
                THEN GREATEST(p.lease_seconds, p.longer_seconds) ELSE p.lease_seconds END) AS screen,
            t.kind = 'overflow' AS is_of_all
        FROM lease l
        JOIN tracking_number t ON t.company_id = l.company_id AND t.id = l.number_id
        JOIN pool p ON p.company_id = t.company_id AND p.id = t.pool_id
        WHERE l.company_id = :company_id AND l.visit_id = :visit_id AND EXISTS (
            SELECT FROM visit v WHERE v.company_id = :company_id AND v.id = :visit_id
              AND v.visitor_id = :visitor_id AND v.site_id = :site_id)
        ORDER BY t.pool_id, l.id DESC
    ), shared AS (
        UPDATE lease l SET last_seen_at = :at, left_at = NULL, shown_until = :at + o.screen
        FROM latest o WHERE o.is_of_all AND l.company_id = :company_id AND l.id = o.id
    )
    SELECT edge_seen(:company_id, o.number_id, o.id, o.shown_until, o.screen, :at, false, false, false, false)
    FROM (SELECT * FROM latest WHERE NOT is_of_all ORDER BY pool_id) o
    """
)


def seen_by_form(
    session: Session, company_id: UUID, visit: tuple[UUID, UUID, UUID], at: datetime
) -> list[bool]:
    """Note that a visit (site, visitor, visit) is there; returns, pool by pool, if it keeps its number."""
    asked = dict(zip(("site_id", "visitor_id", "visit_id"), visit, strict=True))
    return list(session.scalars(_SEEN, {"company_id": company_id, "at": at, **asked}))
