"""What the posterior of a call is computed from, and the posterior itself: plain values.

Every moment is a number of seconds on one axis (live: seconds since 1970 in UTC; replay: the file's own).
The hour of the week is counted from second 0 of that axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# A page that was not told to have been left is taken to be on screen this long after its last sign of life.
ON_SCREEN_SECONDS = 75.0
# A tap may reach us a little after the carrier's own start of the call.
TAP_IS_LATE_SECONDS = 5.0
MOBILE, DESKTOP = "mobile", "desktop"
# The newest holdings of a number are all a call is compared with, live and in replay: 3,000 changed nothing
# in simulated worlds.
MOST_HOLDINGS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """One visit that was shown a number: from when, until when it gave signs of life, and what it did.

    What happened after the call is never looked at: a holding may be told whole, also about the past.
    """

    visit: str
    visitor: str
    campaign: str = ""
    source: str = ""
    shown_from: float
    last_seen: float
    left: bool = False
    """The page told that it was left, so it is off screen from `last_seen` on."""
    taps: tuple[float, ...] = ()
    """Taps on the number's link, in time order."""
    copied_at: float | None = None
    contact_at: float | None = None
    """When the visit first opened a contact page."""
    device: str = ""
    region: str = ""
    returning: bool = False

    def screen_until(self) -> float:
        """Return until when the page was, or may still be, on screen."""
        return self.last_seen if self.left else self.last_seen + ON_SCREEN_SECONDS


@dataclass(frozen=True, kw_only=True, slots=True)
class CallAt:
    """A call as it begins: when, on which number, from which phone (None: withheld), from which region."""

    at: float
    number: str
    caller: str | None = None
    region: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A visit that may have made the call. `visit` and `visitor` are empty once they were erased."""

    visit: str
    visitor: str
    campaign: str
    source: str
    p: float
    carried: float = 0.0
    """The part of `p` that an earlier call handed on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why, as a code and its values; words for it belong to the page that shows it."""

    code: str
    values: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Posterior:
    """Who made the call, as probabilities.

    `candidates` (likeliest first), `rest` (visits too unlikely to list) and `p_nobody` add up to 1. So do
    `by_campaign` and `p_nobody`, and `by_source` and `p_nobody`. `by_visitor` lacks the rest, and the erased.
    """

    candidates: Sequence[Candidate] = ()
    p_nobody: float = 1.0
    rest: float = 0.0
    by_visitor: Mapping[str, float] = field(default_factory=dict)
    by_campaign: Mapping[str, float] = field(default_factory=dict)
    by_source: Mapping[str, float] = field(default_factory=dict)
    p_repeat: float = 0.0
    """How much of the whole came from earlier calls."""
    reasons: tuple[Reason, ...] = ()
    model: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """An earlier call to the same number, with what was found out about it then."""

    at: float
    posterior: Posterior
    same_caller: bool
    region: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """All that is known when a call begins. The order of `holdings` and `earlier` does not matter."""

    call: CallAt
    holdings: Sequence[Holding] = ()
    """Everybody who was shown the dialled number before the call."""
    earlier: tuple[Earlier, ...] = ()
    """The caller's last call to this number, and the recent calls to it by others."""
    linked: Mapping[str, float] = field(default_factory=dict)
    """Visitor -> how sure it is that the caller's phone is this visitor's (forms, CRM, earlier calls)."""
    taken: Mapping[str, float] = field(default_factory=dict)
    """Visitor -> how sure it is that the visitor's phone is known and another one."""
    typed: frozenset[str] = frozenset()
    """Visitors who typed the caller's phone into a form; only reasons look at it."""
    caller_is_known: bool = False
    """The caller rang this company before, on any number, or gave the number in a form."""
    known_callers: int = 0
    """How many phones this company knew as the day of the call began (UTC)."""
    calls_before: int = 0
    """How often this caller rang the company before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """From which probability on a level is credited; 0: whenever it is likelier than nobody."""

    visit: float = 0.0
    campaign: float = 0.0
    source: float = 0.0


LIKELIEST = Thresholds()
REPORTS = Thresholds(visit=0.7, campaign=0.7, source=0.7)
UPLOADS = Thresholds(visit=0.9, campaign=0.9, source=0.9)


@dataclass(frozen=True, kw_only=True, slots=True)
class Credit:
    """What a call is credited to, level by level; None where nothing is sure enough."""

    visit: str | None = None
    campaign: str | None = None
    source: str | None = None
