"""What other score rules would have made of the persons of the last days; nothing is stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.stages.journey_rules import facts_of
from calltrack.stages.model import JourneyRow
from calltrack.stages.score_rules import ScoreRules, band_of, score_of

DAYS: Final = 30
# The newest ones; more make no other share.
MOST: Final = 5_000


@dataclass(frozen=True)
class BandRow:
    """How many are in a band, and how many of them are told to be won and lost."""

    band: str
    persons: int
    won: int
    lost: int


@dataclass(frozen=True)
class ScorePreview:
    """Persons of the last days by band. Precision: of the hot ones that were told, so many were won.

    Recall: of the won ones, so many are hot. None: nobody was told. `moved` counts who changes the band.
    """

    days: int
    persons: int
    bands: tuple[BandRow, ...]
    precision: float | None
    recall: float | None
    moved: int


def preview_score(
    session: Session, company_id: UUID, rules: ScoreRules, now: datetime, held: ScoreRules
) -> ScorePreview:
    """Score the persons of the last 30 days (at most the newest 5,000) by these rules."""
    rows = session.scalars(
        select(JourneyRow)
        .where(
            JourneyRow.company_id == company_id,
            JourneyRow.is_person,
            JourneyRow.last_at > now - timedelta(days=DAYS),
        )
        .order_by(JourneyRow.last_at.desc(), JourneyRow.id)
        .limit(MOST)
    ).all()
    found = {band: [0, 0, 0] for band in ("hot", "warm", "cold")}
    moved = 0
    for row in rows:
        band = band_of(score_of(facts_of(row), rules), rules)
        moved += band != band_of(row.score, held)
        for place, counts in enumerate((True, row.is_won, row.is_lost)):
            found[band][place] += counts
    hot, won = found["hot"], sum(counts[1] for counts in found.values())
    told = hot[1] + hot[2]
    return ScorePreview(
        DAYS, len(rows), tuple(BandRow(band, *counts) for band, counts in found.items()),
        hot[1] / told if told else None, hot[1] / won if won else None, moved,
    )  # fmt: skip
