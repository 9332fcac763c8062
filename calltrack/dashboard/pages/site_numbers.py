"""Which business numbers a website writes, and whose tracking numbers take their place."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit, queries
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import pretty, to_e164
from calltrack.numbers import service
from calltrack.numbers.queries import pools, targets
from calltrack.wiring import Services


@page("/settings/sites/<id:site_id>/numbers", "manager")
def site_numbers(services: Services, here: Here, site_id: UUID) -> ResponseReturnValue:
    """Show what is replaced on a website, the form to add to it, and the tag to copy."""
    return _page(services, here, site_id)


@page("/settings/sites/<id:site_id>/numbers", "manager", ("POST",))
def add_site_number(services: Services, here: Here, site_id: UUID) -> ResponseReturnValue:
    """Let a pool's numbers take the place of a business number on the website."""
    site, form = _site(services, here, site_id), typed("target")
    try:
        with form.about("target"):
            target = to_e164(form.text("target"), here.company.country)
        with form.about("pool"), services.db.tenant(here.company.id) as session:
            wanted = parse_id(form.text("pool"))
            pool = next((one for one in pools(session, here.company.id, here.now) if one.id == wanted), None)
            if pool is None:
                raise BadInput("Choose one of the company's pools.")
            service.add_target(session, here.company.id, site_id, target, pool.location_id, pool.id)
            audit.note(
                session, here.company.id, here.who.email, "target.add", target, here.now,
                site=site.name, pool=pool.name,
            )  # fmt: skip
    except WrongForm:
        return _page(services, here, site_id, form), form.status
    flash(f"{pretty(target)} is replaced from now on; open pages follow within 15 seconds.")
    return _back(here, site_id)


@page("/settings/sites/<id:site_id>/numbers/remove", "manager", ("POST",))
def remove_site_number(services: Services, here: Here, site_id: UUID) -> ResponseReturnValue:
    """Leave a business number on the website as it is; asked twice, nothing more happens."""
    _site(services, here, site_id)
    target = to_e164(request.form.get("target", ""), here.company.country)
    with services.db.tenant(here.company.id) as session:
        if service.remove_target(session, here.company.id, site_id, target):
            audit.note(session, here.company.id, here.who.email, "target.remove", target, here.now)
    flash(f"{pretty(target)} stays as it is on the website.")
    return _back(here, site_id)


def _page(services: Services, here: Here, site_id: UUID, form: Typed | None = None) -> str:
    site = _site(services, here, site_id)
    with services.db.tenant(here.company.id) as session:
        replaced = [one for one in targets(session, here.company.id) if one.site_id == site_id]
        rows = pools(session, here.company.id, here.now)
        return render_template(
            "site_numbers.html",
            site=site,
            targets=replaced,
            pools=rows,
            choices=[
                (pool.id.hex, f"{pool.name} ({pool.numbers} numbers, {pool.location})") for pool in rows
            ],
            locations=queries.locations(session, here.company.id),
            base_url=services.settings.base_url,
            form=form,
        )


def _site(services: Services, here: Here, site_id: UUID) -> queries.SiteRow:
    with services.db.tenant(here.company.id) as session:
        found = [site for site in queries.sites(session, here.company.id) if site.id == site_id]
    if not found:
        raise NotFound("There is no such website.")
    return found[0]


def _back(here: Here, site_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("dashboard.site_numbers", company_id=here.company.id, site_id=site_id), 303)
