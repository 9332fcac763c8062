"""What is known of an installation when it is judged: values only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Level = Literal["good", "notice", "fault"]
# A page that was opened and said nothing for so long will say nothing.
SILENT_AFTER: Final = 20.0


@dataclass(frozen=True)
class Finding:
    """One thing found: what it is called, what was seen, and what to do next."""

    code: str
    level: Level
    title: str
    why: str
    step: str = ""


@dataclass(frozen=True)
class Target:
    """A business number of the site: its notations, its pool, how many numbers visitors may be shown."""

    e164: str
    shown_as: str
    international: str
    national: str
    pool: str
    usable: int
    country_fits: bool = True

    def is_one_of(self, runs: Sequence[str]) -> bool:
        """Whether one of the runs of digits is this number and nothing else."""
        return any(run in (self.international, self.national, "00" + self.international) for run in runs)

    def is_among(self, digits: str) -> bool:
        """Whether the number lies somewhere within runs of digits, joined by commas."""
        return self.international in digits or self.national in digits


@dataclass(frozen=True)
class Facts:
    """All three looks: `fetched` by our server, `seen` by the edge, `inside` from within the page."""

    site_id: str
    site_key: str
    origins: frozenset[str]
    base_url: str
    targets: tuple[Target, ...]
    fetched: Mapping[str, Any] | None = None
    seen: Sequence[Mapping[str, Any]] = ()
    inside: Mapping[str, Any] | None = None
    opened_seconds: float | None = None
    # Our numbers in readable form, by E.164.
    readable: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_read(self) -> bool:
        """Whether our server could read the page."""
        return self.fetched is not None and not self.fetched["problem"]

    @property
    def read(self) -> Mapping[str, Any]:
        """What our server read; nothing where it could not."""
        return self.fetched if self.fetched is not None and self.is_read else {}

    @property
    def answered(self) -> list[Mapping[str, Any]]:
        """The marked page views that were answered with numbers, or with none."""
        return [one for one in self.seen if one["outcome"] == "shown"]

    @property
    def is_silent(self) -> bool:
        """Whether the page was opened long enough ago and nothing came."""
        return not self.seen and (self.opened_seconds or 0) >= SILENT_AFTER

    def found_in_browser(self, target: Target) -> bool:
        """Whether the page told this number's digits as a number that is replaced."""
        told = [one["found"] for one in self.answered]
        if any(target.is_one_of(digits.split(",")) for digits in told):
            return True
        # Two numbers beside each other are told as one run; so is a number with an extension, which stays.
        places = self.read.get("targets", {}).get(target.e164, {})
        is_extended = places.get("extension") and not (places.get("text") or places.get("link"))
        return not is_extended and any(target.is_among(digits) for digits in told)

    def replaced(self, target: Target) -> str:
        """Return the number that was given in its place, as its digits; empty: none."""
        given = [one["numbers"].get(target.international, "") for one in self.answered]
        return next((number for number in reversed(given) if number), "")
