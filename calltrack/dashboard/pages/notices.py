"""What needs somebody at the destinations: the bar on every page, and the list with what is over."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.delivery import notices as kept
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services

A_PAGE = 50


@page("/notices", "viewer")
def notices(services: Services, here: Here) -> ResponseReturnValue:
    """Show what needs somebody, then what is over."""
    before = parse_id(request.args["before"]) if request.args.get("before") else None
    with services.db.tenant(here.company.id) as session:
        rows = kept.notices(session, here.company.id, before, A_PAGE + 1)
    following = rows[A_PAGE - 1].id if len(rows) > A_PAGE else None
    return render_template("notices.html", rows=rows[:A_PAGE], next=following)


@page("/notices/<id:notice_id>/dismiss", "manager", ("POST",))
def dismiss_notice(services: Services, here: Here, notice_id: UUID) -> ResponseReturnValue:
    """Take an informative notice off the pages."""
    with services.db.tenant(here.company.id) as session:
        kept.dismiss(session, here.company.id, notice_id, here.now, by=here.who.email)
    flash("Dismissed. It stays in the list of notices.")
    return redirect(url_for("dashboard.notices", company_id=here.company.id), 303)
