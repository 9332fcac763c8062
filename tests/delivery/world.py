"""A company with destinations at running twins, and words for what tests do with them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text

from calltrack.attribution.model import Attribution
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.delivery.accounts import connect_destination
from calltrack.delivery.model import Attempt, Delivery, DestinationAccount
from calltrack.delivery.plan import plan_changes
from calltrack.delivery.service import deliver_due, poll_due
from calltrack.destinations.sending import Courier
from calltrack.infra.http import HttpAnswer, HttpDoor, HttpFailure, HttpRequest
from calltrack.kernel.ids import new_id
from calltrack.sandbox.platforms.accounts import google_settings, webhook_settings
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.builders import Company, make_call, make_visit
from tests.plain import PLAIN


class Door(HttpDoor):
    """The real door, noting what goes through it and when."""

    def __init__(self, seconds: float = 1.5) -> None:
        super().__init__(allow_private=True, total_seconds=seconds)
        self.asked: list[tuple[datetime, str]] = []

    def send(self, request: HttpRequest, **more: Any) -> HttpAnswer | HttpFailure:
        self.asked.append((datetime.now(UTC), request.url.rpartition("/")[2].partition("?")[0]))
        return super().send(request, **more)


class World:
    """One company, its destinations, the twins and a clock that can be set forward."""

    def __init__(self, services: Services, company: Company, origin: str) -> None:
        self.company, self.origin = company, origin
        self.shift = timedelta(0)
        self.services = replace(services, clock=self.now)
        self.door = Door()
        self.courier = Courier(self.door)
        self.faults(modes={"processing_seconds": 0})

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def later(self, **time: float) -> None:
        self.shift += timedelta(**time)

    def google(self, **more: Any) -> UUID:
        return self.connect("google_data_manager", google_settings(self.origin) | more)

    def webhook(self, name: str = "", **more: Any) -> UUID:
        settings = webhook_settings(self.origin)
        settings["url"] += f"/{name}" if name else ""
        return self.connect("webhook", settings | more)

    def connect(self, kind: str, settings: dict[str, Any]) -> UUID:
        with self.services.db.tenant(self.company.id) as session:
            return connect_destination(
                session, self.services.vault, self.company.id, kind, kind, settings,
                self.now() - timedelta(days=1), sandbox=True,
            )  # fmt: skip

    def conversions(
        self, count: int = 1, *, kind: str = "purchase", value: int | None = 85_000,
        currency: str = "EUR", gclids: Sequence[str] = (), at: datetime | None = None, planned: bool = True,
        carrying: Callable[[str, UUID, datetime], dict[str, Any]] | None = None,
    ) -> list[UUID]:  # fmt: skip
        """Store calls with conversions of credited visits; returns their first changes.

        `carrying` returns more columns of a visit, given its gclid, id and start.
        """
        when = at or self.now() - timedelta(hours=1)
        calls, visits, verdicts, conversions, changes = [], [], [], [], []
        model = make_visit(self.services, self.company, at=when - timedelta(minutes=9))
        call = make_call(self.services, self.company, at=when)
        for index in range(count):
            gclid = gclids[index] if index < len(gclids) else f"Cj0-{new_id().hex}"
            visit_id, call_id, conversion_id = new_id(model.started_at), new_id(when), new_id()
            visits.append(
                _copy(Visit, model)
                | {"id": visit_id, "visitor_id": new_id(), "click_ids": {"gclid": gclid} if gclid else {}}
            )
            if carrying is not None:
                visits[-1] |= carrying(gclid, visit_id, model.started_at)
            calls.append(_copy(type(call), call) | {"id": call_id, "call_sid": "CA" + call_id.hex})
            verdicts.append({
                "company_id": self.company.id, "id": new_id(), "call_id": call_id, "is_current": True,
                "decided_at": when, "model": "test", "visit_id": visit_id, "probability": 0.9,
                "p_nobody": 0.1, "source": "google", "medium": "cpc", "campaign": "roma",
                "p_campaign": 0.9, "candidates": [], "reasons": [],
            })  # fmt: skip
            conversions.append({
                "company_id": self.company.id, "id": conversion_id, "call_id": call_id, "person_id": None,
                "kind": kind, "status": "counted", "value_minor": value, "currency": currency,
                "occurred_at": when, "decided_by": "test", "reason": "", "created_at": when,
                "changed_at": when,
            })  # fmt: skip
            changes.append(self._change(conversion_id, 0, "create", value, currency))
        for change, id_ in zip(changes, sorted(change["id"] for change in changes), strict=True):
            change["id"] = id_
        with self.services.db.tenant(self.company.id) as session:
            rows = ((Visit, visits), (type(call), calls), (Attribution, verdicts))
            for table, values in (*rows, (Conversion, conversions), (ConversionChange, changes)):
                session.execute(insert(table), values)
        ids = [change["id"] for change in changes]
        if planned:
            self.plan(ids)
        return ids

    def change(self, first: UUID, action: str, value: int | None, *, planned: bool = True) -> UUID:
        """Store a later change of the conversion that the given change belongs to."""
        with self.services.db.tenant(self.company.id) as session:
            of = session.get_one(ConversionChange, (self.company.id, first)).conversion_id
            newest = session.scalars(
                select(ConversionChange.sequence)
                .where(ConversionChange.conversion_id == of)
                .order_by(ConversionChange.sequence.desc())
            ).first()
            row = self._change(of, (newest or 0) + 1, action, value, "EUR")
            session.execute(insert(ConversionChange), [row])
        if planned:
            self.plan([row["id"]])
        id_: UUID = row["id"]
        return id_

    def _change(
        self, conversion_id: UUID, sequence: int, action: str, value: int | None, currency: str
    ) -> dict[str, Any]:
        return {
            "company_id": self.company.id, "id": new_id(), "conversion_id": conversion_id,
            "sequence": sequence, "action": action, "value_minor": value, "currency": currency,
            "changed_at": self.now(), "changed_by": "test", "reason": "",
        }  # fmt: skip

    def plan(self, change_ids: Sequence[UUID]) -> None:
        for start in range(0, len(change_ids), 500):
            plan_changes(self.services, self.company.id, change_ids[start : start + 500])

    def deliver(self, destination_id: UUID) -> int:
        return deliver_due(self.services, self.company.id, destination_id, courier=self.courier)

    def poll(self, destination_id: UUID) -> int:
        return poll_due(self.services, self.company.id, destination_id, courier=self.courier)

    def rows(self, destination_id: UUID | None = None) -> list[Delivery]:
        query = select(Delivery).order_by(Delivery.id)
        if destination_id:
            query = query.where(Delivery.destination_id == destination_id)
        with self.services.db.tenant(self.company.id) as session:
            return list(session.scalars(query))

    def states(self, destination_id: UUID | None = None) -> list[str]:
        return [row.state for row in self.rows(destination_id)]

    def attempts(self, delivery_id: UUID) -> list[Attempt]:
        with self.services.db.tenant(self.company.id) as session:
            return list(
                session.scalars(
                    select(Attempt).where(Attempt.delivery_id == delivery_id).order_by(Attempt.number)
                )
            )

    def account(self, destination_id: UUID) -> DestinationAccount:
        with self.services.db.tenant(self.company.id) as session:
            return session.get_one(DestinationAccount, (self.company.id, destination_id))

    def faults(self, *steps: str, target: str = "datamanager", **more: Any) -> None:
        wish = {"target": target, "next": list(steps), **more}
        PLAIN.post(f"{self.origin}/sandbox/platforms/faults", json=wish).raise_for_status()

    def effects(self, platform: str = "google_data_manager") -> list[dict[str, Any]]:
        got = PLAIN.get(f"{self.origin}/sandbox/platforms/effects", params={"platform": platform})
        found: list[dict[str, Any]] = got.json()["effects"]
        return found

    def asked(self, what: str) -> list[datetime]:
        """Return when requests of that name left."""
        return [at for at, name in self.door.asked if name == what]

    def unaccounted(self) -> int:
        """Count deliveries that are in no state, or whose state and due time contradict each other (I6)."""
        with self.services.db.tenant(self.company.id) as session:
            return session.scalar(text(UNACCOUNTED)) or 0


UNACCOUNTED = """
    SELECT count(*) FROM delivery WHERE NOT CASE
        WHEN state IN ('confirmed', 'rejected', 'withheld') THEN due_at IS NULL AND settled_at IS NOT NULL
        WHEN state = 'parked' THEN due_at IS NULL AND settled_at IS NULL
        WHEN state = 'sending' THEN lease_token IS NOT NULL AND due_at IS NOT NULL
        WHEN state = 'unknown' THEN settled_at IS NULL
        ELSE due_at IS NOT NULL AND settled_at IS NULL END
"""


def _copy(table: Any, row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in table.__table__.columns
            if getattr(row, column.key) is not None}  # fmt: skip
