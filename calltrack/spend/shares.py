"""What of a campaign's day each of its keywords, and each of its ad groups, cost: parts that add up exactly.

A day's cost in the company's currency is a whole number of minor units; rounding each keyword by itself would
lose some. So the day's cost is laid out along its parts, in one order: each part takes what lies between the
rounded sum before it and the rounded sum with it. What no part tells is what is left.
"""

from collections.abc import Collection
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.infra.turns import take_turn

# So many days of parts are laid out in one statement.
AT_ONCE: Final = 31


def write_costs(session: Session, company_id: UUID) -> None:
    """Wait until nobody else writes costs or matches of the company; before any row of them is locked.

    Costs, rates and shares depend on each other: of two writers at once one would lay out what the other one
    just changes, and each could wait for the other.
    """
    take_turn(session, "spend", company_id)


def share_out(
    session: Session, company_id: UUID, campaign_ids: Collection[UUID], days: Collection[date]
) -> None:
    """Lay out the costs of these campaigns' days along their parts; called by whoever changes either.

    Where parts were read at another moment and add up to more than their campaign, they share its cost in
    their proportion. A day without a rate has no cost to share, so its parts have none.
    """
    if not campaign_ids or not days:
        return
    here: dict[str, Any] = {"company_id": company_id}
    parts = list(session.scalars(_PARTS, {**here, "campaigns": list(campaign_ids)}))
    if not parts:
        return
    sorted_days = sorted(days)
    for start in range(0, len(sorted_days), AT_ONCE):
        some = sorted_days[start : start + AT_ONCE]
        given = {**here, "campaigns": list(campaign_ids), "days": some}
        session.execute(_SHARE, given)
    for month in sorted({day.replace(day=1) for day in days}):
        given = {**here, "parts": parts, "month": month}
        session.execute(_EMPTY_MONTH, given)
        session.execute(_ADD_MONTH, given)


_PARTS = text(
    """
    SELECT id FROM spend_part
    WHERE company_id = :company_id AND campaign_id = ANY(CAST(:campaigns AS uuid[]))
    """
)
# Costs below zero (a platform's corrections) keep the order of the sums, so that the last one is the whole.
SHARES: Final = """
    SELECT company_id, part_id, day,
           round(whole * so_far / nullif(every, 0))
               - round(whole * (so_far - cost) / nullif(every, 0)) AS share
    FROM (
        SELECT d.company_id, d.part_id, d.day, d.cost_micros AS cost, w.cost_minor AS whole,
               sum(d.cost_micros) OVER (of_kind ORDER BY d.part_id) AS so_far,
               greatest(w.cost_micros, sum(d.cost_micros) OVER of_kind) AS every
        FROM spend_part p
        JOIN spend_part_day d ON d.company_id = p.company_id AND d.part_id = p.id{days}
        JOIN spend_day w ON w.company_id = p.company_id AND w.campaign_id = p.campaign_id AND w.day = d.day
        {where}
        WINDOW of_kind AS (PARTITION BY p.company_id, p.campaign_id, d.day, p.criterion_id <> '')
    ) laid
"""
_LAID: Final = SHARES.format(
    days=" AND d.day = ANY(CAST(:days AS date[]))",
    where="WHERE p.company_id = :company_id AND p.campaign_id = ANY(CAST(:campaigns AS uuid[]))",
)
_SHARE = text(
    f"""
    UPDATE spend_part_day d SET share_minor = coalesce(s.share, 0) FROM ({_LAID}) s
    WHERE d.company_id = s.company_id AND d.part_id = s.part_id AND d.day = s.day
      AND d.share_minor IS DISTINCT FROM coalesce(s.share, 0)
    """  # noqa: S608 (constants)
)
_EMPTY_MONTH = text(
    """
    DELETE FROM spend_part_month
    WHERE company_id = :company_id AND month = :month AND part_id = ANY(CAST(:parts AS uuid[]))
    """
)
_ADD_MONTH = text(
    """
    INSERT INTO spend_part_month (company_id, month, part_id, share_minor)
    SELECT :company_id, :month, d.part_id, sum(d.share_minor) FROM spend_part_day d
    WHERE d.company_id = :company_id AND d.day >= :month
      AND d.day < CAST(:month AS date) + interval '1 month' AND d.part_id = ANY(CAST(:parts AS uuid[]))
    GROUP BY d.part_id HAVING sum(d.share_minor) <> 0
    """
)
