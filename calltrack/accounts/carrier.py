"""The company's account at the carrier: connected once, its token sealed and never shown again."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import CarrierAccount, Company
from calltrack.infra.crypto import Unreadable, Vault
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.telephony.carrier import Carrier
from calltrack.telephony.carriers import Carriers

PLACE = "carrier_account.auth_token"
ITSELF = "calltrack"


@dataclass(frozen=True)
class CarrierRow:
    """A connected account, without its token."""

    id: UUID
    carrier: str
    account_sid: str
    created_at: datetime


def account_sid(text: str) -> str:
    """Read a Twilio account SID; raises BadInput when it has another shape."""
    sid = text.strip()
    if not re.fullmatch(r"AC[0-9a-fA-F]{32}", sid):
        raise BadInput(
            "An account SID is AC followed by 32 letters a to f and digits; copy it from the console."
        )
    return sid


def auth_token(text: str) -> str:
    """Read an auth token; raises BadInput when it cannot be one. The text never repeats it."""
    token = text.strip()
    if not re.fullmatch(r"[!-~]{16,128}", token):
        raise BadInput("An auth token has 16 to 128 characters without blanks; copy it from the console.")
    return token


def carrier_of(session: Session, company_id: UUID) -> CarrierRow | None:
    """Return the company's carrier account; None before it is connected."""
    row = session.execute(
        select(
            CarrierAccount.id, CarrierAccount.carrier, CarrierAccount.account_sid, CarrierAccount.created_at
        )
        .where(CarrierAccount.company_id == company_id)
        .order_by(CarrierAccount.id)
        .limit(1)
    ).one_or_none()
    return CarrierRow(*row) if row else None


def carrier_for(session: Session, vault: Vault, carriers: Carriers, company_id: UUID) -> Carrier:
    """Open the company's account at its carrier; ask it only after the transaction is over.

    Raises:
        NotFound: no carrier is connected.
        Unreadable: the stored token was sealed with another ENCRYPTION_KEY.
    """
    row = session.execute(
        select(CarrierAccount.account_sid, CarrierAccount.auth_token)
        .where(CarrierAccount.company_id == company_id)
        .order_by(CarrierAccount.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound("No carrier is connected yet: connect it on the page Carrier first.")
    return carriers.open(row.account_sid, vault.open(company_id, PLACE, row.auth_token))


def connect_carrier(
    session: Session, vault: Vault, company_id: UUID, sid: str, token: str, now: datetime, *, by: str = ITSELF
) -> UUID:
    """Connect the company's Twilio account and return its id.

    Raises:
        BadInput: the SID or the token cannot be one.
        Conflict: an account is connected already.
    """
    # The lock makes two who connect at once take turns.
    session.execute(select(Company.id).where(Company.id == company_id).with_for_update())
    if carrier_of(session, company_id):
        raise Conflict("A carrier is connected already; change it instead.")
    account = CarrierAccount(
        company_id=company_id,
        id=new_id(now),
        carrier="twilio",
        account_sid=account_sid(sid),
        auth_token=vault.seal(company_id, PLACE, auth_token(token)),
        created_at=now,
    )
    session.add(account)
    session.flush()
    audit.note(session, company_id, by, "carrier.connect", account.account_sid, now)
    return account.id


def change_carrier(
    session: Session, vault: Vault, company_id: UUID, sid: str, token: str, now: datetime, *, by: str = ITSELF
) -> None:
    """Change SID or token for all the company's numbers; an empty token leaves the stored one as it is.

    Raises:
        BadInput: the SID or the token cannot be one, or a new SID comes without its own token.
        NotFound: no account is connected.
    """
    account = session.scalars(
        select(CarrierAccount)
        .where(CarrierAccount.company_id == company_id)
        .order_by(CarrierAccount.id)
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if account is None:
        raise NotFound("No carrier is connected yet.")
    wanted, given = account_sid(sid), auth_token(token) if token.strip() else ""
    if wanted != account.account_sid and not given:
        raise BadInput("Another account has another auth token; give both.")
    is_new_token = bool(given) and not _is_stored(vault, account, given)
    if wanted == account.account_sid and not is_new_token:
        return
    account.account_sid = wanted
    if is_new_token:
        account.auth_token = vault.seal(company_id, PLACE, given)
    audit.note(session, company_id, by, "carrier.change", wanted, now, new_token=is_new_token)


def _is_stored(vault: Vault, account: CarrierAccount, token: str) -> bool:
    try:
        return vault.open(account.company_id, PLACE, account.auth_token) == token
    except Unreadable:
        return False
