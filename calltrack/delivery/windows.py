"""Age limits: every platform takes a conversion only so long. None may pass in silence.

A delivery that has used half of its platform's time and is not settled is at risk and can be asked for; one
whose time is over ends with a sentence that says so. A later change of a conversion is an event of its own:
its time runs from the moment it was planned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Interval, Text

from calltrack.delivery import ledger
from calltrack.delivery.ledger import Claimed
from calltrack.delivery.rules import Step, too_old
from calltrack.delivery.trip import Trip
from calltrack.destinations import DESTINATIONS


@dataclass(frozen=True, slots=True)
class WindowAtRisk:
    """Deliveries to one destination that have used half of the platform's time and are not settled."""

    destination_id: UUID
    kind: str
    count: int
    first_ends_at: datetime
    """When the oldest of them is taken no more."""


def windows_at_risk(session: Session, company_id: UUID, now: datetime) -> list[WindowAtRisk]:
    """Return the destinations with deliveries at risk, the most pressing first; demo rows do not count."""
    rows = session.execute(_AT_RISK, {"company_id": company_id, "now": now, **_limits()})
    return [WindowAtRisk(*row) for row in rows]


def close_windows(session: Session, company_id: UUID, now: datetime) -> int:
    """End what waited too long, at paused destinations too; returns how many deliveries.

    What may have arrived stays unknown and is left to a person; the rest is refused in words.
    """
    closed = 0
    for name, destination in DESTINATIONS.items():
        if destination.max_age is None:
            continue
        for last_class in ("UNKNOWN", None):
            step = too_old(destination, last_class)
            values = {
                "company_id": company_id, "kind": name, "now": now, "latest": now - destination.max_age,
                "was": ["unknown"] if last_class else ["pending", "parked"], "state": step.state,
                "said": step.explanation, "settled_at": None if step.state == "unknown" else now,
            }  # fmt: skip
            closed += len(session.execute(_CLOSE, values).all())
    return closed


def give_up_old(session: Session, trip: Trip, rows: Sequence[Claimed], now: datetime) -> list[Claimed]:
    """End what the platform takes no more among claimed rows; returns what is still to be sent."""
    limit = trip.destination.max_age
    old = {row.id: row for row in rows if limit is not None and now - row.since > limit}
    if not old:
        return list(rows)
    steps: dict[UUID, Step] = {id_: too_old(trip.destination, row.last_class) for id_, row in old.items()}
    ledger.settle(session, trip.company_id, trip.token, steps, {}, len(rows), now)
    return [row for row in rows if row.id not in old]


def _limits() -> dict[str, object]:
    limited = [(name, one.max_age) for name, one in DESTINATIONS.items() if one.max_age is not None]
    return {"kinds": [name for name, _ in limited], "limits": [age for _, age in limited]}


_SINCE = "CASE WHEN d.sequence = 0 THEN c.occurred_at ELSE d.planned_at END"
# Both ask the small indexes of what is due and of what stands still, never the whole ledger.
_AT_RISK = text(
    f"""
    SELECT t.id, t.kind, count(*), min({_SINCE} + age.most) AS first_ends_at
    FROM unnest(:kinds, :limits) AS age (kind, most)
    JOIN destination t ON t.company_id = :company_id AND t.kind = age.kind AND t.status <> 'removed'
    JOIN delivery d ON d.company_id = t.company_id AND d.destination_id = t.id
     AND (d.due_at IS NOT NULL AND d.state IN ('pending', 'sending', 'unknown')
          OR d.state IN ('unknown', 'parked')) AND NOT d.is_demo
    JOIN conversion c ON c.company_id = d.company_id AND c.id = d.conversion_id
    WHERE {_SINCE} <= :now - age.most / 2
    GROUP BY t.id, t.kind ORDER BY first_ends_at
    """  # noqa: S608 - built of this file's own words
).bindparams(bindparam("kinds", type_=ARRAY(Text())), bindparam("limits", type_=ARRAY(Interval())))
_CLOSE = text(
    f"""
    UPDATE delivery d SET state = :state, due_at = NULL, lease_token = NULL, explanation = :said,
                          settled_at = CAST(:settled_at AS timestamptz)
    FROM destination t, conversion c
    WHERE t.company_id = :company_id AND t.kind = :kind AND d.company_id = t.company_id
      AND d.destination_id = t.id AND d.state = ANY(:was) AND NOT d.is_demo
      AND (d.due_at IS NOT NULL OR d.state = 'parked')
      AND c.company_id = d.company_id AND c.id = d.conversion_id AND {_SINCE} < :latest
    RETURNING d.id
    """  # noqa: S608 - built of this file's own words
).bindparams(bindparam("was", type_=ARRAY(Text())))
