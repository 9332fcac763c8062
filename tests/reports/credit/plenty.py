"""A day with enough conversions for every model, stored as workers store it."""

import random
from datetime import date, datetime, timedelta

from calltrack.kernel.ids import new_id
from calltrack.reports.credit.counting import rows_of, store
from calltrack.reports.credit.day_paths import DayPaths
from calltrack.reports.credit.model import CreditDay
from calltrack.reports.credit.told import Ended, Seen, Suspect
from calltrack.wiring import Services
from tests.builders import Company
from tests.reports.credit.rows import DIRECT, GOOGLE, META, ORGANIC

KEYS = (GOOGLE, META, ORGANIC, DIRECT)


def plenty(services: Services, company: Company, day: date, noon: datetime, conversions: int) -> None:
    """Store a day of so many leads worth 10.01 each, every tenth of nobody, and journeys that led nowhere."""
    chance = random.Random(conversions)
    found = DayPaths()
    for at in range(conversions):
        times = sorted((chance.uniform(1, 600) for _ in range(chance.choice((1, 1, 2, 3)))), reverse=True)
        seen = [Seen(noon - timedelta(hours=hours), chance.choice(KEYS), new_id(noon)) for hours in times]
        p, visitor = 0.0 if at % 10 == 0 else chance.choice((0.7, 1.0)), new_id(noon)
        suspect = Suspect(seen[-1].visit, visitor, seen[-1].campaign, p)
        found.add([Ended("lead", noon, 1001, [suspect], {suspect.campaign: p})], {visitor: seen})
    for key in KEYS:
        for _ in range(conversions):
            found.add_lost([Seen(noon, key)], (), noon, noon + timedelta(hours=1))
    with services.db.tenant(company.id) as session:
        session.add(CreditDay(company_id=company.id, day=day, counted_at=noon))
        session.flush()
        store(session, company.id, day, rows_of(company.id, day, found))
