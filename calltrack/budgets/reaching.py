"""Talks to one Google Ads account about its budgets, by the access of a connected destination."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.delivery.accounts import keep_refresh_token, open_settings
from calltrack.delivery.courier import courier_of
from calltrack.delivery.model import DestinationAccount
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.google_ads_budgets import (
    BudgetNow,
    change_request,
    read_budgets,
    read_change,
    read_request,
)
from calltrack.destinations.google_settings import (
    GoogleAccountSettings,
    GoogleAdsSettings,
    through_ads_api,
)
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.infra.http import HttpAnswer
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.spend.model import SpendAccount
from calltrack.wiring import Services

# A person waits for a question or a dry run; a real change may take longer, because not knowing is worse.
ASKED_SECONDS: Final = 10.0
ASKS_AGAIN: Final = "Nothing to do: calltrack asks again."


@dataclass(frozen=True)
class Reach:
    """An account of Google's that can be talked to."""

    services: Services
    company_id: UUID
    account_id: UUID
    destination_id: UUID
    name: str
    settings: GoogleAdsSettings

    def read(self, budgets: Sequence[str]) -> dict[str, BudgetNow] | Outcome:
        """Return the budgets as they stand, by number, or why nobody knows."""
        told: list[dict[str, BudgetNow] | Outcome] = []

        def note(answer: HttpAnswer) -> tuple[Outcome]:
            told.append(read_budgets(answer))
            return (Outcome(Class.DONE, "OK", ""),)

        outcome = self._carry(lambda token: read_request(self.settings, budgets, token), note, ASKED_SECONDS)
        return told[0] if told else _asked(outcome)

    def change(self, amounts: Mapping[str, int], *, validate_only: bool) -> Outcome:
        """Set amounts by budget, all or none, or have them checked only; UNKNOWN: nobody knows."""
        outcome = self._carry(
            lambda token: change_request(self.settings, amounts, token, validate_only=validate_only),
            lambda answer: (read_change(answer, validate_only=validate_only),),
            ASKED_SECONDS if validate_only else None,
        )
        return _asked(outcome) if validate_only else outcome

    def _carry(self, build: Any, read: Any, seconds: float | None) -> Outcome:
        attempt = courier_of(self.services).carry(
            DESTINATIONS["google_ads"], self.settings, self.services.clock(), 1, build, read, self._keep,
            seconds=seconds,
        )  # fmt: skip
        return attempt.outcomes[0]

    def _keep(self, refresh_token: str) -> None:
        with self.services.db.tenant(self.company_id) as session:
            keep_refresh_token(
                session, self.services.vault, self.company_id, self.destination_id, refresh_token
            )


def _asked(outcome: Outcome) -> Outcome:
    """Return what a missing answer to a mere question means: nothing is at stake, it is asked again."""
    if outcome.class_ is not Class.UNKNOWN:
        return outcome
    return replace(outcome, class_=Class.LATER, message="Google did not answer in time.", hint=ASKS_AGAIN)


def reach(services: Services, session: Session, company_id: UUID, account_id: UUID) -> Reach:
    """Return how the account is talked to.

    Raises:
        NotFound: the company has no such ad account.
        Conflict: its budgets cannot be changed from here; the text says what to do.
    """
    account = session.get(SpendAccount, (company_id, account_id))
    if account is None:
        raise NotFound("There is no such ad account.")
    if account.platform != "google_ads":
        raise Conflict("Only budgets at Google Ads are changed from here; copy the list for this platform.")
    found = (
        session.get(DestinationAccount, (company_id, account.destination_id))
        if account.destination_id is not None
        else None
    )
    if found is None or found.status == "removed":
        raise Conflict("This ad account has no connection to change budgets with; connect Google Ads first.")
    settings = open_settings(services.vault, found)
    digits = "".join(each for each in account.external_id if each.isdigit())
    if not isinstance(settings, GoogleAccountSettings) or len(digits) != 10:
        raise Conflict("This ad account is not connected through Google; connect Google Ads first.")
    return Reach(services, company_id, account_id, found.id, account.name, through_ads_api(settings, digits))
