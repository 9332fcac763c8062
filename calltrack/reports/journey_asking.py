"""What somebody asks of a view over journeys: period and words as of a report, and a segment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from calltrack.reports.asking import Stretch, read_period, read_words, stored_words, words_told
from calltrack.stages.cells import Among, Days, Origin, Within

# What a view shows at first: cohorts say little of fewer weeks.
USUAL: Final = {"cohorts": "90d"}


@dataclass(frozen=True)
class JourneysAsked:
    """One question. Empty words ask for all; `segment` is an id in hex."""

    period: str
    now: Stretch
    is_open: bool
    """Whether its last day is not over."""
    is_chosen: bool = True
    """Whether somebody asked for this period; else it is the one the view shows at first."""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    segment: str = ""

    @property
    def days(self) -> Days:
        """The days first touches are counted of."""
        return Days(self.now.since, self.now.until)

    def among(self, within: Within | None) -> Among:
        """Return whom a view counts; `within` is the segment's condition."""
        return Among(within, Origin(*stored_words(self.source, self.medium, self.campaign)))

    def words(self) -> dict[str, str]:
        """Return the filters as an address spells them."""
        told = {
            "source": self.source, "medium": self.medium, "campaign": self.campaign, "segment": self.segment
        }  # fmt: skip
        return {name: value for name, value in told.items() if value}

    def address(self, **other: str) -> str:
        """Return the whole question as an address's query, with some of it told otherwise."""
        told = self.words() | ({"period": self.period} if self.is_chosen else {})
        if self.period == "days":
            told |= {"since": self.now.since.isoformat(), "until": self.now.until.isoformat()}
        return urlencode({name: value for name, value in (told | other).items() if value})

    def filters(self, segment_name: str = "") -> str:
        """Return the filters in words; empty where all is shown."""
        told = words_told(self.source, self.medium, self.campaign)
        if self.segment:
            told.append(f"persons in the segment “{segment_name or 'no longer there'}”")
        return ", ".join(told)


def read_journeys_asked(args: Mapping[str, str], today: date, view: str = "") -> JourneysAsked:
    """Read a question; `today` is the company's day, `view` says which period is usual.

    Raises:
        BadInput: days that are none, or a period that is not known.
    """
    period, now = read_period(args, today, USUAL.get(view, "30d"))
    segment = args.get("segment", "").strip().replace("-", "").lower()[:32]
    is_chosen = any(args.get(name) for name in ("period", "since", "until"))
    return JourneysAsked(period, now, now.until >= today, is_chosen, *read_words(args), segment)
