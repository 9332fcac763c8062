"""Loads Google's client before a person waits for it: cold, it takes seconds, on a busy machine many."""

import threading
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from calltrack.delivery.courier import courier_of
from calltrack.infra.heap import settle
from calltrack.infra.log import log
from calltrack.spend.model import SpendAccount
from calltrack.wiring import Services

_BEGUN: Final = threading.Lock()


def warm_up(services: Services) -> None:
    """Load the client in a thread of its own, once per process; returns at once."""
    if _BEGUN.acquire(blocking=False):
        threading.Thread(target=_load, args=(services,), name="warm google-ads", daemon=True).start()


def warm_where_used(services: Services) -> None:
    """Do so at the start of a process where a company has an account whose budgets may be changed.

    Elsewhere nobody pays 100 MB for it. Returns at once; a database that does not answer is no fault here.
    """
    threading.Thread(target=_look, args=(services,), name="warm google-ads?", daemon=True).start()


def _load(services: Services) -> None:
    courier_of(services).warm_google_ads()
    settle()


def _look(services: Services) -> None:
    try:
        with services.db.system() as system:
            companies = system.scalars(select(SpendAccount.company_id).distinct()).all()
        is_used = any(_can_apply(services, company_id) for company_id in companies)
    except SQLAlchemyError as error:
        log.warning("the google-ads client is loaded later: %s", type(error).__name__)
        return
    if is_used:
        warm_up(services)


def _can_apply(services: Services, company_id: UUID) -> bool:
    used = select(SpendAccount.id).where(
        SpendAccount.company_id == company_id,
        SpendAccount.platform == "google_ads",
        SpendAccount.destination_id.is_not(None),
    )
    with services.db.tenant(company_id) as session:
        return session.scalar(used.limit(1)) is not None
