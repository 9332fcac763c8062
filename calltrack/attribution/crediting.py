"""What a posterior is credited to for reports: one level, and the words of that level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from calltrack.accounts.rules import CompanySettings
from calltrack.attribution.facts import Posterior, Thresholds
from calltrack.attribution.posterior import credited, likeliest
from calltrack.kernel.origin import words_of

Level = Literal["visit", "campaign", "source", "unknown"]
LEVELS: tuple[Level, ...] = ("visit", "campaign", "source", "unknown")


@dataclass(frozen=True, kw_only=True)
class Credited:
    """The finest level that is sure enough, and what is credited. The probabilities are of the likeliest."""

    level: Level
    visit_id: UUID | None
    source: str
    medium: str
    campaign: str
    probability: float
    p_campaign: float
    p_source: float

    def columns(self) -> dict[str, Any]:
        """Return the columns of `Attribution` that keep it."""
        return dict(vars(self))


def thresholds_of(settings: CompanySettings) -> Thresholds:
    """Return from which probability on the company's reports credit each level."""
    return Thresholds(
        visit=settings.credit_probability,
        campaign=settings.credit_campaign_probability,
        source=settings.credit_source_probability,
    )


def credit(posterior: Posterior, thresholds: Thresholds) -> Credited:
    """Return what is credited. A visit is only credited together with its own campaign and source."""
    found = credited(posterior, thresholds)
    top = likeliest(posterior)
    visit = top if top and found.visit == top.visit else None
    if visit and (found.campaign not in (None, visit.campaign) or found.source not in (None, visit.source)):
        visit = None
    level, key = _level(visit.campaign if visit else None, found.campaign, found.source)
    source, medium, campaign = words_of(key)
    return Credited(
        level=level,
        visit_id=UUID(visit.visit) if visit else None,
        source=source,
        medium=medium,
        campaign=campaign,
        probability=top.p if top else 0.0,
        p_campaign=max(posterior.by_campaign.values(), default=0.0),
        p_source=max(posterior.by_source.values(), default=0.0),
    )


def _level(of_visit: str | None, campaign: str | None, source: str | None) -> tuple[Level, str]:
    """Return the level and its key; a campaign must be of the source that is credited beside it."""
    if of_visit is not None:
        return "visit", of_visit
    if campaign is not None and words_of(campaign)[0]:
        return "campaign", campaign
    if source is not None and words_of(source)[0]:
        return "source", source
    return "unknown", ""
