"""The pages of the demo site."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, abort, render_template

from calltrack.sandbox.demo_site.branches import Branch, branches

# Invented numbers: nobody is reached there, and nothing in the sandbox ever dials the telephone network.
ROME = "+390669940001"
MILAN = "+390280880001"

PAGES = {
    "": "home",
    "servizi": "services",
    "preventivo": "prices",
    "contatti": "contact",
}


@dataclass(frozen=True)
class DemoSite:
    """What the site's owner has from calltrack: the site key; and the numbers on her letterhead (E.164)."""

    site_key: str
    script_origin: str = ""
    rome: str = ROME
    milan: str = MILAN


def create_blueprint(current: Callable[[], DemoSite]) -> Blueprint:
    """Return the site, to be mounted as it is (at /demo).

    Args:
        current: gives site key and numbers when a page is asked for, so they may come from the database.
    """
    blueprint = Blueprint(
        "demo_site", __name__, url_prefix="/demo", template_folder="templates", static_folder="static"
    )

    def page(template: str, branch: Branch | None = None) -> str:
        site = current()
        return render_template(
            f"demo/{template}.html",
            site=site,
            here=template,
            branch=branch,
            **branches(site.rome, site.milan),
        )

    @blueprint.get("/")
    @blueprint.get("/<path:name>")
    def show(name: str = "") -> str:
        """Show a page; a town's page is the same for every town."""
        name = name.rstrip("/")
        site = current()
        towns = {branch.path: branch for branch in branches(site.rome, site.milan).values()}
        if name in towns:
            return page("town", towns[name])
        if name not in PAGES:
            abort(404)
        return page(PAGES[name])

    @blueprint.after_request
    def protect(response: Response) -> Response:
        """Serve the site under a policy stricter than most customers have: the snippet must live with it."""
        origin = current().script_origin
        response.headers.setdefault(
            "Content-Security-Policy",
            f"default-src 'self'; script-src 'self' {origin}; connect-src 'self' {origin}; "
            "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; "
            "require-trusted-types-for 'script'; trusted-types 'none'",
        )
        response.headers.setdefault("X-Robots-Tag", "noindex")
        return response

    return blueprint
