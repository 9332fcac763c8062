"""Weeks of visits and leases of a pool, written in bulk."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Lease
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.builders import Company

ROME = ZoneInfo("Europe/Rome")
NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
# A Monday, four weeks before: no change of the clocks lies between.
MONDAY = datetime(2026, 11, 2, tzinfo=ROME)
_BLANK: dict[str, Any] = {
    "medium": "cpc", "term": "", "content": "", "click_ids": {}, "ad_cookies": {}, "referrer": "",
    "landing_url": "https://www.prova.test/", "consent": None, "user_agent": "test",
}  # fmt: skip


@dataclass
class Writer:
    """Collects visits of a company, each shown one number; `write` stores them."""

    company: Company
    visits: list[dict[str, Any]] = field(default_factory=list)
    leases: list[dict[str, Any]] = field(default_factory=list)

    def hour(
        self, week: int, hour: int, count: int, *, seconds: float = 120, left: bool = True,
        campaign: str = "roma", source: str = "google", shared: int = 0,
    ) -> None:  # fmt: skip
        """Add so many visits spread over an hour of a week; the first `shared` of them shared a number."""
        start = (MONDAY + timedelta(weeks=week, hours=hour)).astimezone(UTC)
        for place in range(count):
            at = start + timedelta(hours=1) * ((place + 0.5) / count)
            seen = at + timedelta(seconds=seconds)
            visit, of = new_id(at), {"company_id": self.company.id}
            self.visits.append(
                _BLANK | of | {
                    "id": visit, "visitor_id": new_id(at), "site_id": self.company.site_id,
                    "started_at": at, "last_seen_at": seen, "source": source, "campaign": campaign,
                }
            )  # fmt: skip
            number = self.company.number_ids[place % len(self.company.number_ids)]
            self.leases.append(
                of | {
                    "id": new_id(at), "number_id": number, "visit_id": visit, "shown_from": at,
                    "last_seen_at": seen, "shown_until": seen, "left_at": seen if left else None,
                    "is_overflow": place < shared,
                }
            )  # fmt: skip

    def write(self, services: Services) -> None:
        """Store them."""
        with services.db.tenant(self.company.id) as session:
            session.execute(insert(Visit), self.visits)
            session.execute(insert(Lease), self.leases)


def usual_weeks(company: Company, *, peak: int = 60, per_hour: int = 6) -> Writer:
    """Return four weeks of working hours, and a campaign that peaks on Tuesdays at ten."""
    writer = Writer(company)
    for week in range(4):
        for day in range(5):
            for clock in range(8, 18):
                writer.hour(week, day * 24 + clock, per_hour, campaign=f"c{clock % 3}")
        if peak:
            writer.hour(week, 24 + 10, peak, campaign="tv spot", source="tv", shared=peak // 4)
    return writer
