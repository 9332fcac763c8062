"""How far calls could be attributed: counted per level, for any period and filter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from calltrack.attribution.crediting import LEVELS
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions.call_log import CallFilter, by_call, conditions, joined, judged
from calltrack.conversions.newest import has_to_look, reach_of
from calltrack.infra.crypto import Vault
from calltrack.infra.rows import by_index

# Where no period is chosen, so many of the newest calls are looked at; of a period so many are one by one.
MOST_COUNTED = 10_000
MOST_LOOKED = 30_000


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

    Where a number, a location or a caller is asked for, the newest 10,000 of theirs are counted. In a period
    all are, unless it is asked what only looking at a call tells (a keyword, an outcome, a segment): then
    those among its newest 30,000.
    """
    query: Select[*tuple[Any, ...]] = select(func.coalesce(Attribution.level, "unknown").label("level"))
    query = query.select_from(Call)
    beside = wanted.brought or wanted.work or wanted.assignee or wanted.outcome == "waiting"
    query = joined(company_id, query) if beside else judged(company_id, query)
    query = query.where(*conditions(company_id, vault, wanted))
    most = _most(wanted)
    # Rare words may fit few calls, and all would be asked to find as many as are counted.
    reach = reach_of(session, company_id, by_call(company_id, vault, wanted), most) if most else None
    rows = (query.where(reach.holds()) if reach else query).subquery()
    counting = select(rows.c.level, func.count().label("calls")).group_by(rows.c.level)
    if reach and has_to_look(wanted):
        with by_index(session):
            counted = session.execute(counting).all()
    else:
        counted = session.execute(counting).all()
    return Levels(**{row.level: row.calls for row in counted}, is_cut=reach is not None)


def _most(wanted: CallFilter) -> int | None:
    """Return how many of the newest calls are looked at; None: all of them."""
    if wanted.since is None:
        return MOST_COUNTED
    return MOST_LOOKED if has_to_look(wanted) else None
