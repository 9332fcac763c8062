"""Which visit made a call, and why we think so."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.attribution.model import Attribution


@dataclass(frozen=True)
class Candidate:
    """A visit that could have made the call."""

    visit_id: UUID
    visitor_id: UUID | None
    probability: float
    age_seconds: float
    on_screen: bool
    tapped: bool
    is_known: bool
    pages: int | None
    source: str
    medium: str
    campaign: str


@dataclass(frozen=True)
class Verdict:
    """The present verdict on a call; `visit_id` is None where no visit is sure enough to be named."""

    decided_at: datetime
    model: str
    visit_id: UUID | None
    probability: float
    p_nobody: float
    source: str
    medium: str
    campaign: str
    p_campaign: float
    candidates: tuple[Candidate, ...]
    reasons: tuple[str, ...]


def verdict(session: Session, company_id: UUID, call_id: UUID) -> Verdict | None:
    """Return the present verdict on a call; None while nobody has judged it."""
    found = session.scalar(
        select(Attribution).where(
            Attribution.company_id == company_id, Attribution.call_id == call_id, Attribution.is_current
        )
    )
    if found is None:
        return None
    return Verdict(
        decided_at=found.decided_at,
        model=found.model,
        visit_id=found.visit_id,
        probability=found.probability,
        p_nobody=found.p_nobody,
        source=found.source,
        medium=found.medium,
        campaign=found.campaign,
        p_campaign=found.p_campaign,
        candidates=tuple(_candidate(stored) for stored in found.candidates),
        reasons=tuple(found.reasons),
    )


def _candidate(stored: dict[str, Any]) -> Candidate:
    return Candidate(
        visit_id=UUID(stored["visit_id"]),
        visitor_id=UUID(stored["visitor_id"]) if stored.get("visitor_id") else None,
        probability=float(stored.get("probability") or 0),
        age_seconds=float(stored.get("age_seconds") or 0),
        on_screen=bool(stored.get("on_screen")),
        tapped=bool(stored.get("tapped")) or stored.get("tapped_seconds") is not None,
        is_known=bool(stored.get("is_known")),
        pages=stored.get("pages"),
        source=stored.get("source") or "",
        medium=stored.get("medium") or "",
        campaign=stored.get("campaign") or "",
    )
