"""Ad accounts that spend is read from: connect over a destination's access, read now, stop."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.accounts.rules import display_name
from calltrack.delivery.accounts import open_settings
from calltrack.delivery.model import DestinationAccount
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import currency_code
from calltrack.spend.matching import watch
from calltrack.spend.model import SpendAccount
from calltrack.spend.platforms import SOURCES, source_for
from calltrack.spend.rules import today_in
from calltrack.wiring import Services

MOST_BACK: Final = 730
USUAL_BACK: Final = 90


@dataclass(frozen=True, slots=True)
class Access:
    """A destination whose access can read spend."""

    destination_id: UUID
    name: str
    kind: str
    platform: str
    label: str
    # The account's number where the settings hold it; else a person types it.
    number: str
    hint: str


def accesses(session: Session, vault: Vault, company_id: UUID) -> list[Access]:
    """Return the destinations whose access can read spend, by name."""
    rows = session.scalars(
        select(DestinationAccount)
        .where(DestinationAccount.company_id == company_id, DestinationAccount.status != "removed")
        .order_by(DestinationAccount.name, DestinationAccount.id)
    )
    found = []
    for row in rows:
        source = source_for(row.kind)
        if source is not None:
            number = source.number_in(open_settings(vault, row))
            found.append(Access(row.id, row.name, row.kind, source.name, source.label, number, source.number))
    return found


def connect(
    session: Session,
    vault: Vault,
    company_id: UUID,
    destination_id: UUID,
    number: str,
    back_days: int,
    by: str,
    now: datetime,
) -> UUID:
    """Read an ad account's spend from now on, and that of so many days before; a worker looks at once.

    Raises:
        NotFound: the company has no such destination.
        BadInput: its access reads no spend, the number is none, or too many days are wanted.
        Conflict: the account is read already.
    """
    row = session.get(DestinationAccount, (company_id, destination_id))
    if row is None or row.status == "removed":
        raise NotFound("There is no such destination.")
    source = source_for(row.kind)
    if source is None:
        labels = ", ".join(one.label for one in SOURCES.values())
        raise BadInput(f"This destination tells no spend. Spend is read from {labels}; others by file.")
    if not 1 <= back_days <= MOST_BACK:
        raise BadInput(f"Read between 1 and {MOST_BACK} days back; older months come by file.")
    wanted = source.read_number(number or source.number_in(open_settings(vault, row)))
    company = session.get_one(Company, company_id)
    first_day = today_in(company.timezone, now) - timedelta(days=back_days - 1)
    known = _known(session, company_id, source.name, wanted)
    if known is None:
        known = SpendAccount(
            company_id=company_id, id=new_id(now), platform=source.name, external_id=wanted,
            name=f"{source.label} {wanted}", currency=company.currency, timezone=company.timezone,
            created_at=now,
        )  # fmt: skip
        session.add(known)
    elif known.status != "stopped":
        raise Conflict("This account is read already; stop it first to read it by another access.")
    known.destination_id, known.first_day, known.read_at, known.night_on = (
        destination_id,
        first_day,
        None,
        None,
    )
    _wake(known, now)
    session.flush()
    watch(session, company_id, now)
    audit.note(session, company_id, by, "spend.connected", str(known.id), now, platform=source.name)
    return known.id


def make_account(
    session: Session, company_id: UUID, platform: str, name: str, currency: str, now: datetime
) -> SpendAccount:
    """Return the account that files or entries of that name and currency belong to; a new one where none is.

    Raises:
        BadInput: no name, or no such currency.
        Conflict: the name is there with another currency.
    """
    title, code = display_name(name), currency_code(currency)
    known = _known(session, company_id, platform, title)
    if known is not None:
        if known.currency != code:
            raise Conflict(f"{title} holds {known.currency}; use another name for {code}.")
        return known
    company = session.get_one(Company, company_id)
    statement = insert(SpendAccount).values(
        company_id=company_id, id=new_id(now), platform=platform, external_id=title, name=title,
        currency=code, timezone=company.timezone, created_at=now, status="active",
    )  # fmt: skip
    made: SpendAccount | None = session.scalar(statement.on_conflict_do_nothing().returning(SpendAccount))
    if made is None:
        # Somebody made it just now: then it is theirs, if its currency fits.
        return make_account(session, company_id, platform, name, currency, now)
    watch(session, company_id, now)
    return made


def read_now(session: Session, company_id: UUID, account_id: UUID, by: str, now: datetime) -> None:
    """Let a worker look at once, whatever paused it.

    Raises:
        NotFound: the company has no such account.
        Conflict: it is not read from a platform.
    """
    row = locked(session, company_id, account_id)
    if row.destination_id is None:
        raise Conflict("This account is not read from a platform; upload a file or add an entry.")
    _wake(row, now)
    audit.note(session, company_id, by, "spend.read_now", str(account_id), now)


def stop(session: Session, company_id: UUID, account_id: UUID, by: str, now: datetime) -> None:
    """Read an account no more; what was read stays.

    Raises:
        NotFound: the company has no such account.
    """
    row = locked(session, company_id, account_id)
    row.status, row.due_at, row.trouble, row.destination_id = "stopped", None, "", None
    row.waiting, row.lease_token, row.lease_until = {}, None, None
    audit.note(session, company_id, by, "spend.stopped", str(account_id), now)


def wake_after_change(services: Services, company_id: UUID, destination_id: UUID) -> None:
    """Look again at once where a destination was repaired whose access had failed."""
    with services.db.tenant(company_id) as session:
        session.execute(
            update(SpendAccount)
            .where(
                SpendAccount.company_id == company_id, SpendAccount.destination_id == destination_id,
                SpendAccount.status == "paused",
            )
            .values(status="active", due_at=services.clock(), unwell=0, lease_token=None, lease_until=None)
        )  # fmt: skip


def locked(session: Session, company_id: UUID, account_id: UUID) -> SpendAccount:
    """Return the account's row, held until the transaction ends; raises NotFound."""
    row = session.get(SpendAccount, (company_id, account_id), with_for_update=True)
    if row is None:
        raise NotFound("There is no such account of spend.")
    return row


def first_wanted(row: SpendAccount, today: date) -> date:
    """Return the oldest day that is wanted of an account."""
    return row.first_day or today - timedelta(days=USUAL_BACK - 1)


def _wake(row: SpendAccount, now: datetime) -> None:
    row.status, row.due_at, row.trouble, row.unwell = "active", now, "", 0
    row.waiting, row.lease_token, row.lease_until = {}, None, None


def _known(session: Session, company_id: UUID, platform: str, external_id: str) -> SpendAccount | None:
    return session.scalar(
        select(SpendAccount)
        .where(
            SpendAccount.company_id == company_id, SpendAccount.platform == platform,
            SpendAccount.external_id == external_id,
        )
        .with_for_update()
    )  # fmt: skip
