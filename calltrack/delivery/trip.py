"""One destination as a worker sees it while it delivers: where to, by which settings, under which lease."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.delivery.accounts import keep_refresh_token, open_settings
from calltrack.delivery.ledger import Claimed
from calltrack.delivery.model import DestinationAccount
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.base import Destination
from calltrack.destinations.sending import Courier
from calltrack.infra.pace import Limit, Pace
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services

# Requests that carry one conversion each leave so many at once.
AT_ONCE: Final = 8


@dataclass(frozen=True)
class Trip:
    """A destination's class and settings of this moment, and the token of one lease."""

    services: Services
    courier: Courier
    company_id: UUID
    destination_id: UUID
    destination: Destination[Any]
    settings: Any
    token: UUID

    @property
    def at_once(self) -> int:
        """How many requests may be under way at once: several where each carries one conversion only."""
        return AT_ONCE if self.destination.max_batch == 1 else 1

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """The platform's request limits, as counted over all workers; connections to one account share."""
        name, account = self.destination.name, self.destination.account_of(self.settings)
        return tuple(
            Limit(f"{name}/{account}" if rate.scope == "account" else name, rate.requests, rate.seconds)
            for rate in self.destination.rates
        )

    @property
    def pace(self) -> Pace:
        """What counts requests in this process."""
        return _pace(self.services.settings.redis_url, self.services.settings.worker_count)

    @property
    def first_poll(self) -> timedelta:
        """How long after an acceptance the verdict is first asked for."""
        if self.destination.name == "google_data_manager":
            return timedelta(seconds=self.services.settings.google_status_after_seconds)
        return self.destination.first_poll

    def keep(self, refresh_token: str) -> None:
        """Store the refresh token that the provider put in place of the present one."""
        with self.services.db.tenant(self.company_id) as session:
            keep_refresh_token(
                session, self.services.vault, self.company_id, self.destination_id, refresh_token
            )

    def now(self) -> datetime:
        """Return the present moment."""
        return self.services.clock()

    def hash_of(self, rows: Sequence[Claimed]) -> bytes:
        """Return the SHA-256 of the request body that will carry these rows; the token is not part of it."""
        payloads = [row.payload for row in rows]
        return hashlib.sha256(self.destination.request(payloads, self.settings, self.now()).body).digest()


@lru_cache
def _pace(redis_url: str, processes: int) -> Pace:
    return Pace(redis_url, processes)


def account_of(session: Session, company_id: UUID, destination_id: UUID) -> DestinationAccount | None:
    """Return the destination if it is active."""
    account = session.get(DestinationAccount, (company_id, destination_id))
    return account if account is not None and account.status == "active" else None


def trip_to(services: Services, courier: Courier, account: DestinationAccount, now: datetime) -> Trip:
    """Prepare a trip to the destination, with a lease token of its own."""
    return Trip(
        services,
        courier,
        account.company_id,
        account.id,
        DESTINATIONS[account.kind],
        open_settings(services.vault, account),
        new_id(now),
    )
