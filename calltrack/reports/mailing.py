"""Sends due reports as PDF: claimed for the length of a lease, sent outside any transaction, settled.

Each due time of a report has one message id. A worker that dies between the hand-over to the mail server and
the note that it was done sends that message once more under the same id; whoever runs twice otherwise finds
nothing due.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from calltrack.accounts.queries import CompanyRow
from calltrack.accounts.queries import company as company_of
from calltrack.infra.mail import Attached, MailNotSent, send_mail
from calltrack.reports.asking import read_asked
from calltrack.reports.days import day_of
from calltrack.reports.mail_model import ReportMail
from calltrack.reports.mail_rules import EVERY, PERIODS, newest_due, next_due, wait_before
from calltrack.reports.mails import MailRow, mail_row, sign_end
from calltrack.reports.names import Names, names_of
from calltrack.reports.report import Report, make_report
from calltrack.reports.table import days, told_of
from calltrack.wiring import Services

LEASE: Final = timedelta(minutes=3)
# Days that are still being counted are waited for, but not for ever.
PATIENCE: Final = timedelta(hours=1)
PAUSE: Final = timedelta(minutes=1)

_CLAIM: Final = text(
    """
    UPDATE report_mail SET wakes_at = :lease_end, tries = tries + 1
    WHERE company_id = :company_id AND id = (
        SELECT id FROM report_mail
        WHERE company_id = :company_id AND wakes_at <= :now AND stopped_at IS NULL
        ORDER BY wakes_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
    """
)


@dataclass(frozen=True)
class _Claimed:
    """A report this worker sends, for which due time, and everything it is made of."""

    mail: MailRow
    company: CompanyRow
    due_at: datetime
    tries: int
    report: Report
    names: Names


def companies_to_mail(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with reports that are due by e-mail (system role)."""
    return list(system.scalars(select(ReportMail.company_id).where(ReportMail.wakes_at <= now).distinct()))


def mail_next(services: Services, company_id: UUID) -> bool:
    """Send the next due report of the company; False: none is due."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        claimed = _claim(session, services, company_id, now)
    if claimed is None:
        return False
    if claimed.report.days_due and now < claimed.due_at + PATIENCE:
        _settle(services, claimed, wakes_at=now + PAUSE, tries=claimed.tries - 1)
        return True
    if not services.settings.smtp_url.get_secret_value():
        _end(services, claimed, now, "Not sent: no mail server is set (SMTP_URL).")
        return True
    try:
        _send(services, claimed, now)
    except MailNotSent as problem:
        wait = wait_before(claimed.tries)
        if wait is None:
            _end(services, claimed, now, f"Given up after {claimed.tries} tries: {problem}.")
        else:
            _settle(services, claimed, wakes_at=now + wait, said=f"Not sent yet: {problem}.")
        return True
    _end(services, claimed, now, "", sent_at=now)
    return True


def _claim(session: Session, services: Services, company_id: UUID, now: datetime) -> _Claimed | None:
    mail_id = session.scalar(_CLAIM, {"company_id": company_id, "now": now, "lease_end": now + LEASE})
    company = company_of(session, company_id)
    if mail_id is None or company is None:
        return None
    row = session.get_one(ReportMail, (company_id, mail_id))
    zone, mail = company.timezone, mail_row(services.vault, row)
    due_at = newest_due(row.every, row.hour, zone, row.due_at, now)
    words = mail.filters | {"period": PERIODS[row.every], "sort": "calls"}
    asked = read_asked(words, row.dimension, day_of(due_at, zone))
    report = make_report(session, company_id, replace(asked, is_open=False))
    return _Claimed(mail, company, due_at, row.tries, report, names_of(session, company_id))


def _send(services: Services, claimed: _Claimed, now: datetime) -> None:
    # Fonts and pictures: only whoever makes a PDF needs them in memory.
    from calltrack.reports.pdf import pdf_of

    settings, company, mail, report = services.settings, claimed.company, claimed.mail, claimed.report
    told = told_of(report, claimed.names, company.name, company.timezone, company.currency, now)
    file = pdf_of(report, claimed.names, told, company.name, company.currency, now)
    key = settings.secret_key.get_secret_value()
    end = f"{settings.base_url}/r/{sign_end(key, company.id, mail.id)}"
    span, over = report.asked.now, days(report.asked.now)
    # The days themselves: the link shows the same report whenever it is opened.
    query = report.asked.address(period="", since=span.since.isoformat(), until=span.until.isoformat())
    page = f"{settings.base_url}/app/{company.id.hex}/reports/{mail.dimension}?{query}"
    host = settings.mail_from.rpartition("@")[2].strip(">")
    send_mail(
        settings.smtp_url.get_secret_value(), settings.mail_from, [mail.email],
        f"{company.name}: {report.asked.dimension.plural}, {over}",
        _text(report, company, page, end, mail),
        f"<report-{mail.id.hex}-{claimed.due_at:%Y%m%d%H%M}@{host}>", now,
        attached=(Attached(f"{mail.dimension}-{report.asked.now.until}.pdf", "application/pdf", file),),
        headers={"List-Unsubscribe": f"<{end}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )  # fmt: skip


def _text(report: Report, company: CompanyRow, page: str, end: str, mail: MailRow) -> str:
    total, before = report.total, report.total_before
    before_that = days(report.asked.before or report.asked.now)
    lines = [f"{days(report.asked.now)} in {company.timezone}, against {before_that}:"]
    for name in ("calls", "leads", "purchases"):
        lines.append(f"  {name.capitalize()}: {getattr(total, name):,} (before: {getattr(before, name):,})")
    return "\n".join(
        [
            *lines, "", "The report is attached as PDF. With every single call:", page, "",
            f"You get this {EVERY[mail.every]} because {mail.made_by} asked for it. To end it:", end, "",
        ]
    )  # fmt: skip


def _end(
    services: Services, claimed: _Claimed, now: datetime, said: str, sent_at: datetime | None = None
) -> None:
    """Be done with this due time, sent or not."""
    mail = claimed.mail
    following = next_due(mail.every, mail.hour, claimed.company.timezone, now)
    more = {"sent_at": sent_at} if sent_at else {}
    _settle(services, claimed, due_at=following, wakes_at=following, tries=0, said=said, **more)


def _settle(services: Services, claimed: _Claimed, **values: object) -> None:
    """Write what came of it, unless the report was ended meanwhile."""
    with services.db.tenant(claimed.company.id) as session:
        this = (ReportMail.company_id == claimed.company.id, ReportMail.id == claimed.mail.id)
        session.execute(update(ReportMail).where(*this, ReportMail.stopped_at.is_(None)).values(**values))
