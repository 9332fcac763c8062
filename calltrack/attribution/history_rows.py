"""Weeks of a company's visits, calls and told phones, read from rows as learning and calibration see them.

Memory is bounded: of a company with more than fits, as many numbers are taken as do, by lot, each with all of
its visits and calls. A number's whole story is needed (who saw it, who rang), so that rates come out right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from calltrack.attribution.evidence import call_at, one_per_visit
from calltrack.attribution.facts import Holding
from calltrack.attribution.history import History
from calltrack.attribution.holdings import all_holdings
from calltrack.attribution.model_versions import Taught
from calltrack.attribution.told_rows import told_phones
from calltrack.calls.model import Call
from calltrack.numbers.model import Lease, TrackingNumber
from calltrack.numbers.order_model import NumberUse

WEEKS: Final = timedelta(days=28)
# So many visits are taken, and so many pairs of a call and a visit that may have made it: half a gigabyte.
MOST_VISITS, MOST_PAIRS = 60_000, 1_000_000
# Whoever has more than that on one number alone is heard over fewer days.
SHORTER: Final = (timedelta(days=14), timedelta(days=7), timedelta(days=3), timedelta(days=1))
SHOWN_IN_TURN: Final = ("pool", "overflow")


@dataclass(frozen=True, slots=True)
class Size:
    """How much a number has to tell: the times it was shown, and its calls."""

    visits: int
    calls: int

    def pairs(self) -> int:
        """Return about how many visits its calls have to be compared with in all."""
        return self.visits * self.calls // 2


@dataclass(frozen=True, slots=True)
class Read:
    """A history, which call each of its calls is, and what it was read from."""

    history: History
    call_ids: tuple[UUID, ...]
    taught: Taught


def read_history(session: Session, company_id: UUID, until: datetime) -> Read:
    """Return the last four weeks of the company, or of as many of its numbers as fit."""
    # It is night, and nobody waits for it: a large company's index takes longer than a page may.
    session.execute(text("SET LOCAL statement_timeout = '300s'"))
    for span in (WEEKS, *SHORTER):
        since = until - span
        sizes = _sizes(session, company_id, since, until)
        chosen = choose_numbers(sizes, until.date().isoformat())
        if chosen or not sizes:
            break
    holdings: dict[str, list[Holding]] = {number.hex: [] for number in chosen}
    for number_id, holding in all_holdings(session, company_id, since, until, chosen):
        holdings[number_id.hex].append(holding)
    joined = {number: one_per_visit(shown) for number, shown in holdings.items()}
    rows = _calls(session, company_id, chosen, since, until)
    history = History(
        holdings=joined,
        calls=tuple(call_at(row) for row in rows),
        told=told_phones(session, company_id, until, by_records=True),
        began=_began(joined, since),
        until=until.timestamp(),
    )
    taught = Taught(
        since=since,
        until=until,
        visits=sum(map(len, joined.values())),
        numbers=len(chosen),
        numbers_in_use=len(sizes),
    )
    return Read(history, tuple(row.id for row in rows), taught)


def choose_numbers(
    sizes: Mapping[UUID, Size], lot: str, visits: int = MOST_VISITS, pairs: int = MOST_PAIRS
) -> tuple[UUID, ...]:
    """Return the numbers that fit, in order of their ids; all of them, if all do."""
    chosen = []
    for number in sorted(sizes, key=lambda one: hashlib.sha256(f"{lot} {one.hex}".encode()).digest()):
        size = sizes[number]
        if size.visits <= visits and size.pairs() <= pairs:
            chosen.append(number)
            visits -= size.visits
            pairs -= size.pairs()
    return tuple(sorted(chosen))


def _began(holdings: Mapping[str, Sequence[Holding]], since: datetime) -> float:
    """Return when there was first anybody to be called by: a young company has no four weeks behind it."""
    first = min((rows[0].shown_from for rows in holdings.values() if rows), default=0.0)
    return max(first, since.timestamp())


def _sizes(session: Session, company_id: UUID, since: datetime, until: datetime) -> dict[UUID, Size]:
    """Return every number that visitors were shown in turn; those in use that nobody saw count, too."""
    shown = _counts(session, Lease.number_id, Lease.company_id == company_id, Lease.shown_from, since, until)
    called = _counts(session, Call.number_id, Call.company_id == company_id, Call.started_at, since, until)
    in_use = session.scalars(
        select(TrackingNumber.id).where(
            TrackingNumber.company_id == company_id,
            TrackingNumber.kind.in_(SHOWN_IN_TURN),
            TrackingNumber.released_at.is_(None),
        )
    )
    return {number: Size(shown.get(number, 0), called.get(number, 0)) for number in {*in_use, *shown}}


def _counts(
    session: Session, number: Any, mine: Any, moment: Any, since: datetime, until: datetime
) -> dict[UUID, int]:
    rows = session.execute(
        select(number, func.count()).where(mine, moment >= since, moment < until).group_by(number)
    )
    return {row[0]: row[1] for row in rows}


def _calls(
    session: Session, company_id: UUID, numbers: Collection[UUID], since: datetime, until: datetime
) -> Sequence[Any]:
    """Return the numbers' calls in time order, but for those made while a number was one source's own."""
    rows = session.execute(
        select(Call.id, Call.started_at, Call.number_id, Call.caller_hash, Call.caller_region)
        .where(
            Call.company_id == company_id,
            Call.number_id.in_(numbers),
            Call.started_at >= since,
            Call.started_at < until,
        )
        .order_by(Call.started_at, Call.id)
    ).all()
    now = _kinds(session, company_id, numbers)
    past = _past_kinds(session, company_id, numbers, since)
    return [row for row in rows if _kind_at(row, now, past) in SHOWN_IN_TURN]


def _kinds(session: Session, company_id: UUID, numbers: Collection[UUID]) -> dict[UUID, str]:
    rows = session.execute(
        select(TrackingNumber.id, TrackingNumber.kind).where(
            TrackingNumber.company_id == company_id, TrackingNumber.id.in_(numbers)
        )
    )
    return {row.id: row.kind for row in rows}


def _past_kinds(
    session: Session, company_id: UUID, numbers: Collection[UUID], since: datetime
) -> dict[UUID, list[Any]]:
    rows = session.execute(
        select(NumberUse.number_id, NumberUse.used_from, NumberUse.used_until, NumberUse.kind)
        .where(
            NumberUse.company_id == company_id,
            NumberUse.number_id.in_(numbers),
            NumberUse.used_until > since,
        )
        .order_by(NumberUse.used_from.desc())
    )
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row.number_id, []).append(row)
    return found


def _kind_at(row: Any, now: Mapping[UUID, str], past: Mapping[UUID, Sequence[Any]]) -> str:
    for use in past.get(row.number_id, ()):
        if use.used_from <= row.started_at < use.used_until:
            kind: str = use.kind
            return kind
    return now.get(row.number_id, "")
