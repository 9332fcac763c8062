"""Reads what an ad account spent, and plans the next look whatever comes of this one.

Twice is harmless. Where something fails the account says so in words and is looked at later; what was stored
before stays.
"""

from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.destinations.sending import Courier
from calltrack.infra.log import log
from calltrack.spend.asking import ask_all
from calltrack.spend.look import Look, LostLease, claim, courier_of
from calltrack.spend.model import SpendAccount
from calltrack.spend.notices import review_accounts
from calltrack.spend.rules import hold_for
from calltrack.spend.told import Trouble
from calltrack.wiring import Services


def read_account(
    services: Services, company_id: UUID, account_id: UUID, *, courier: Courier | None = None
) -> bool:
    """Read an account if it is due; tells whether its platform told all that was asked for."""
    look = claim(services, company_id, account_id, courier or courier_of(services))
    if look is None:
        return False
    try:
        return ask_all(look)
    except LostLease:
        log.warning("spend account %s was taken over by somebody else", account_id)
        return False
    except Trouble as trouble:
        _settle_trouble(look, trouble)
        return False


def _settle_trouble(look: Look, trouble: Trouble) -> None:
    """Note what went wrong, and when to look again; a person is told where one is needed."""

    def note(session: Session, row: SpendAccount) -> None:
        now = look.services.clock()
        row.trouble = trouble.words
        row.lease_token = row.lease_until = None
        # A report is ordered anew after a failure: it may be the very thing that failed.
        row.waiting = {}
        if trouble.class_ == "paused":
            row.status, row.due_at = "paused", None
        else:
            row.due_at = now + hold_for(row.unwell, trouble.after)
            row.unwell += 1
        review_accounts(session, row.company_id, now)

    if trouble.class_ == "bug":
        log.error("spend account %s: %s", look.account.id, trouble.words)
    try:
        look.settled(note)
    except LostLease:
        log.warning("spend account %s was taken over by somebody else", look.account.id)
