"""One look at an ad account: claimed by a lease on its row, asked over a destination's access."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.delivery.accounts import keep_refresh_token, open_settings
from calltrack.delivery.model import DestinationAccount
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.destinations.sending import Courier
from calltrack.infra.http import HttpAnswer, HttpDoor, HttpRequest
from calltrack.kernel.ids import new_id
from calltrack.spend.model import SpendAccount
from calltrack.spend.notices import review_accounts
from calltrack.spend.platforms import SOURCES
from calltrack.spend.platforms.base import Source, trouble_of
from calltrack.spend.told import Trouble
from calltrack.wiring import Services

# Longer than the longest answer: who has not settled by then is dead.
LEASE: Final = timedelta(minutes=10)
LARGEST_ANSWER: Final = 64 * 1024 * 1024
LONGEST_ANSWER: Final = 120.0


def accounts_to_read(system: Session, now: datetime) -> list[tuple[UUID, UUID]]:
    """Name the accounts that are to be read at that moment (system role)."""
    rows = system.execute(
        text("SELECT company_id, id FROM spend_account WHERE due_at <= :now ORDER BY due_at"), {"now": now}
    )
    return [(row.company_id, row.id) for row in rows]


@dataclass(frozen=True)
class Look:
    """One look at one account: what is known of it, and how its platform is asked."""

    services: Services
    account: SpendAccount
    source: Source
    settings: Any
    line: "AccessLine"
    now: datetime

    def settled(self, store: Callable[[Session, SpendAccount], object]) -> None:
        """Store something in a transaction of its own, unless somebody else has the account by now.

        Raises:
            LostLease: somebody else has it.
        """
        with self.services.db.tenant(self.account.company_id) as session:
            row = session.get_one(
                SpendAccount, (self.account.company_id, self.account.id), with_for_update=True
            )
            if row.lease_token != self.account.lease_token:
                raise LostLease
            row.lease_until = self.services.clock() + LEASE
            row.due_at = row.lease_until
            store(session, row)


class LostLease(Exception):
    """Somebody else reads the account by now, or it was stopped."""


class AccessLine:
    """Carries questions over a destination's access: tokens, failures on the way, new refresh tokens."""

    def __init__(self, courier: Courier, source: Source, settings: Any, keep: Callable[[str], None]) -> None:
        self._courier, self._source, self._settings, self._keep = courier, source, settings, keep
        self.now: Callable[[], datetime]

    def ask(self, build: Callable[[str | None], HttpRequest]) -> HttpAnswer:
        """Send one request; returns an answer of any status, raises Trouble where there is none."""
        heard: list[HttpAnswer] = []

        def read(answer: HttpAnswer) -> tuple[Outcome, ...]:
            heard.append(answer)
            return (Outcome(Class.DONE, "OK", ""),)

        attempt = self._courier.carry(
            DESTINATIONS[self._source.carrier], self._settings, self.now(), 1, build, read, self._keep
        )
        if not heard:
            raise trouble_of(attempt.outcomes[0], self._source.label)
        return heard[-1]

    def fetch(self, url: str) -> HttpAnswer:
        """Fetch a file that the platform has made; raises Trouble where no answer comes."""
        answer = self._courier.fetch(url)
        if isinstance(answer, HttpAnswer):
            return answer
        raise Trouble("later", f"{self._source.label}'s report could not be fetched: {answer.message}.")


def claim(services: Services, company_id: UUID, account_id: UUID, courier: Courier) -> Look | None:
    """Take an account that is due, and nobody else reads; None: it is not, or a person must do something."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        row = session.scalar(
            select(SpendAccount)
            .where(
                SpendAccount.company_id == company_id, SpendAccount.id == account_id,
                SpendAccount.due_at <= now, SpendAccount.status == "active",
            )
            .with_for_update(skip_locked=True)
        )  # fmt: skip
        if row is None or (row.lease_until is not None and row.lease_until > now):
            return None
        source = SOURCES.get(row.platform)
        destination = (
            session.get(DestinationAccount, (company_id, row.destination_id)) if row.destination_id else None
        )
        if source is None or destination is None or destination.status == "removed":
            row.status, row.due_at = "paused", None
            step = "Stop this account, then read it by another."
            row.trouble = f"The destination whose access was used is removed. {step}"
            review_accounts(session, company_id, now)
            return None
        row.lease_token, row.lease_until, row.due_at = new_id(now), now + LEASE, now + LEASE
        keep = partial(_keep_refresh_token, services, company_id, destination.id)
        settings = open_settings(services.vault, destination)
    line = AccessLine(courier, source, settings, keep)
    line.now = services.clock
    return Look(services, row, source, settings, line, now)


def _keep_refresh_token(
    services: Services, company_id: UUID, destination_id: UUID, refresh_token: str
) -> None:
    with services.db.tenant(company_id) as session:
        keep_refresh_token(session, services.vault, company_id, destination_id, refresh_token)


def courier_of(services: Services) -> Courier:
    """Return this process's courier for reports; only the demo's may reach the twins on this machine."""
    return _courier(allow_private=services.settings.is_demo)


@lru_cache
def _courier(*, allow_private: bool) -> Courier:
    """Reports are long and take their time; uploads keep a door of their own."""
    door = HttpDoor(allow_private=allow_private, total_seconds=LONGEST_ANSWER, max_answer=LARGEST_ANSWER)
    return Courier(door, google_ads_seconds=LONGEST_ANSWER)
