"""Tells people that an ad account's spend is read no more, until it is again."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.delivery.notices import Problem, raise_and_resolve
from calltrack.spend.model import SpendAccount

PAUSED: Final = "spend.paused"


def review_accounts(session: Session, company_id: UUID, now: datetime) -> None:
    """Raise a notice for each account that waits for a person, and end those that are over."""
    session.flush()
    paused = session.execute(
        select(SpendAccount.id, SpendAccount.name, SpendAccount.trouble)
        .where(SpendAccount.company_id == company_id, SpendAccount.status == "paused")
        .order_by(SpendAccount.id)
    )
    problems = [
        Problem(PAUSED, row.id.hex, "action", f"The spend of {row.name} is not read. {row.trouble}")
        for row in paused
    ]
    raise_and_resolve(session, company_id, problems, now, (PAUSED,))
