"""What answers at the company, its locations, their pools and every number: the narrowest assignment."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Spot:
    """A company, location, pool or number; `above` names the wider ones, the next one first.

    `flow_id` None: the location's settings answer. `scope`: where the flow that answers was assigned;
    `is_own`: right here.
    """

    kind: str
    id: UUID
    name: str
    above: tuple[UUID, ...]
    flow_id: UUID | None
    flow: str
    scope: str

    @property
    def is_own(self) -> bool:
        """Whether the flow was assigned to this very place."""
        return self.flow_id is not None and self.scope == self.kind


_SPOTS = text(
    """
    SELECT 'company' AS kind, c.id, c.name, NULL::uuid AS pool_id, NULL::uuid AS location_id, 0 AS rank,
           '' AS sort
    FROM company c WHERE c.id = :company_id
    UNION ALL
    SELECT 'location', l.id, l.name, NULL, NULL, 1, l.name FROM location l WHERE l.company_id = :company_id
    UNION ALL
    SELECT 'pool', p.id, p.name, NULL, p.location_id, 2, p.name FROM pool p WHERE p.company_id = :company_id
    UNION ALL
    SELECT 'number', n.id, n.e164, n.pool_id, n.location_id, 3, n.e164
    FROM tracking_number n WHERE n.company_id = :company_id AND n.released_at IS NULL
    ORDER BY rank, sort, id
    """
)
_ASSIGNED = text(
    """
    SELECT a.subject_id, a.scope, a.flow_id, f.name
    FROM flow_assignment a
    JOIN call_flow f ON f.company_id = a.company_id AND f.id = a.flow_id AND f.deleted_at IS NULL
    WHERE a.company_id = :company_id
    """
)


def spots(session: Session, company_id: UUID) -> tuple[Spot, ...]:
    """Return every place, from the company down to single numbers, with what answers there."""
    given = {"company_id": company_id}
    assigned = {
        (row.scope, row.subject_id): (row.flow_id, row.name) for row in session.execute(_ASSIGNED, given)
    }
    found = []
    for row in session.execute(_SPOTS, given):
        above = {
            "pool": row.pool_id,
            "location": row.location_id,
            "company": company_id if row.kind != "company" else None,
        }
        wider = {kind: id_ for kind, id_ in above.items() if id_ is not None}
        flow_id, flow, scope = _answer({row.kind: row.id} | wider, assigned)
        found.append(Spot(row.kind, row.id, row.name, tuple(wider.values()), flow_id, flow, scope))
    return tuple(found)


def _answer(
    places: Mapping[str, UUID], assigned: Mapping[tuple[str, UUID], tuple[UUID, str]]
) -> tuple[UUID | None, str, str]:
    """Return the flow of the narrowest place that has one."""
    for scope in ("number", "pool", "location", "company"):
        if scope in places and (scope, places[scope]) in assigned:
            flow_id, name = assigned[scope, places[scope]]
            return flow_id, name, scope
    return None, "", "settings"
