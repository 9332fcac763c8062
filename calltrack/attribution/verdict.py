"""What is known about a call before the verdict, and the verdict itself: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

Campaign = tuple[str, str, str]
NO_CAMPAIGN: Campaign = ("", "", "")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One visit that was shown the dialled number before the call began."""

    visit_id: UUID
    visitor_id: UUID
    visit_started_at: datetime
    shown_from: datetime
    last_seen_at: datetime
    tapped_at: datetime | None = None
    pages: int = 1
    saw_contact_page: bool = False
    is_overflow: bool = False
    source: str
    medium: str
    campaign: str
    known_as: Literal["caller", "somebody_else"] | None = None
    """Whom earlier calls have shown this visitor to be."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A visit that may have made the call, with its share of the probability."""

    visit_id: UUID
    visitor_id: UUID
    probability: float
    age_seconds: int
    """Seconds between the last sign of life and the call; 0 while the page was on screen."""
    on_screen: bool
    tapped_seconds: int | None
    """Seconds between a tap on the number and the call; None without a tap in the minute before."""
    dwell_seconds: int
    pages: int
    is_overflow: bool
    source: str
    medium: str
    campaign: str
    is_known: bool = False
    """Earlier calls showed that this visitor is this caller."""
    is_carried: bool = False
    """Most of its probability comes from an earlier call of the same caller."""

    def campaign_key(self) -> Campaign:
        """What makes two visits come from the same campaign."""
        return (self.source, self.medium, self.campaign)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as `attribution.candidates` stores them."""
        return asdict(self) | {
            "visit_id": str(self.visit_id),
            "visitor_id": str(self.visitor_id),
            "tapped": self.tapped_seconds is not None,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Candidate:
        """Read what `to_json` wrote."""
        ids = {name: UUID(stored[name]) for name in ("visit_id", "visitor_id")}
        own = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in own} | ids)


@dataclass(frozen=True, kw_only=True)
class EarlierCall:
    """The caller's last call to the same number before this one, with the verdict on it."""

    started_at: datetime
    candidates: tuple[Candidate, ...]
    p_nobody: float


@dataclass(frozen=True, kw_only=True)
class CallFacts:
    """What the verdict needs to know of the call itself."""

    started_at: datetime
    number_kind: Literal["pool", "overflow", "static"]
    static_campaign: Campaign = NO_CAMPAIGN
    is_withheld: bool = False
    talk_seconds: int = 0
    earlier: EarlierCall | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Which visit made the call, how sure that is, and why.

    The probabilities of all candidates, `p_nobody` and `rest` add up to 1.
    """

    model: str
    visit_id: UUID | None
    probability: float
    p_nobody: float
    campaign: Campaign
    """Source, medium, campaign that are credited; empty words where none is sure enough."""
    p_campaign: float
    candidates: tuple[Candidate, ...] = ()
    rest: float = 0.0
    """What is left for visits that are not listed, and for whoever saw a static number."""
    reasons: tuple[str, ...] = ()
