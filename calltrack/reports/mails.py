"""Who gets which report by e-mail: added by a manager, ended by a manager or by whoever gets it."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from itsdangerous import BadSignature, Signer
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.accounts.rules import email_address
from calltrack.infra.crypto import Vault
from calltrack.infra.turns import take_turn
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.reports.asking import read_asked
from calltrack.reports.days import day_of
from calltrack.reports.mail_model import ReportMail
from calltrack.reports.mail_rules import FILTERS, MOST, checked, next_due

PLACE: Final = "report_mail.email"
SALT: Final = b"report-mail"
BY_READER: Final = "the person who got it"
_GONE: Final = "This link does not work any more; the report it was about has ended."


@dataclass(frozen=True)
class MailRow:
    """A report somebody gets, and what came of the last one."""

    id: UUID
    email: str
    dimension: str
    every: str
    hour: int
    filters: dict[str, str]
    made_by: str
    due_at: datetime
    sent_at: datetime | None
    said: str
    stopped_at: datetime | None
    stopped_by: str


@dataclass(frozen=True)
class WantedMail:
    """A report as somebody asks for it; words are checked when it is added."""

    email: str
    dimension: str
    every: str
    hour: str
    filters: dict[str, str]


def add_mail(
    session: Session, vault: Vault, company_id: UUID, wanted: WantedMail, now: datetime, *, by: str
) -> UUID:
    """Let somebody get a report; returns its id.

    Raises:
        BadInput: an address, dimension, filter or hour that is none, or too many reports.
        Conflict: the address gets this report already.
    """
    zone = session.scalars(select(Company.timezone).where(Company.id == company_id)).one()
    address, (every, hour) = email_address(wanted.email), checked(wanted.every, wanted.hour)
    filters = {name: value for name, value in wanted.filters.items() if value and name in FILTERS}
    asked = read_asked(filters, wanted.dimension, day_of(now, zone))
    # Who presses twice asks once: the second one sees the first one's row.
    take_turn(session, "report mails", company_id)
    own = (ReportMail.company_id == company_id, ReportMail.stopped_at.is_(None))
    if (session.scalar(select(func.count()).where(*own)) or 0) >= MOST:
        raise BadInput(f"A company sends at most {MOST} reports; end one first.")
    told = vault.look_up(company_id, address)
    same = (
        ReportMail.email_hash == told,
        ReportMail.dimension == asked.dimension.id,
        ReportMail.every == every,
    )
    if session.scalar(select(ReportMail.id).where(*own, *same, ReportMail.filters == asked.words()).limit(1)):
        raise Conflict("This address gets this report already.")
    due_at = next_due(every, hour, zone, now)
    row = ReportMail(
        company_id=company_id, id=new_id(now), email=vault.seal(company_id, PLACE, address), email_hash=told,
        dimension=asked.dimension.id, every=every, hour=hour, filters=asked.words(), made_by=by, made_at=now,
        due_at=due_at, wakes_at=due_at,
    )  # fmt: skip
    session.add(row)
    audit.note(
        session, company_id, by, "report_mail.add", row.id.hex, now, every=every, by=asked.dimension.id
    )
    return row.id


def stop_mail(
    session: Session, vault: Vault, company_id: UUID, mail_id: UUID, now: datetime, *, by: str
) -> None:
    """End a report; ending it again changes nothing. Its address is forgotten.

    Raises:
        NotFound: the company has no such report.
    """
    row = session.get(ReportMail, (company_id, mail_id), with_for_update=True)
    if row is None:
        raise NotFound("There is no such report by e-mail.")
    if row.stopped_at is None:
        row.stopped_at, row.stopped_by, row.wakes_at = now, by, None
        row.email, row.email_hash = vault.seal(company_id, PLACE, ""), b""
        audit.note(session, company_id, by, "report_mail.end", mail_id.hex, now)


def mails(session: Session, vault: Vault, company_id: UUID) -> tuple[MailRow, ...]:
    """Return the company's reports by e-mail: running ones first, then the last ended ones."""
    rows = session.scalars(
        select(ReportMail)
        .where(ReportMail.company_id == company_id)
        .order_by(ReportMail.stopped_at.desc().nulls_first(), ReportMail.id)
        .limit(2 * MOST)
    )
    return tuple(mail_row(vault, row) for row in rows)


def mail_row(vault: Vault, row: ReportMail) -> MailRow:
    """Return a report with its address opened."""
    same: dict[str, Any] = {
        name: getattr(row, name) for name in MailRow.__dataclass_fields__ if name != "email"
    }
    return MailRow(email=vault.open(row.company_id, PLACE, row.email), **same)


def sign_end(key: str, company_id: UUID, mail_id: UUID) -> str:
    """Return the token of the link that ends a report; it works as long as the report does."""
    named = base64.urlsafe_b64encode(company_id.bytes + mail_id.bytes).rstrip(b"=")
    return Signer(key, salt=SALT).sign(named).decode()


def read_end(key: str, token: str) -> tuple[UUID, UUID]:
    """Return the company and report a link names; raises NotFound when it is forged."""
    try:
        named = Signer(key, salt=SALT).unsign(token[:200])
        both = base64.urlsafe_b64decode(named + b"=" * (-len(named) % 4))
        return UUID(bytes=both[:16]), UUID(bytes=both[16:])
    except (BadSignature, ValueError):
        raise NotFound(_GONE) from None
