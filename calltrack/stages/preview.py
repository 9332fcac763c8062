"""What other rules would have made of the persons of the last days; nothing is stored."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.stages.events import in_order
from calltrack.stages.journey_rules import facts_of
from calltrack.stages.model import JourneyRow
from calltrack.stages.reading import read_events
from calltrack.stages.score_rules import ScoreRules, band_of, score_of
from calltrack.stages.stage_rules import history
from calltrack.stages.stage_words import STAGES, StageRules

DAYS: Final = 30
# The newest ones; more make no other share.
MOST: Final = 5_000
# Stages are made from all a person ever did, which takes longer to read.
MOST_STAGED: Final = 1_000


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


@dataclass(frozen=True)
class Move:
    """So many persons would move from one stage to another."""

    was: str
    becomes: str
    persons: int


@dataclass(frozen=True)
class StagePreview:
    """Persons of the last days (`is_cut`: only the newest of them) and who of them would be elsewhere.

    `counts` holds for each stage how many are in it now, and how many would be.
    """

    days: int
    persons: int
    is_cut: bool
    moves: tuple[Move, ...]
    counts: tuple[tuple[str, int, int], ...]

    @property
    def rises(self) -> int:
        """How many would reach a higher stage."""
        return sum(one.persons for one in self.moves if STAGES.index(one.becomes) > STAGES.index(one.was))

    @property
    def moved(self) -> int:
        """How many would be in another stage."""
        return sum(one.persons for one in self.moves)


def preview_stages(session: Session, company_id: UUID, rules: StageRules, now: datetime) -> StagePreview:
    """Make the stages of the persons of the last 30 days (at most the newest 1,000) by these rules."""
    rows = _newest(session, company_id, now, MOST_STAGED + 1)
    was = {row.id: row.stage for row in rows[:MOST_STAGED]}
    currency = session.scalars(select(Company.currency).where(Company.id == company_id)).one()
    found = read_events(session, company_id, list(was), rules.price_words, currency)
    becomes = {
        id_: history(events, rules)[0][-1].stage if (events := in_order(found.events.get(id_, ()))) else stage
        for id_, stage in was.items()
    }
    moves = Counter((stage, becomes[id_]) for id_, stage in was.items() if becomes[id_] != stage)
    before, after = Counter(was.values()), Counter(becomes.values())
    return StagePreview(
        DAYS, len(was), len(rows) > MOST_STAGED,
        tuple(Move(STAGES[old], STAGES[new], persons) for (old, new), persons in sorted(moves.items())),
        tuple((name, before[stage], after[stage]) for stage, name in enumerate(STAGES)),
    )  # fmt: skip


def preview_score(
    session: Session, company_id: UUID, rules: ScoreRules, now: datetime, held: ScoreRules
) -> ScorePreview:
    """Score the persons of the last 30 days (at most the newest 5,000) by these rules."""
    rows = _newest(session, company_id, now, MOST)
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


def _newest(session: Session, company_id: UUID, now: datetime, most: int) -> Sequence[JourneyRow]:
    wanted = (
        select(JourneyRow)
        .where(
            JourneyRow.company_id == company_id,
            JourneyRow.is_person,
            JourneyRow.last_at > now - timedelta(days=DAYS),
        )
        .order_by(JourneyRow.last_at.desc(), JourneyRow.id)
        .limit(most)
    )
    return session.scalars(wanted).all()
