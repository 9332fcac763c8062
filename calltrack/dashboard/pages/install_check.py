"""Checking how the snippet stands on a page: what is wrong, told apart, each with its next step."""

import json
from typing import Any
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import queries as accounts
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.installation import service
from calltrack.installation.inside import inside_script
from calltrack.installation.queries import check_of, newest_checks
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.numbers.queries import targets
from calltrack.visits.model import InstallCheck
from calltrack.wiring import Services

MOST_TOLD = 20_000


@page("/settings/sites/<id:site_id>/check", "manager")
def install_checks(services: Services, here: Here, site_id: UUID) -> ResponseReturnValue:
    """Show the form for a page to check, the look from inside, and the last checks."""
    return _page(services, here, site_id)


@page("/settings/sites/<id:site_id>/check", "manager", ("POST",))
def begin_check(services: Services, here: Here, site_id: UUID) -> ResponseReturnValue:
    """Begin a check: our server reads the page at once."""
    form = typed("check")
    try:
        with form.about("page"), services.db.tenant(here.company.id) as session:
            id_ = service.begin_check(session, here.company.id, site_id, form.text("page"), here.now)
    except WrongForm:
        return _page(services, here, site_id, form), form.status
    services.nudges.wake("look_at_pages", str(here.company.id))
    return _to(here, site_id, id_)


@page("/settings/sites/<id:site_id>/check/inside", "manager", ("POST",))
def hear_inside(services: Services, here: Here, site_id: UUID) -> ResponseReturnValue:
    """Keep what a look from inside brought along behind the #."""
    with services.db.tenant(here.company.id) as session:
        told = _told(request.form.get("told", ""))
        id_ = service.hear_inside(session, here.company.id, site_id, told, here.now)
    services.nudges.wake("look_at_pages", str(here.company.id))
    return _to(here, site_id, id_)


@page("/settings/sites/<id:site_id>/check/<id:check_id>", "manager")
def install_check(services: Services, here: Here, site_id: UUID, check_id: UUID) -> ResponseReturnValue:
    """Show a check and its findings; `?part=1` is the part of the page that changes."""
    with services.db.tenant(here.company.id) as session:
        check = check_of(session, here.company.id, check_id, services.settings.base_url, here.now)
        site = _site(services, here, site_id)
    if check.site_id != site_id:
        raise NotFound("There is no such check.")
    template = "_check.html" if request.args.get("part") else "install_check.html"
    return render_template(template, check=check, site=site)


@page("/settings/sites/<id:site_id>/check/<id:check_id>/open", "manager")
def open_checked(services: Services, here: Here, site_id: UUID, check_id: UUID) -> ResponseReturnValue:
    """Send the browser to the page with the mark of the check in its address."""
    with services.db.tenant(here.company.id) as session:
        check = session.get(InstallCheck, (here.company.id, check_id))
        if check is None or check.site_id != site_id:
            raise NotFound("There is no such check.")
        return redirect(service.open_checked(session, services.vault, check, here.now), 303)


def _page(services: Services, here: Here, site_id: UUID, form: Typed | None = None) -> str:
    site = _site(services, here, site_id)
    with services.db.tenant(here.company.id) as session:
        checks = newest_checks(session, here.company.id, site_id)
        numbers = [one.target for one in targets(session, here.company.id) if one.site_id == site_id]
    base = services.settings.base_url
    to = base + url_for("dashboard.install_checks", company_id=here.company.id, site_id=site_id)
    return render_template(
        "install_checks.html",
        site=site,
        checks=checks,
        form=form,
        first=checks[0].page if checks else site.origins[0] + "/" if site.origins else "",
        script=inside_script(base, to, numbers),
    )


def _site(services: Services, here: Here, site_id: UUID) -> accounts.SiteRow:
    with services.db.tenant(here.company.id) as session:
        found = [site for site in accounts.sites(session, here.company.id) if site.id == site_id]
    if not found:
        raise NotFound("There is no such website.")
    return found[0]


def _told(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text[:MOST_TOLD])
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise BadInput("Nothing of the look from inside arrived; run it again on the page.")
    return told


def _to(here: Here, site_id: UUID, check_id: UUID) -> ResponseReturnValue:
    at = url_for("dashboard.install_check", company_id=here.company.id, site_id=site_id, check_id=check_id)
    return redirect(at, 303)
