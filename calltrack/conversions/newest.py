"""How far back a list of calls is looked through at once: what fits few calls must not be sought in all.

An index finds calls by time, number and caller. Whether a call fits other words (a source, a keyword, a
segment) shows only when it is looked at, so a page looks at so many of the newest and goes on from there.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select, tuple_
from sqlalchemy.orm import Session

from calltrack.calls.model import Call

MOST_LOOKED: Final = 20_000
# Few, and found by indexes of their own.
_FOUND: Final = ("open", "waiting")


@dataclass(frozen=True)
class Reach:
    """The oldest call that is looked at: its time and id. There are older ones."""

    started_at: datetime
    id: UUID

    def holds(self) -> ColumnElement[bool]:
        """Return the condition that a call is no older."""
        # The first part alone is what an index serves.
        return and_(
            Call.started_at >= self.started_at,
            tuple_(Call.started_at, Call.id) >= tuple_(self.started_at, self.id),
        )


def reach_of(
    session: Session, company_id: UUID, within: list[ColumnElement[bool]], most: int
) -> Reach | None:
    """Return how far the newest `most` calls reach among those within the conditions; None: to the end."""
    query = select(Call.started_at, Call.id).where(Call.company_id == company_id, *within)
    rows = session.execute(
        query.order_by(Call.started_at.desc(), Call.id.desc()).offset(most - 1).limit(2)
    ).all()
    return Reach(rows[0].started_at, rows[0].id) if len(rows) > 1 else None


def has_to_look(wanted: Any) -> bool:
    """Tell whether a filter of calls asks for what shows only when a call is looked at."""
    words = (
        wanted.source, wanted.medium, wanted.campaign, wanted.keyword, wanted.ad_group, wanted.landing_page,
        wanted.brought,
    )  # fmt: skip
    is_odd = bool(wanted.outcome) and wanted.outcome not in _FOUND
    return any(words) or is_odd or wanted.hour is not None or wanted.among is not None
