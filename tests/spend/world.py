"""A company that reads spend from running twins, and words for what tests do with it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from calltrack.delivery.accounts import connect_destination
from calltrack.destinations.google_ads_client import GoogleAdsTransport
from calltrack.destinations.sending import Courier
from calltrack.infra.http import HttpDoor
from calltrack.sandbox.platforms.accounts import SETTINGS
from calltrack.spend import accounts
from calltrack.spend.matching import match_due
from calltrack.spend.model import SpendAccount
from calltrack.spend.reading import read_account
from calltrack.wiring import Services
from tests.builders import Company
from tests.plain import PLAIN

CUSTOMER = "1234567890"
NUMBERS = {"google_ads": CUSTOMER, "google_data_manager": CUSTOMER, "meta": "778899001122"}


class World:
    """One company, accounts of spend at the twins, and a clock that can be set forward."""

    def __init__(self, services: Services, company: Company, origin: str) -> None:
        self.company, self.origin, self.shift = company, origin, timedelta(0)
        self.services = replace(services, clock=self.now)
        self.door = HttpDoor(allow_private=True, total_seconds=10, max_answer=1_000_000)
        self.begin_anew()
        self.faults(modes={"processing_seconds": 0})

    def begin_anew(self) -> None:
        """As after a restart: no access token is known."""
        self.courier = Courier(self.door, google_ads=GoogleAdsTransport(self.door, total_seconds=10))

    def close(self) -> None:
        self.door.close()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def later(self, **time: float) -> None:
        self.shift += timedelta(**time)

    def today(self) -> date:
        return self.now().astimezone(UTC).date()

    def day(self, back: int) -> str:
        return str(self.today() - timedelta(days=back))

    def connect(self, kind: str = "google_ads", back_days: int = 30, number: str = "") -> UUID:
        with self.services.db.tenant(self.company.id) as session:
            destination_id = connect_destination(
                session, self.services.vault, self.company.id, kind, kind, SETTINGS[kind](self.origin),
                self.now(), sandbox=True,
            )  # fmt: skip
            return accounts.connect(
                session, self.services.vault, self.company.id, destination_id,
                number or NUMBERS.get(kind, ""), back_days, "test", self.now(),
            )  # fmt: skip

    def read(self, account_id: UUID) -> bool:
        return read_account(self.services, self.company.id, account_id, courier=self.courier)

    def match(self) -> None:
        self.run("UPDATE spend_watch SET due_at = now() - interval '1 minute' WHERE company_id = :company_id")
        while match_due(self.services, self.company.id):
            pass

    def account(self, account_id: UUID) -> SpendAccount:
        with self.services.db.tenant(self.company.id) as session:
            return session.get_one(SpendAccount, (self.company.id, account_id))

    def put(self, platform: str = "google_ads", **told: Any) -> None:
        """Put figures into the twin in the place of the made ones."""
        url = f"{self.origin}/sandbox/platforms/spend/{platform}"
        PLAIN.post(url, json=told).raise_for_status()

    def faults(self, *steps: str, target: str = "google_spend", modes: dict[str, Any] | None = None) -> None:
        wish = {"target": target, "next": list(steps), "modes": modes or {}}
        PLAIN.post(f"{self.origin}/sandbox/platforms/faults", json=wish).raise_for_status()

    def rows(self, query: str, **given: Any) -> list[Any]:
        with self.services.db.tenant(self.company.id) as session:
            return [
                tuple(row) for row in session.execute(text(query), {"company_id": self.company.id, **given})
            ]

    def run(self, query: str, **given: Any) -> None:
        with self.services.db.tenant(self.company.id) as session:
            session.execute(text(query), {"company_id": self.company.id, **given})

    def costs(self) -> dict[str, int]:
        """Cost by day over all campaigns, in millionths."""
        found = self.rows("SELECT day, sum(cost_micros) FROM spend_day GROUP BY day ORDER BY day")
        return {str(day): int(cost) for day, cost in found}

    def changes(self) -> list[tuple[str, int, int]]:
        found = self.rows(
            "SELECT day, old_cost_micros, new_cost_micros FROM spend_change ORDER BY seen_at, day"
        )
        return [(str(day), old, new) for day, old, new in found]


def campaign(id_: str = "100", name: str = "Roma", **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": name} | more


def spent(day: str, cost: int, id_: str = "100", **more: Any) -> dict[str, Any]:
    return {"campaign": id_, "day": day, "cost_micros": cost, "clicks": 1, "impressions": 10} | more
