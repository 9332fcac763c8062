"""On/off tests of a company: planned with weeks off by chance, followed, read when weeks are over."""

import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.budgets.curves import weights_of
from calltrack.budgets.history import History, history_of
from calltrack.budgets.making import Asked
from calltrack.budgets.model import BudgetTest
from calltrack.budgets.on_off import OnOffTest, lift_seen, plan_on_off, scatter_of
from calltrack.budgets.units import Unit
from calltrack.budgets.weekly import known_until
from calltrack.infra.turns import take_turn
from calltrack.kernel.errors import BadFields, Conflict, NotFound
from calltrack.kernel.ids import new_id

WEEK: Final = timedelta(weeks=1)
MOST: Final = 20
NOTHING_TO_COMPARE: Final = "These campaigns bring nothing, or are all there is: no test can compare them."
# The part of its credited conversions that is taken to be a campaign's own doing.
OWN: Final = 0.5


def planned(asked: Asked, unit_ids: Sequence[str]) -> tuple[str, tuple[Unit, ...], OnOffTest | None]:
    """Return name, budgets and size of a test of these budgets, switched off together.

    Raises:
        BadFields: none is chosen, or one is unknown.
    """
    units = {unit.id: unit for unit in asked.weeks.units}
    wanted = list(dict.fromkeys(unit_ids))
    if not wanted or any(one not in units for one in wanted):
        raise BadFields("Choose at least one campaign.", {"units": "Choose at least one campaign."})
    chosen = tuple(units[one] for one in wanted)
    name = " + ".join(unit.name for unit in chosen)
    return name, chosen, plan_on_off(history_with(asked, chosen, name), name)


def smallest_lift(asked: Asked, unit_ids: Sequence[str], weeks: int) -> float:
    """Return the smallest lift that a test of these budgets and weeks shows in four cases of five.

    Raises:
        BadFields: none is chosen, or one is unknown.
    """
    name, units, _ = planned(asked, unit_ids)
    history = history_with(asked, units, name)
    weights = weights_of(history)
    rates = (history.conversions @ weights) / weights.sum()
    without = float(rates.sum()) - OWN * float(rates[history.names.index(name)])
    return lift_seen(max(without, 0.1), weeks, scatter_of(history))


def begin_test(
    session: Session,
    asked: Asked,
    company_id: UUID,
    unit_ids: Sequence[str],
    starts_on: date,
    weeks: int,
    now: datetime,
    *,
    by: str,
) -> UUID:
    """Plan a test: one week of each pair is off, by chance; nothing is switched off from here.

    Raises:
        BadFields: a field makes no sense.
        Conflict: too many tests, one of the campaigns is in another one meanwhile, or they bring nothing that
            could be seen.
    """
    name, units, size = planned(asked, unit_ids)
    today = now.astimezone(ZoneInfo(asked.zone)).date()
    problems = {}
    if starts_on.weekday() != 0 or starts_on < today:
        problems["starts_on"] = "A test starts on a Monday that is not over; choose the next one."
    if not (2 <= weeks <= 104 and weeks % 2 == 0):
        problems["weeks"] = "A test takes an even number of weeks, from 2 to 104."
    if problems:
        raise BadFields(" ".join(problems.values()), problems)
    if size is None:
        raise Conflict(NOTHING_TO_COMPARE)
    keys = sorted({key for unit in units for key in unit.keys})
    take_turn(session, "budget tests", company_id)
    mine = session.scalars(select(BudgetTest).where(BudgetTest.company_id == company_id)).all()
    if len(mine) >= MOST:
        raise Conflict(f"There are {MOST} tests already; remove one first.")
    _refuse_two_at_once(mine, keys, starts_on, starts_on + weeks * WEEK)
    pairs = [starts_on + pair * 2 * WEEK for pair in range(weeks // 2)]
    row = BudgetTest(
        company_id=company_id,
        id=new_id(now),
        name=name,
        campaign_keys=keys,
        counts=asked.weeks.counts,
        starts_on=starts_on,
        weeks=weeks,
        off_weeks=[(pair + secrets.randbelow(2) * WEEK).isoformat() for pair in pairs],
        lift=size.lift,
        made_by=by,
        made_at=now,
    )
    session.add(row)
    session.flush()
    audit.note(session, company_id, by, "budget.test_begin", str(row.id), now, weeks=weeks)
    return row.id


def _refuse_two_at_once(tests: Sequence[BudgetTest], keys: Sequence[str], first: date, until: date) -> None:
    """Two tests would tell a campaign to be on and off in one week, and neither could be read."""
    for other in tests:
        end = other.starts_on + other.weeks * WEEK
        meets = other.stopped_at is None and other.starts_on < until and first < end
        if meets and not set(keys).isdisjoint(other.campaign_keys):
            raise Conflict(
                f"The test of {other.name} has one of these campaigns until {end - timedelta(days=1)}; end "
                f"it first, or begin on {end}."
            )


def is_test(session: Session, company_id: UUID, test_id: UUID) -> bool:
    """Tell whether the company has this test."""
    return session.get(BudgetTest, (company_id, test_id)) is not None


def stop_test(session: Session, company_id: UUID, test_id: UUID, now: datetime, *, by: str) -> None:
    """End a test early: what was seen so far stays readable.

    Raises:
        NotFound: the company has no such test.
        Conflict: it is not under way.
    """
    row = _held(session, company_id, test_id)
    if not _is_under_way(session, row, now):
        raise Conflict("This test is not under way; remove it if it is not needed any more.")
    row.stopped_at = now
    audit.note(session, company_id, by, "budget.test_stop", str(test_id), now)


def remove_test(session: Session, company_id: UUID, test_id: UUID, now: datetime, *, by: str) -> None:
    """Remove a test that has not begun, is over or was ended, and its reading.

    Raises:
        NotFound: the company has no such test.
        Conflict: it is under way.
    """
    row = _held(session, company_id, test_id)
    if _is_under_way(session, row, now):
        raise Conflict("This test is under way; end it first, and what was seen so far stays readable.")
    session.delete(row)
    session.flush()
    audit.note(session, company_id, by, "budget.test_remove", str(test_id), now)


def _held(session: Session, company_id: UUID, test_id: UUID) -> BudgetTest:
    row = session.get(BudgetTest, (company_id, test_id), with_for_update=True)
    if row is None:
        raise NotFound("There is no such test.")
    return row


def _is_under_way(session: Session, row: BudgetTest, now: datetime) -> bool:
    zone = ZoneInfo(session.get_one(Company, row.company_id).timezone)
    if row.stopped_at is not None or now.astimezone(zone).date() < row.starts_on:
        return False
    # As pages say it: over once the last week is known.
    return known_until(session, row.company_id, zone, now) < row.starts_on + row.weeks * WEEK


def history_with(asked: Asked, together: tuple[Unit, ...], name: str) -> History:
    """Return the weeks with these budgets taken as one."""
    groups: dict[str, tuple[str, ...]] = {}
    mine: list[str] = []
    for unit in asked.weeks.units:
        labels = unit.labels if unit.is_shared else (unit.name,)
        if unit in together:
            mine += labels
        elif unit.is_shared:
            groups[unit.name] = labels
    if mine:
        groups[name] = tuple(mine)
    return history_of(asked.weeks.rows, groups)
