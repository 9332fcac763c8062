"""Websites and the tag each of them carries."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit, queries, service
from calltrack.dashboard.access import Here, page
from calltrack.numbers.queries import targets
from calltrack.snippet import integrity_of, pinned_path, script
from calltrack.visits.builds import keep_build
from calltrack.wiring import Services


@page("/settings/sites", "manager")
def sites(services: Services, here: Here) -> ResponseReturnValue:
    """Show each website with its snippet tag to copy."""
    with services.db.tenant(here.company.id) as session:
        rows = queries.sites(session, here.company.id)
        replaced = targets(session, here.company.id)
    built = script()
    with services.db.shared() as session:
        # Whoever is shown an address to pin may use it, also after the next update.
        keep_build(session, built, here.now)
    return render_template(
        "sites.html",
        sites=rows,
        targets=replaced,
        base_url=services.settings.base_url,
        pinned=services.settings.base_url + pinned_path(built),
        integrity=integrity_of(built),
    )


@page("/settings/sites", "manager", ("POST",))
def add_site(services: Services, here: Here) -> ResponseReturnValue:
    """Add a website."""
    name = request.form.get("name", "")
    with services.db.tenant(here.company.id) as session:
        service.create_site(session, here.company.id, name, _origins(), here.now)
        audit.note(session, here.company.id, here.who.email, "site.add", name, here.now)
    flash("The website is there. Copy its tag into the pages next.")
    return _back(here)


@page("/settings/sites/<id:site_id>", "manager", ("POST",))
def change_site(services: Services, here: Here, site_id: UUID) -> ResponseReturnValue:
    """Store a website's name and origins."""
    name = request.form.get("name", "")
    with services.db.tenant(here.company.id) as session:
        service.change_site(session, here.company.id, site_id, name, _origins())
        audit.note(session, here.company.id, here.who.email, "site.change", name, here.now)
    flash("Saved.")
    return _back(here)


def _origins() -> list[str]:
    return request.form.get("origins", "").split()


def _back(here: Here) -> ResponseReturnValue:
    return redirect(url_for("dashboard.sites", company_id=here.company.id), 303)
