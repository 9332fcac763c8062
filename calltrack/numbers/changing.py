"""Changing a pool: its name, how long its numbers are on screen and rest, and which of them come first.

A change is true for the next visit. A longer screen time holds from each page's next sign of life on. A
shorter one is for leases given from now on: a page that is open was told how often to show a sign of life and
may not be heard in a shorter time, so leases of before, and those given until every edge process knows, hold
as long as they were promised. No number is taken from a page that shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.kernel.errors import NotFound
from calltrack.numbers import rules
from calltrack.numbers.model import Pool, Slot, TrackingNumber

# A visit silent for so long comes back as a new one, with a new lease.
LAPSES = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class PoolChange:
    """What is to be changed; None stays as it is. `near`: what `rules.near_in` returned."""

    name: str | None = None
    lease_seconds: int | None = None
    cooldown_seconds: int | None = None
    near: Sequence[str] | None = None


def change_pool(
    session: Session, company_id: UUID, pool_id: UUID, change: PoolChange, now: datetime, *, by: str
) -> dict[str, Any]:
    """Change a pool, all of it or nothing; returns what is different now, by field.

    Raises:
        BadInput: no name, or times outside the limits.
        NotFound: the company has no such pool.
    """
    pool = session.get(
        Pool, (company_id, pool_id), with_for_update={"key_share": True}, populate_existing=True
    )
    if pool is None:
        raise NotFound("The company has no such pool; see its list of numbers.")
    wanted: dict[str, Any] = {
        "name": pool.name if change.name is None else change.name.strip(),
        "lease_seconds": pool.lease_seconds if change.lease_seconds is None else change.lease_seconds,
        "cooldown_seconds": (
            pool.cooldown_seconds if change.cooldown_seconds is None else change.cooldown_seconds
        ),
        "near": pool.near if change.near is None else list(change.near),
    }
    rules.check_pool(wanted["name"], wanted["lease_seconds"], wanted["cooldown_seconds"])
    changed = {name: value for name, value in wanted.items() if getattr(pool, name) != value}
    if not changed:
        return changed
    if wanted["lease_seconds"] < pool.lease_seconds:
        _promise(session, pool, now)
    for name, value in changed.items():
        setattr(pool, name, value)
    session.flush()
    if "near" in changed:
        _sort(session, pool)
    said = {field: value for field, value in changed.items() if field != "name"}
    audit.note(session, company_id, by, "pool.change", pool.name, now, **said)
    return changed


def _promise(session: Session, pool: Pool, now: datetime) -> None:
    """Let leases of before hold as long as their pages were told; of two such promises the longer one."""
    is_owed = exists().where(
        Slot.company_id == pool.company_id,
        Slot.pool_id == pool.id,
        Slot.alone_since < pool.longer_before,
        Slot.seen_at > now - LAPSES,
    )
    earlier = pool.longer_seconds if session.scalar(select(is_owed)) else 0
    pool.longer_seconds = max(earlier, pool.lease_seconds)
    pool.longer_before = now + rules.TOLD_AFTER


def _sort(session: Session, pool: Pool) -> None:
    """Tell near numbers from far ones anew; only slots that change are locked, in the order of the edge."""
    rows = session.execute(
        select(Slot.number_id, TrackingNumber.e164, Slot.is_far)
        .join(
            TrackingNumber,
            (TrackingNumber.company_id == Slot.company_id) & (TrackingNumber.id == Slot.number_id),
        )
        .where(Slot.company_id == pool.company_id, Slot.pool_id == pool.id)
    ).all()
    wrong = [number_id for number_id, e164, is_far in rows if rules.is_far(e164, pool.near) != is_far]
    of_these = (Slot.company_id == pool.company_id, Slot.number_id.in_(wrong))
    session.execute(select(Slot.number_id).where(*of_these).order_by(Slot.number_id).with_for_update())
    session.execute(update(Slot).where(*of_these).values(is_far=~Slot.is_far))
