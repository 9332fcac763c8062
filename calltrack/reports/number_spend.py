"""Which static numbers are all that stands for a campaign: what it cost is then what the number cost."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from calltrack.reports.asking import Stretch

# A campaign of two static numbers, of visits, or of calls to another number is not told apart by number.
_ALONE: Final = text(
    """
    WITH own AS (
        SELECT min(replace(n.id::text, '-', '')) AS number, n.source, n.medium, n.campaign
        FROM tracking_number n
        WHERE n.company_id = :company_id AND n.kind = 'static'
            AND n.source || E'\\x1f' || n.medium || E'\\x1f' || n.campaign = ANY(:keys)
        GROUP BY n.source, n.medium, n.campaign HAVING count(*) = 1
    )
    SELECT own.source || E'\\x1f' || own.medium || E'\\x1f' || own.campaign AS key, own.number FROM own
    WHERE NOT EXISTS (
        SELECT FROM report_day d
        WHERE d.company_id = :company_id AND d.dimension IN ('campaign', 'number')
            AND d.day BETWEEN :since AND :until
            AND (d.source, d.medium, d.campaign) = (own.source, own.medium, own.campaign)
            AND CASE d.dimension WHEN 'campaign' THEN d.visits > 0
                ELSE d.calls > 0 AND d.detail <> own.number END
    )
    """
).bindparams(bindparam("keys", type_=ARRAY(Text())))


def numbers_alone(session: Session, company_id: UUID, keys: Collection[str], over: Stretch) -> dict[str, str]:
    """Return the campaigns of these that one static number alone stood for, and its id in hex."""
    if not keys:
        return {}
    given = {"company_id": company_id, "keys": sorted(keys), "since": over.since, "until": over.until}
    return {row.key: row.number for row in session.execute(_ALONE, given)}
