"""A company with advice whose budgets stand at a running twin of Google."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from calltrack.budgets import applying, checking
from calltrack.budgets.changes import applied_at
from calltrack.budgets.making import advise_now, newest_advice
from calltrack.budgets.model import BudgetChange
from calltrack.delivery.accounts import connect_destination
from calltrack.sandbox.platforms.accounts import CUSTOMER_ID, google_settings
from calltrack.wiring import Services
from tests.budgets.spending import usual
from tests.builders import NOON, Company, make_company
from tests.plain import PLAIN
from tests.sandbox.platforms.serving import serving

MICROS = 1_000_000
PLACES = {"8001": "roma", "8002": "milano", "8003": "preventivo"}


@dataclass
class World:
    """A company with advice, whose budgets stand at a twin; each spends a hundred a day or so."""

    services: Services
    origin: str
    company: Company
    account_id: UUID

    def at(self, **later: float) -> Services:
        return replace(self.services, clock=lambda: NOON + timedelta(**later))

    def set(self, amounts: dict[str, float], **more: dict[str, Any]) -> None:
        wish = [
            {"id": id_, "name": PLACES[id_].title(), "amount_micros": round(amount * MICROS),
             "campaigns": {f"9{id_}": PLACES[id_]}, **more.get(PLACES[id_], {})}
            for id_, amount in amounts.items()
        ]  # fmt: skip
        PLAIN.put(f"{self.origin}/sandbox/google-ads/budgets/{CUSTOMER_ID}", json=wish).raise_for_status()

    def amounts(self) -> dict[str, float]:
        found = PLAIN.get(f"{self.origin}/sandbox/google-ads/budgets").json()[CUSTOMER_ID]
        return {id_: one["amount_micros"] / MICROS for id_, one in found.items()}

    def faults(self, *steps: str) -> None:
        wish = {"target": "google_ads", "next": list(steps)}
        PLAIN.post(f"{self.origin}/sandbox/platforms/faults", json=wish).raise_for_status()

    def row(self, id_: UUID) -> BudgetChange:
        with self.services.db.tenant(self.company.id) as session:
            return session.get_one(BudgetChange, (self.company.id, id_))

    def is_applied(self, id_: UUID) -> bool:
        """Tell whether this change is the one that the advice was last applied by."""
        row = self.row(id_)
        assert row.advice_id is not None
        with self.services.db.tenant(self.company.id) as session:
            return applied_at(session, self.company.id, row.advice_id) == row.settled_at

    def rows(self) -> Sequence[BudgetChange]:
        with self.services.db.tenant(self.company.id) as session:
            return session.scalars(
                select(BudgetChange).where(BudgetChange.company_id == self.company.id)
            ).all()

    def ask(self, named: dict[str, list[str]] | None = None, **later: float) -> UUID:
        """Ask for a check, as the page does; a worker makes it."""
        units = list(PLACES.values())
        return applying.check(
            self.at(**later), self.company.id, self.account_id, units, named or {}, by="eva@example.test"
        )

    def work(self, **later: float) -> int:
        return checking.check_due(self.at(**later), self.company.id)

    def check(self, named: dict[str, list[str]] | None = None) -> UUID:
        id_ = self.ask(named)
        assert self.work() == 1
        return id_

    def confirm(self, id_: UUID, **later: float) -> str:
        return applying.confirm(self.at(**later), self.company.id, id_, by="eva@example.test")

    def weekly(self) -> dict[str, float]:
        with self.services.db.tenant(self.company.id) as session:
            row = newest_advice(session, self.company.id)
        assert row is not None
        split: dict[str, float] = row.result["recommended"]
        return split


@contextmanager
def running(services: Services) -> Iterator[World]:
    """Yield the company and its twin, at the Friday after its newest week."""
    then, company = replace(services, clock=lambda: NOON), make_company(services)
    with serving() as origin:
        # The twin loads its gRPC server when it is first asked: a busy machine takes long for that.
        PLAIN.get(f"{origin}/sandbox/google-ads/endpoint", timeout=120).raise_for_status()
        with then.db.tenant(company.id) as session:
            settings = google_settings(origin)
            destination = connect_destination(
                session, then.vault, company.id, "google_data_manager", "Google", settings, NOON, sandbox=True
            )
        made = usual(company, destination=destination)
        made.write(then)
        advise_now(then, company.id)
        yield World(then, origin, company, UUID(str(made.accounts[0]["id"])))
