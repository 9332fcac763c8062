"""How many visits began between a caller's last sign of life and the call, from recent verdicts."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.numbers.advisor import Delays
from calltrack.numbers.erlang import HOUR, HOURS_OF_WEEK, Floats
from calltrack.numbers.pool_hours import SCREEN, hour_of_week

LOOK_BACK = timedelta(days=56)
# The newest first calls, and of each the visits that are likelier than this.
MOST_CALLS, LIKELY = 400, 0.02
# Fewer calls are no ground for a forecast.
FEWEST_CALLS = 30

# Callers who rang before are left out: their visit is told by their phone, not by the number. A verdict names
# visits and probabilities (as a list; as an object before there were models); when the visit was last seen
# stands in its lease.
_DELAYS = text(
    """
    WITH rung AS (
        SELECT c.id, c.number_id, c.started_at, a.candidates
        FROM call c
        JOIN tracking_number n ON n.company_id = c.company_id AND n.id = c.number_id AND n.pool_id = :pool_id
        JOIN attribution a ON a.company_id = c.company_id AND a.call_id = c.id AND a.is_current
        WHERE c.company_id = :company_id AND c.started_at >= :since
          AND NOT EXISTS (
              SELECT FROM call before WHERE before.company_id = c.company_id
                AND before.caller_hash = c.caller_hash AND before.started_at < c.started_at)
        ORDER BY c.started_at DESC LIMIT :most
    ), named AS (
        SELECT r.id, r.number_id, r.started_at, CAST(said.visit AS uuid) AS visit_id, said.p
        FROM rung r CROSS JOIN LATERAL jsonb_array_elements(CAST(r.candidates AS jsonb)) one
        CROSS JOIN LATERAL (
            SELECT coalesce(one ->> 0, one ->> 'visit_id') AS visit,
                   CAST(coalesce(one ->> 3, one ->> 'probability') AS float8) AS p
        ) said
        WHERE said.visit <> '' AND said.p >= :likely
    )
    SELECT n.id, n.started_at, held.last_seen_at, n.p
    FROM named n CROSS JOIN LATERAL (
        SELECT max(least(e.last_seen_at, n.started_at)) AS last_seen_at FROM lease e
        WHERE e.company_id = :company_id AND e.visit_id = n.visit_id AND e.number_id = n.number_id
          AND e.shown_from <= n.started_at
    ) held WHERE held.last_seen_at IS NOT NULL
    """
)


def delays_seen(
    session: Session, company_id: UUID, pool_id: UUID, timezone: str, visits: Floats, now: datetime
) -> Delays | None:
    """Return the delays of recent first calls, in visits of this pool; None where there are too few calls."""
    rows = session.execute(
        _DELAYS,
        {
            "company_id": company_id, "pool_id": pool_id, "since": now - LOOK_BACK, "most": MOST_CALLS,
            "likely": LIKELY,
        },
    ).all()  # fmt: skip
    if len({row.id for row in rows}) < FEWEST_CALLS:
        return None
    zone = ZoneInfo(timezone)
    between = [
        0.0 if row.started_at - row.last_seen_at <= SCREEN
        else visits_between(visits, row.last_seen_at, row.started_at, zone)
        for row in rows
    ]  # fmt: skip
    return Delays(visits_between=tuple(between), weights=tuple(float(row.p) for row in rows))


def visits_between(visits: Floats, since: datetime, until: datetime, zone: ZoneInfo) -> float:
    """Return how many visits begin between two moments, by what comes in each hour of the week."""
    whole, rest = divmod((until - since).total_seconds(), HOURS_OF_WEEK * HOUR)
    found, at = whole * float(np.sum(visits)), since
    left = rest
    while left > 0:
        into = (at.timestamp() % HOUR) or 0.0
        step = min(HOUR - into, left)
        found += float(visits[hour_of_week(at, zone)]) * step / HOUR
        at, left = at + timedelta(seconds=step), left - step
    return found
