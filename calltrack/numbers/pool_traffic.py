"""A pool's own traffic, read from its leases and visits at a bounded cost.

A pool with at most `MOST_LEASES` leases in four weeks is read whole, by its numbers. A larger one is sampled:
of every ten minutes the company's first `PER_WINDOW` leases, with the time they took to come, so that at most
100,000 leases are read whatever the company has. Where visits come from is read of `MOST_ORIGINS` of them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.kernel.ids import first_id_of
from calltrack.numbers.erlang import HOURS_OF_WEEK, Floats
from calltrack.numbers.pool_hours import (
    LONGEST_ON_SCREEN,
    SCREEN,
    WeekSeen,
    hour_of_week,
    watched_seconds,
    week_of,
)

LOOK_BACK = timedelta(days=28)
MOST_LEASES = 100_000
WINDOW, PER_WINDOW = timedelta(minutes=10), 25
MOST_ORIGINS = 12_000
# Ids end in chance: their last 16 bits choose which leases' origins are looked at.
CHANCES = 65_536

# When which number belonged to the pool: numbers move between pools, and are given back.
_STAYS = """
    stays AS (
        SELECT n.id AS number_id, :until AS until,
               greatest(:since, (SELECT max(u.used_until) FROM number_use u
                                 WHERE u.company_id = n.company_id AND u.number_id = n.id)) AS since
        FROM tracking_number n WHERE n.company_id = :company_id AND n.pool_id = :pool_id
        UNION ALL
        SELECT u.number_id, least(u.used_until, :until), greatest(u.used_from, :since)
        FROM number_use u
        WHERE u.company_id = :company_id AND u.pool_id = :pool_id AND u.used_until > :since
    )
"""
_ON_SCREEN = """
    extract(epoch FROM greatest(interval '0', least(:longest,
        coalesce(e.left_at, e.last_seen_at + :screen) - e.shown_from)))
"""
# By the clock that made the ids, as the windows are: the database's may be a little off from it.
_LAST_MS = (
    "('x' || left(replace((array_agg(e.id ORDER BY e.id DESC))[1]::text, '-', ''), 12))::bit(48)::bigint"
)
_LOCAL = "(e.shown_from AT TIME ZONE :zone)"
_HOUR = f"(extract(isodow FROM {_LOCAL})::int - 1) * 24 + extract(hour FROM {_LOCAL})::int"

_HOW_MANY = text(
    f"""
    WITH {_STAYS}
    SELECT count(*) AS leases, min(counted.shown_from) AS first FROM (
        SELECT e.shown_from FROM stays s CROSS JOIN LATERAL (
            SELECT shown_from FROM lease
            WHERE company_id = :company_id AND number_id = s.number_id
              AND shown_from >= s.since AND shown_from < s.until
            ORDER BY shown_from LIMIT :most
        ) e LIMIT :most
    ) counted
    """  # noqa: S608 - put together from constants of this file only
)
_WHOLE = text(
    f"""
    WITH {_STAYS}
    SELECT {_HOUR} AS hour, count(*) AS visits, sum({_ON_SCREEN}) AS on_screen,
           count(*) FILTER (WHERE e.is_overflow) AS shared
    FROM stays s JOIN lease e ON e.company_id = :company_id AND e.number_id = s.number_id
     AND e.shown_from >= s.since AND e.shown_from < s.until
    GROUP BY 1
    """  # noqa: S608 - the same
)
_WHOLE_ORIGINS = text(
    f"""
    WITH {_STAYS}, chosen AS (
        SELECT {_HOUR} AS hour, e.visit_id
        FROM stays s JOIN lease e ON e.company_id = :company_id AND e.number_id = s.number_id
         AND e.shown_from >= s.since AND e.shown_from < s.until
        WHERE get_byte(uuid_send(e.id), 14) * 256 + get_byte(uuid_send(e.id), 15) < :chance
    )
    SELECT c.hour, v.source, v.campaign, count(*) AS visits
    FROM chosen c CROSS JOIN LATERAL (
        SELECT source, campaign FROM visit WHERE company_id = :company_id AND id = c.visit_id LIMIT 1
    ) v GROUP BY 1, 2, 3
    """  # noqa: S608 - the same
)
_WINDOWS = f"""
    WITH {_STAYS}, windows AS (
        SELECT * FROM unnest(CAST(:hours AS int[]), CAST(:starts AS timestamptz[]), CAST(:lows AS uuid[]),
                             CAST(:highs AS uuid[])) AS w (hour, start, low, high)
    ), looked AS (
        SELECT w.hour, w.start, e.* FROM windows w LEFT JOIN LATERAL (
            SELECT id, number_id, visit_id, shown_from, last_seen_at, left_at, is_overflow FROM lease
            WHERE company_id = :company_id AND id >= w.low AND id < w.high ORDER BY id LIMIT :per_window
        ) e ON true
    )
"""  # noqa: S608 - the same
_SAMPLED = text(
    f"""
    {_WINDOWS}, counted AS (
        SELECT e.hour, count(s.number_id) AS visits,
               coalesce(sum({_ON_SCREEN}) FILTER (WHERE s.number_id IS NOT NULL), 0) AS on_screen,
               count(*) FILTER (WHERE e.is_overflow AND s.number_id IS NOT NULL) AS shared,
               CASE WHEN count(e.id) < :per_window THEN :window_seconds ELSE
                   least(:window_seconds, greatest(0.001, {_LAST_MS} / 1000.0 - extract(epoch FROM e.start)))
               END AS watched
        FROM looked e LEFT JOIN stays s
          ON s.number_id = e.number_id AND e.shown_from >= s.since AND e.shown_from < s.until
        GROUP BY e.hour, e.start
    )
    SELECT hour, sum(visits) AS visits, sum(on_screen) AS on_screen, sum(shared) AS shared,
           sum(watched) AS watched
    FROM counted GROUP BY hour
    """  # noqa: S608 - the same
)
_SAMPLED_ORIGINS = text(
    f"""
    {_WINDOWS}
    SELECT e.hour, v.source, v.campaign, count(*) AS visits
    FROM looked e
    JOIN stays s ON s.number_id = e.number_id AND e.shown_from >= s.since AND e.shown_from < s.until
    CROSS JOIN LATERAL (
        SELECT source, campaign FROM visit WHERE company_id = :company_id AND id = e.visit_id LIMIT 1
    ) v
    WHERE get_byte(uuid_send(e.id), 14) * 256 + get_byte(uuid_send(e.id), 15) < :chance
    GROUP BY 1, 2, 3
    """  # noqa: S608 - the same
)


def week_seen(
    session: Session,
    company_id: UUID,
    pool_id: UUID,
    timezone: str,
    now: datetime,
    most_leases: int = MOST_LEASES,
) -> WeekSeen:
    """Return the pool's last four weeks (less for a young pool) by hour of the week."""
    until = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    asked: dict[str, Any] = {
        "company_id": company_id, "pool_id": pool_id, "zone": timezone, "since": until - LOOK_BACK,
        "until": until, "screen": SCREEN, "longest": LONGEST_ON_SCREEN, "most": most_leases + 1,
    }  # fmt: skip
    leases, first = session.execute(_HOW_MANY, asked).one()
    if first is None:
        return week_of(until, until, [0.0] * HOURS_OF_WEEK, ())
    since = first.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    zone = ZoneInfo(timezone)
    # A young pool's hours before its first visit were not watched.
    began = since if since > until - LOOK_BACK + timedelta(days=2) else until - LOOK_BACK
    asked["since"] = began
    if leases <= most_leases:
        watched = watched_seconds(began, until, zone)
        counted = [tuple(row) for row in session.execute(_WHOLE, asked)]
        chance = min(CHANCES, CHANCES * MOST_ORIGINS // max(leases, 1))
        origins = [tuple(row) for row in session.execute(_WHOLE_ORIGINS, asked | {"chance": chance})]
        return week_of(began, until, watched.tolist(), counted, origins)
    asked |= _windows(began, until, zone)
    rows = session.execute(_SAMPLED, asked).all()
    chance = min(CHANCES, CHANCES * MOST_ORIGINS // max(sum(int(row.visits) for row in rows), 1))
    origins = [tuple(row) for row in session.execute(_SAMPLED_ORIGINS, asked | {"chance": chance})]
    return week_of(began, until, _watched(rows).tolist(), [row[:4] for row in rows], origins, is_sampled=True)


def _watched(rows: Any) -> Floats:
    found = np.zeros(HOURS_OF_WEEK)
    for row in rows:
        found[row.hour] = float(row.watched)
    return found


def _windows(since: datetime, until: datetime, zone: ZoneInfo) -> dict[str, Any]:
    starts = [since + WINDOW * place for place in range(int((until - since) / WINDOW))]
    return {
        "starts": starts,
        "hours": [hour_of_week(start, zone) for start in starts],
        "lows": [first_id_of(start) for start in starts],
        "highs": [first_id_of(start + WINDOW) for start in starts],
        "per_window": PER_WINDOW,
        "window_seconds": WINDOW.total_seconds(),
    }
