"""Sends due reports as PDF: claimed for the length of a lease, sent outside any transaction, settled.

Each due time of a report has one message id. The claim is kept before anything is read, so a report that
cannot be made is given up after some tries and holds up no other one. A worker that dies between the
hand-over to the mail server and the note that it was done sends that message once more under the same id;
whoever runs twice otherwise finds nothing due.
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
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.reports.asking import read_asked
from calltrack.reports.days import bounds_of, day_of
from calltrack.reports.mail_model import ReportMail
from calltrack.reports.mail_rules import EVERY, PERIODS, STEPS, newest_due, next_due, wait_before
from calltrack.reports.mails import MailRow, mail_row, sign_end
from calltrack.reports.model import ReportState
from calltrack.reports.names import Names, names_of
from calltrack.reports.report import Report, make_report
from calltrack.reports.table import days, told_of
from calltrack.wiring import Services

LEASE: Final = timedelta(minutes=3)
# Days that are still being counted are waited for, but not for ever.
PATIENCE: Final = timedelta(hours=1)
PAUSE: Final = timedelta(minutes=1)
MOST_TRIES: Final = len(STEPS) + 1

_CLAIM: Final = text(
    """
    UPDATE report_mail SET wakes_at = :lease_end, tries = tries + 1
    WHERE company_id = :company_id AND id = (
        SELECT id FROM report_mail
        WHERE company_id = :company_id AND wakes_at <= :now AND stopped_at IS NULL
        ORDER BY wakes_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, every, hour, due_at, tries
    """
)


@dataclass(frozen=True)
class _Claimed:
    """A report this worker sends, and for which due time."""

    id: UUID
    every: str
    hour: int
    company: CompanyRow
    due_at: datetime
    tries: int


@dataclass(frozen=True)
class _Made:
    """What is sent; `is_current`: all of its days are counted to their end."""

    mail: MailRow
    report: Report
    names: Names
    is_current: bool


class _NoReport(Exception):
    """A person must change something before there can be a report: trying again would end the same way."""


def companies_to_mail(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with reports that are due by e-mail (system role)."""
    return list(system.scalars(select(ReportMail.company_id).where(ReportMail.wakes_at <= now).distinct()))


def mail_next(services: Services, company_id: UUID) -> bool:
    """Send the next due report of the company; False: none is due."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        claimed = _claim(session, company_id, now)
    if claimed is None:
        return False
    if claimed.tries > MOST_TRIES:
        _end(services, claimed, now, f"Given up after {MOST_TRIES} tries: it could not be made.")
        return True
    try:
        with services.db.tenant(company_id) as session:
            made = _make(session, services, claimed)
    except _NoReport as problem:
        _end(services, claimed, now, f"Not sent: {problem}")
        return True
    if not made.is_current and now < claimed.due_at + PATIENCE:
        _settle(services, claimed, wakes_at=now + PAUSE, tries=claimed.tries - 1)
        return True
    if not services.settings.smtp_url.get_secret_value():
        _end(services, claimed, now, "Not sent: no mail server is set (SMTP_URL).")
        return True
    try:
        _send(services, claimed, made, now)
    except MailNotSent as problem:
        wait = wait_before(claimed.tries)
        if wait is None:
            _end(services, claimed, now, f"Given up after {claimed.tries} tries: {problem}.")
        else:
            _settle(services, claimed, wakes_at=now + wait, said=f"Not sent yet: {problem}.")
        return True
    _end(services, claimed, now, "", sent_at=now)
    return True


def _claim(session: Session, company_id: UUID, now: datetime) -> _Claimed | None:
    asked = {"company_id": company_id, "now": now, "lease_end": now + LEASE}
    row, company = session.execute(_CLAIM, asked).one_or_none(), company_of(session, company_id)
    if row is None or company is None:
        return None
    due_at = newest_due(row.every, row.hour, company.timezone, row.due_at, now)
    return _Claimed(row.id, row.every, row.hour, company, due_at, row.tries)


def _make(session: Session, services: Services, claimed: _Claimed) -> _Made:
    company, zone = claimed.company, claimed.company.timezone
    row = session.get_one(ReportMail, (company.id, claimed.id))
    mail = mail_row(services.vault, row)
    words = mail.filters | {"period": PERIODS[row.every], "sort": "calls"}
    asked = read_asked(words, row.dimension, day_of(claimed.due_at, zone))
    try:
        report = make_report(session, company.id, replace(asked, is_open=False), now=claimed.due_at)
    except NotFound:
        raise _NoReport("its segment was deleted. End this report and ask for another one.") from None
    except BadInput as problem:
        raise _NoReport(str(problem)) from None
    # Visits tell nobody that they came: those of the last minutes before midnight are looked for after it.
    state = session.get(ReportState, (company.id,))
    is_over = state is None or state.seen_at >= bounds_of(asked.now.until, zone)[1]
    return _Made(mail, report, names_of(session, company.id, report), is_over and not report.days_due)


def _send(services: Services, claimed: _Claimed, made: _Made, now: datetime) -> None:
    # Fonts and pictures: only whoever makes a PDF needs them in memory.
    from calltrack.reports.pdf import pdf_of

    settings, company, mail, report = services.settings, claimed.company, made.mail, made.report
    told = told_of(report, made.names, company.name, company.timezone, company.currency, now)
    file = pdf_of(report, made.names, told, company.name, company.currency, now)
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
    following = next_due(claimed.every, claimed.hour, claimed.company.timezone, now)
    more = {"sent_at": sent_at} if sent_at else {}
    _settle(services, claimed, due_at=following, wakes_at=following, tries=0, said=said, **more)


def _settle(services: Services, claimed: _Claimed, **values: object) -> None:
    """Write what came of it, unless the report was ended meanwhile."""
    with services.db.tenant(claimed.company.id) as session:
        this = (ReportMail.company_id == claimed.company.id, ReportMail.id == claimed.id)
        session.execute(update(ReportMail).where(*this, ReportMail.stopped_at.is_(None)).values(**values))
