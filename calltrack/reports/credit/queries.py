"""Credit of a period under every model, side by side: what the page, its export and the API show."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from calltrack.journeys.credit.beside import Difference, difference
from calltrack.journeys.credit.grouping import grouped
from calltrack.journeys.credit.models import MODELS, Credit, TooLittleData, credit
from calltrack.journeys.credit.need import Need
from calltrack.journeys.credit.paths import Paths, Totals, folded, joined
from calltrack.kernel.errors import BadInput
from calltrack.reports.credit.model import CreditDay, CreditPaths
from calltrack.reports.credit.months import bases_of, keep_month, kept_months, totals_of
from calltrack.reports.credit.packing import unpack
from calltrack.reports.credit.told import KINDS, LEVELS, WINDOWS
from calltrack.reports.days import edges, last_of, whole_months

BASE = "last"
"""What all others are compared with: what most tools show."""
MOST_CHANNELS = 24
"""So many channels are told apart, the rest is one; more are not read by anybody, and chains would grow."""
MOST_DAYS = 800
MONTH = 31
NO_PLACES, NO_FLOATS = np.empty(0, np.int64), np.empty(0)
NOTHING_COUNTED = Paths(
    (), NO_PLACES, NO_PLACES, NO_FLOATS, NO_FLOATS, NO_FLOATS, Totals(), (NO_FLOATS, NO_FLOATS)
)


@dataclass(frozen=True)
class Asked:
    """What somebody wants to know: days (both included) of the company's time zone, and the choices."""

    since: date
    until: date
    level: str = "source"
    kind: str = "lead"
    days: int = 30

    def __post_init__(self) -> None:
        """Check the choices.

        Raises:
            BadInput: one of them is none.
        """
        if self.level not in LEVELS:
            raise BadInput(f"Credit is given per {' or '.join(LEVELS)}.")
        if self.kind not in KINDS:
            raise BadInput(f"The kind of conversion is {' or '.join(KINDS)}.")
        if self.days not in WINDOWS:
            raise BadInput(f"The window is {', '.join(map(str, WINDOWS))} days.")
        if self.since > self.until:
            raise BadInput("The first day lies after the last one: change one of them.")
        if (self.until - self.since).days >= MOST_DAYS:
            raise BadInput(f"At most {MOST_DAYS} days are credited at once: choose a later first day.")


@dataclass(frozen=True)
class Side:
    """What one model says; without a credit, `refusal` tells why there is none."""

    model: str
    credit: Credit | None
    refusal: str = ""
    missing: int = 0
    """Conversions that are missing, where there is too little data."""
    against: Difference | None = None
    """This model less the last touch, per channel."""

    @property
    def label(self) -> str:
        """Return the model's name for people."""
        return MODELS[self.model].label

    @property
    def sentence(self) -> str:
        """Return what the model does."""
        return MODELS[self.model].sentence


@dataclass(frozen=True)
class CreditReport:
    """All models over the same journeys; channels are those of every credit, in the same order."""

    asked: Asked
    channels: tuple[str, ...]
    totals: Totals
    sides: tuple[Side, ...]
    counted_at: datetime | None
    """When the newest of the days was counted; None: none was."""
    waiting: int
    """Days that are about to be counted (anew)."""

    def side(self, model: str) -> Side:
        """Return what one model says."""
        return next(one for one in self.sides if one.model == model)

    @property
    def order(self) -> list[int]:
        """Return the channels' places, the most credited by last touch first."""
        base = self.side(BASE).credit
        shares = base.conversions if base else (0.0,) * len(self.channels)
        return sorted(range(len(self.channels)), key=lambda at: (-shares[at], self.channels[at]))


@dataclass(frozen=True)
class State:
    """When the newest of some days was counted (None: none was), and how many are about to be."""

    counted_at: datetime | None
    waiting: int


def credit_report(session: Session, company_id: UUID, asked: Asked) -> CreditReport:
    """Return what every model says about the days asked for."""
    state = state_of(session, company_id, asked)
    paths = folded(paths_of(session, company_id, asked), MOST_CHANNELS)
    sides = [_side(model, paths) for model in MODELS]
    base = next(one.credit for one in sides if one.model == BASE)
    return CreditReport(
        asked=asked,
        channels=paths.channels,
        totals=paths.totals,
        sides=tuple(_compared(one, base) for one in sides),
        counted_at=state.counted_at,
        waiting=state.waiting,
    )


def state_of(session: Session, company_id: UUID, asked: Asked) -> State:
    """Return when the days asked for were counted, and how many wait to be."""
    counted_at, waiting = session.execute(
        select(
            func.max(CreditDay.counted_at),
            func.count().filter(CreditDay.due_at.is_not(None) | CreditDay.leased_until.is_not(None)),
        ).where(CreditDay.company_id == company_id, CreditDay.day.between(asked.since, asked.until))
    ).one()
    return State(counted_at, waiting)


def paths_of(session: Session, company_id: UUID, asked: Asked) -> Paths:
    """Return the paths of the days asked for, equal ones added up; whole months are kept for next time."""
    months = whole_months(asked.since, asked.until)
    bases = bases_of(session, company_id, asked, months)
    kept = kept_months(session, company_id, asked, bases)
    parts = [
        _of_days(session, company_id, asked, first, last) for first, last in edges(asked.since, asked.until)
    ]
    for month in months:
        if month not in kept:
            kept[month] = _of_days(session, company_id, asked, month, last_of(month))
            if month in bases:
                keep_month(session, company_id, asked, month, bases[month], kept[month])
    found = NOTHING_COUNTED
    for part in (*parts, *(kept[month] for month in months)):
        found = grouped(joined([found, part]))
    return found


def _of_days(session: Session, company_id: UUID, asked: Asked, first: date, last: date) -> Paths:
    columns = (
        CreditPaths.channels, CreditPaths.conversions, CreditPaths.nulls, CreditPaths.value_minor,
        CreditPaths.uncredited, CreditPaths.uncredited_value, CreditPaths.packed,
    )  # fmt: skip
    rows = session.execute(
        select(*columns)
        .where(
            CreditPaths.company_id == company_id,
            CreditPaths.level == asked.level,
            CreditPaths.kind == asked.kind,
            CreditPaths.days == asked.days,
            CreditPaths.day.between(first, last),
        )
        .order_by(CreditPaths.day)
        .execution_options(yield_per=MONTH)
    )
    found = NOTHING_COUNTED
    # A month at a time: a year of a large company would not fit.
    for some in rows.partitions(MONTH):
        parts = [unpack(row.packed, row.channels, totals_of(row)) for row in some]
        found = grouped(joined([found, *parts]))
    return found


def _side(model: str, paths: Paths) -> Side:
    try:
        return Side(model, credit(model, paths))
    except TooLittleData as problem:
        need = MODELS[model].needs_conversions
        seen = paths.totals.conversions - paths.totals.uncredited
        return Side(model, None, str(problem), Need(need, seen).missing)
    except BadInput as problem:
        return Side(model, None, str(problem))


def _compared(side: Side, base: Credit | None) -> Side:
    if side.credit is None or base is None:
        return side
    return Side(side.model, side.credit, against=difference(side.credit, base))
