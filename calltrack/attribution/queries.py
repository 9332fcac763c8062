"""Who made a call, how sure that is, and why: verdicts as pages and the API show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.attribution.model import Attribution
from calltrack.attribution.stored import posterior_of
from calltrack.attribution.words import sentences
from calltrack.kernel.origin import words_of

# So many earlier verdicts are shown; more than a few there are only where history was judged anew.
MOST_EARLIER = 10


@dataclass(frozen=True)
class Candidate:
    """A visit that could have made the call; without ids once its visitor was erased."""

    visit_id: UUID | None
    visitor_id: UUID | None
    probability: float
    carried: float
    """The part of it that an earlier call handed on."""
    source: str
    medium: str
    campaign: str


@dataclass(frozen=True)
class Share:
    """What a campaign, or a source, comes to."""

    source: str
    medium: str
    campaign: str
    probability: float


@dataclass(frozen=True)
class Verdict:
    """A verdict on a call. `level` is the finest that reports credit, by the company's thresholds then."""

    decided_at: datetime
    model: str
    level: str
    visit_id: UUID | None
    probability: float
    p_nobody: float
    source: str
    medium: str
    campaign: str
    p_campaign: float
    p_source: float
    rest: float
    p_repeat: float
    candidates: tuple[Candidate, ...]
    by_campaign: tuple[Share, ...]
    by_source: tuple[Share, ...]
    reasons: tuple[str, ...]
    codes: tuple[Mapping[str, object], ...]
    """The reasons as codes with values."""

    @property
    def p_level(self) -> float:
        """How sure the credited level is; of the likeliest source where none is credited."""
        return {"visit": self.probability, "campaign": self.p_campaign}.get(self.level, self.p_source)


def verdict(session: Session, company_id: UUID, call_id: UUID) -> Verdict | None:
    """Return the present verdict on a call; None while nobody has judged it."""
    found = session.scalar(
        select(Attribution).where(
            Attribution.company_id == company_id, Attribution.call_id == call_id, Attribution.is_current
        )
    )
    return shown(found) if found else None


def earlier_verdicts(session: Session, company_id: UUID, call_id: UUID) -> tuple[Verdict, ...]:
    """Return what was thought of a call before, newest first."""
    rows = session.scalars(
        select(Attribution)
        .where(Attribution.company_id == company_id, Attribution.call_id == call_id, ~Attribution.is_current)
        .order_by(Attribution.decided_at.desc(), Attribution.id.desc())
        .limit(MOST_EARLIER)
    )
    return tuple(shown(row) for row in rows)


def shown(row: Attribution) -> Verdict:
    """Return a stored verdict as pages and the API show it."""
    found = posterior_of(row)
    return Verdict(
        decided_at=row.decided_at,
        model=row.model,
        level=row.level,
        visit_id=row.visit_id,
        probability=row.probability,
        p_nobody=row.p_nobody,
        source=row.source,
        medium=row.medium,
        campaign=row.campaign,
        p_campaign=row.p_campaign,
        p_source=row.p_source,
        rest=found.rest,
        p_repeat=row.p_repeat,
        candidates=tuple(
            Candidate(
                _id(one.visit), _id(one.visitor), one.p, one.carried, *words_of(one.campaign)
            )
            for one in found.candidates
        ),
        by_campaign=_shares(found.by_campaign),
        by_source=_shares(found.by_source),
        reasons=sentences(found.reasons),
        codes=tuple({"code": one.code, "values": dict(one.values)} for one in found.reasons),
    )  # fmt: skip


def _id(text: str) -> UUID | None:
    return UUID(text) if text else None


def _shares(level: Mapping[str, float]) -> tuple[Share, ...]:
    ranked = sorted(level.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Share(*words_of(key), p) for key, p in ranked if p > 0)
