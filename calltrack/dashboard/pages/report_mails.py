"""Reports by e-mail: who gets which, the form for one more, and the page behind the link that ends one."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts.queries import company as company_of
from calltrack.accounts.queries import locations
from calltrack.dashboard.access import Here, open_page, page, parts
from calltrack.dashboard.security import error_page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import NotFound
from calltrack.reports.dimensions import DIMENSIONS
from calltrack.reports.mail_model import ReportMail
from calltrack.reports.mail_rules import EVERY
from calltrack.reports.mails import BY_READER, WantedMail, add_mail, mails, read_end, stop_mail
from calltrack.reports.names import names_of
from calltrack.wiring import Services

GONE = ("This link does not work any more", "The report it was about has ended.")
FIELDS = ("source", "medium", "campaign", "location")


@page("/reports/mails", "manager")
def report_mails(services: Services, here: Here) -> ResponseReturnValue:
    """Show who gets which report, and the form."""
    return _page(services, here, None)


@page("/reports/mails", "manager", ("POST",))
def add_report_mail(services: Services, here: Here) -> ResponseReturnValue:
    """Let somebody get a report by e-mail."""
    form = typed("mail")
    wanted = WantedMail(
        email=form.text("email"), dimension=form.text("dimension"), every=form.text("every"),
        hour=form.text("hour"), filters={name: form.text(name).strip() for name in FIELDS},
    )  # fmt: skip
    try:
        with form.about(""), services.db.tenant(here.company.id) as session:
            add_mail(session, services.vault, here.company.id, wanted, here.now, by=here.who.email)
    except WrongForm:
        return _page(services, here, form), form.status
    flash("Added; when the first one comes stands below.")
    return redirect(url_for("dashboard.report_mails", company_id=here.company.id), 303)


@page("/reports/mails/<id:mail_id>/end", "manager", ("POST",))
def end_report_mail(services: Services, here: Here, mail_id: UUID) -> ResponseReturnValue:
    """End a report by e-mail."""
    with services.db.tenant(here.company.id) as session:
        stop_mail(session, services.vault, here.company.id, mail_id, here.now, by=here.who.email)
    flash("Ended; its address was forgotten.")
    return redirect(url_for("dashboard.report_mails", company_id=here.company.id), 303)


@open_page("/r/<token>", "a signed link of one report by e-mail; looking changes nothing")
def unwanted_report(token: str) -> ResponseReturnValue:
    """Ask whoever gets a report whether it shall end."""
    return _ending(token, end=False)


@open_page("/r/<token>", "a signed link of one report by e-mail; it can only end it", ("POST",))
def end_unwanted_report(token: str) -> ResponseReturnValue:
    """End a report for whoever gets it: by the page's button, or by a mail program's (RFC 8058)."""
    return _ending(token, end=True)


def _ending(token: str, *, end: bool) -> ResponseReturnValue:
    services = parts()
    try:
        company_id, mail_id = read_end(services.settings.secret_key.get_secret_value(), token)
        with services.db.tenant(company_id) as session:
            company = company_of(session, company_id)
            if end:
                stop_mail(session, services.vault, company_id, mail_id, services.clock(), by=BY_READER)
            row = session.get(ReportMail, (company_id, mail_id))
    except NotFound:
        return error_page(404, *GONE)
    if company is None or row is None:
        return error_page(404, *GONE)
    by = DIMENSIONS[row.dimension].plural
    return render_template(
        "report_end.html", token=token, company=company, row=row, by=by, every=EVERY[row.every]
    )


def _page(services: Services, here: Here, form: Typed | None) -> str:
    with services.db.tenant(here.company.id) as session:
        rows = mails(session, services.vault, here.company.id)
        names, branches = names_of(session, here.company.id), locations(session, here.company.id)
    return render_template(
        "report_mails.html",
        rows=rows,
        form=form or Typed("mail", {"dimension": request.args.get("dimension", ""), "email": here.who.email}),
        names=names,
        every=EVERY,
        dimensions=DIMENSIONS,
        locations=branches,
        has_server=bool(services.settings.smtp_url.get_secret_value()),
    )
