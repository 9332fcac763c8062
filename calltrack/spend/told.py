"""What a platform, a file or a person tells of spend; values only.

Costs are millionths of the account's currency; days are the account's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class AccountTold:
    """What a platform tells of an ad account."""

    name: str
    currency: str
    timezone: str


@dataclass(frozen=True, slots=True)
class CampaignTold:
    """A campaign as the platform names it, with the budget it spends from where that is told."""

    external_id: str
    name: str
    budget_id: str = ""
    budget_micros: int | None = None
    is_budget_shared: bool = False
    # Its words in visits, where the source of the figures says so itself.
    campaign_key: str = ""


@dataclass(frozen=True, slots=True)
class DayTold:
    """What a campaign cost on a day."""

    campaign_id: str
    day: date
    cost_micros: int
    clicks: int = 0
    impressions: int = 0


@dataclass(frozen=True, slots=True)
class PartTold:
    """What an ad group (no criterion) or a keyword in it cost on a day."""

    campaign_id: str
    ad_group_id: str
    ad_group: str
    criterion_id: str
    keyword: str
    match_type: str
    day: date
    cost_micros: int
    clicks: int
    impressions: int


@dataclass(frozen=True, slots=True)
class ClickTold:
    """Which campaign, ad group and keyword were behind a click id."""

    gclid: str = field(repr=False)
    campaign_id: str = ""
    ad_group_id: str = ""
    ad_group: str = ""
    keyword: str = ""
    match_type: str = ""


@dataclass(frozen=True, slots=True)
class Days:
    """Days from the first to the last, both included."""

    first: date
    last: date

    def slices(self, length: int) -> Sequence["Days"]:
        """Cut into stretches of at most so many days, the newest first."""
        found, last = [], self.last
        while last >= self.first:
            first = max(self.first, last - timedelta(days=length - 1))
            found.append(Days(first, last))
            last = first - timedelta(days=1)
        return found


@dataclass(frozen=True, slots=True)
class Spent:
    """The whole of what was spent in some days: what is not named here cost nothing then."""

    days: Days
    campaigns: Sequence[CampaignTold]
    rows: Sequence[DayTold]


Class = Literal["later", "paused", "bug", "smaller"]


class Trouble(Exception):
    """A platform did not tell. later: ask again · paused: a person first · smaller: fewer days at once."""

    def __init__(self, class_: Class, words: str, after: timedelta | None = None) -> None:
        super().__init__(words)
        self.class_, self.words, self.after = class_, words, after
