"""What a company must know of its carrier account: that its list of calls cannot be read."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.calls.keeping_model import CarrierPoll
from calltrack.delivery.notices import Problem, raise_and_resolve
from calltrack.wiring import Services

KINDS: Final = ("carrier.refused", "carrier.unwell")
# So many turns in a row found the carrier unwell: more than half an hour.
LONG_UNWELL: Final = 3


def review_carrier(services: Services, company_id: UUID, _account_id: UUID) -> None:
    """Raise what is the matter with the carrier account, and end what is over."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        changed = raise_and_resolve(session, company_id, list(_problems(session, company_id)), now, KINDS)
    if changed:
        services.nudges.wake("handle_facts", str(company_id))


def _problems(session: Session, company_id: UUID) -> Iterator[Problem]:
    rows = session.scalars(select(CarrierPoll).where(CarrierPoll.company_id == company_id))
    for one in rows:
        if one.is_refused:
            words = f"The carrier refuses us its list of calls, so lost reports are not found. {one.problem}"
            yield Problem("carrier.refused", one.account_id.hex, "action", words)
        elif one.failures >= LONG_UNWELL:
            words = (
                f"The carrier's list of calls could not be read {one.failures} times in a row. {one.problem} "
                "Nothing to do: calltrack asks again, more rarely, and then reads what was missed."
            )
            yield Problem("carrier.unwell", one.account_id.hex, "info", words)
