"""How far calls could be attributed: counted per level, for any period and filter."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from calltrack.attribution.crediting import LEVELS
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions.call_log import CallFilter, conditions, joined, judged
from calltrack.infra.crypto import Vault

# Where no period is chosen, so many of the newest calls are looked at.
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Levels:
    """How many calls are credited at each level; each call counts once, at its finest."""

    visit: int = 0
    campaign: int = 0
    source: int = 0
    unknown: int = 0
    """Nothing is sure enough, or nobody has judged the call yet."""
    is_cut: bool = False
    """There may be older calls that were not counted."""

    @property
    def calls(self) -> int:
        """All calls that were counted."""
        return self.visit + self.campaign + self.source + self.unknown

    def share(self, level: str) -> float | None:
        """Return a level's share of the calls; None where there is no call."""
        return float(getattr(self, level)) / self.calls if self.calls else None

    def shares(self) -> Mapping[str, float | None]:
        """Return every level's share, the finest first."""
        return {level: self.share(level) for level in LEVELS}


def levels(session: Session, vault: Vault, company_id: UUID, wanted: CallFilter) -> Levels:
    """Count the calls that fit the filter per level; without a period, those among the newest 10,000 calls.

    Where a number, a location or a caller is asked for, the newest 10,000 of theirs are counted.
    """
    query: Select[*tuple[Any, ...]] = select(func.coalesce(Attribution.level, "unknown").label("level"))
    query = query.select_from(Call)
    beside = wanted.brought or wanted.work or wanted.assignee or wanted.outcome == "waiting"
    query = joined(company_id, query) if beside else judged(company_id, query)
    query = query.where(*conditions(company_id, vault, wanted))
    oldest: datetime | None = None
    has_own_calls = wanted.number_id or wanted.location_id or wanted.caller
    if wanted.since is None and not has_own_calls:
        # Rare words may fit few calls, and all would be asked to find as many as are counted.
        newest = select(Call.started_at).where(Call.company_id == company_id)
        oldest = session.scalar(newest.order_by(Call.started_at.desc()).offset(MOST_COUNTED).limit(1))
        query = query.where(Call.started_at > oldest) if oldest else query
    elif wanted.since is None:
        query = query.order_by(Call.started_at.desc()).limit(MOST_COUNTED)
    rows = query.subquery()
    counted = session.execute(select(rows.c.level, func.count().label("calls")).group_by(rows.c.level))
    counts: dict[str, int] = {row.level: row.calls for row in counted}
    is_cut = oldest is not None or (wanted.since is None and sum(counts.values()) == MOST_COUNTED)
    return Levels(**counts, is_cut=is_cut)
