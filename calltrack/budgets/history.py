"""What each budget spent and brought, week by week: the values every rule of this room is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class WeekOfCampaign:
    """What a campaign spent and brought in a week; amounts in minor units, conversions may be in parts."""

    week: int
    campaign: str
    spend: float
    conversions: float
    value: float


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """Budgets by weeks, oldest week first. A budget is one campaign, or several that share one."""

    names: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]
    """The campaigns behind each budget; a campaign of its own is its only member."""
    spend: Floats
    conversions: Floats
    value: Floats

    @property
    def weeks(self) -> int:
        """Return how many weeks it covers, empty ones among them included."""
        return int(self.spend.shape[1])

    def today(self) -> tuple[int, ...]:
        """Return what each budget spent in the newest week, in whole minor units."""
        return tuple(round(each) for each in self.spend[:, -1])


def history_of(rows: Sequence[WeekOfCampaign], groups: Mapping[str, Sequence[str]] | None = None) -> History:
    """Return the history of rows; campaigns that share a budget are added up, weeks without a row are 0."""
    shared = {campaign: group for group, campaigns in (groups or {}).items() for campaign in campaigns}
    campaigns = sorted({row.campaign for row in rows})
    members: dict[str, tuple[str, ...]] = {}
    for campaign in campaigns:
        name = shared.get(campaign, campaign)
        members[name] = (*members.get(name, ()), campaign)
    names = tuple(sorted(members))
    place = {campaign: names.index(name) for name in names for campaign in members[name]}
    first = min(row.week for row in rows)
    table = np.zeros((3, len(names), max(row.week for row in rows) - first + 1))
    for row in rows:
        table[:, place[row.campaign], row.week - first] += (row.spend, row.conversions, row.value)
    return History(names=names, members=members, spend=table[0], conversions=table[1], value=table[2])
