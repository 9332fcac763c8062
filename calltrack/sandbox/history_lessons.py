"""What the demo learns from its seeded past: two lessons, and how sure the first was in the weeks between.

All of it is the product's own night work, done at the hours at which it would have been.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from calltrack.attribution.calibrating import WEEKS, calibrate_now
from calltrack.attribution.lessons import learn_now
from calltrack.attribution.model_rows import AttributionCalibration, AttributionModel
from calltrack.attribution.night_work import plan, zone_of
from calltrack.attribution.nights import next_night, next_week
from calltrack.wiring import Services

DAY: Final = timedelta(days=1)


def learn_past(services: Services, company_id: UUID, began: datetime) -> None:
    """Learn, calibrate the newest whole weeks by what was learnt before them, and learn last night.

    The lessons of the nights between are left out: the demo is to start quickly.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        plan(session, company_id, now)
        zone = zone_of(session, company_id)
    last_week = next_week(now - 7 * DAY, zone, company_id)
    for weeks in range(WEEKS, -1, -1):
        at = last_week - weeks * 7 * DAY
        if at - 14 * DAY < began:
            continue
        if weeks == WEEKS:
            learn_now(_at(services, at - DAY), company_id)
        else:
            calibrate_now(_at(services, at), company_id)
    learn_now(_at(services, next_night(now - DAY, zone, company_id)), company_id)


def remove_lessons(session: Session, company_id: UUID) -> int:
    """Take away what was learnt from the past; returns how many rows. The shipped model judges again."""
    gone = 0
    for table in (AttributionCalibration, AttributionModel):
        result = session.execute(delete(table).where(table.company_id == company_id))
        gone += int(getattr(result, "rowcount", 0))
    return gone


def _at(services: Services, moment: datetime) -> Services:
    return replace(services, clock=lambda: moment)
