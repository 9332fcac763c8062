"""The exact request that one delivery makes when it is sent alone: for people to see, secrets hidden."""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.delivery.accounts import open_settings
from calltrack.delivery.model import Delivery, DestinationAccount
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.preview import HIDDEN, TOKEN, Shown, hide
from calltrack.infra.crypto import Vault

# Made from a secret: whoever has one could pass for us for some minutes.
_PROOFS: Final = ("signature", "authorization", "token")


def request_of(
    session: Session, vault: Vault, company_id: UUID, delivery_id: UUID, now: datetime
) -> Shown | None:
    """Return the request as it would leave now; None where nothing is kept to send, or nowhere to send it.

    In a batch the same payload shares its request with others; nothing else about it differs.
    """
    row = session.get(Delivery, (company_id, delivery_id))
    account = session.get(DestinationAccount, (company_id, row.destination_id)) if row else None
    if row is None or account is None or not row.payload:
        return None
    if account.status == "removed" or account.kind not in DESTINATIONS:
        return None
    destination = DESTINATIONS[account.kind]
    try:
        settings = open_settings(vault, account)
        token = TOKEN if destination.token_request(settings) is not None else None
        shown = hide(destination.request([row.payload], settings, now, token), settings)
    except ValueError:
        # Stored by an older version, or by the demo's history: it says what was sent, and makes no request.
        return None
    headers = {
        name: HIDDEN if any(word in name.lower() for word in _PROOFS) else value
        for name, value in shown.headers.items()
    }
    return replace(shown, headers=headers)
