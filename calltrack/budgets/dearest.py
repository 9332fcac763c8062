"""The campaigns that cost most of late: what a page lists where there are thousands."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

MOST: Final = 200
LATELY: Final = timedelta(days=90)
_DEAREST: Final = text(
    """
    SELECT c.campaign_key FROM spend_campaign c
    LEFT JOIN LATERAL (
        SELECT sum(d.cost_minor) AS minor FROM spend_day d
        WHERE d.company_id = c.company_id AND d.campaign_id = c.id AND d.day >= :since
    ) s ON true
    WHERE c.company_id = :company_id AND c.campaign_key <> ''
    GROUP BY c.campaign_key ORDER BY coalesce(sum(s.minor), 0) DESC, c.campaign_key LIMIT :most
    """
)


def dearest(session: Session, company_id: UUID, now: datetime, most: int = MOST) -> frozenset[str]:
    """Return the words of the matched campaigns that cost most in the last 90 days."""
    given = {"company_id": company_id, "since": (now - LATELY).date(), "most": most}
    return frozenset(session.scalars(_DEAREST, given))
