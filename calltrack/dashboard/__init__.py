"""The pages people see: one file, one query, one template each."""

import importlib
import pkgutil

from flask import Flask, g, request

from calltrack.accounts.queries import Choice, companies_of
from calltrack.dashboard import access, pages, security, show
from calltrack.dashboard.answering import answering_at
from calltrack.dashboard.assets import asset
from calltrack.dashboard.bar import notice_url, standing_notices
from calltrack.dashboard.errors import explain_errors
from calltrack.wiring import Services

THEMES = ("light", "dark")


def register(app: Flask, services: Services) -> None:
    """Add the dashboard to an application; it needs no other blueprint."""
    app.extensions["calltrack_services"] = services
    app.secret_key = services.settings.secret_key.get_secret_value()
    is_https = services.settings.base_url.startswith("https://")
    app.config.update(
        SESSION_COOKIE_NAME="__Host-calltrack_form" if is_https else "calltrack_form",
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    app.url_map.converters.setdefault("id", access.IdConverter)
    for module in pkgutil.iter_modules(pages.__path__):
        importlib.import_module(f"{pages.__name__}.{module.name}")
    show.install(app)
    if not access.blueprint._got_registered_once:
        security.guard(access.blueprint)
        explain_errors(access.blueprint)
        access.blueprint.app_context_processor(_known_to_templates)
    security.protect(app)
    app.register_blueprint(access.blueprint)


def _known_to_templates() -> dict[str, object]:
    theme = request.cookies.get("theme", "")
    return {
        "asset": asset,
        "here": g.get("here"),
        "companies": _companies,
        "standing_notices": standing_notices,
        "ct_notice_url": notice_url,
        "theme": theme if theme in THEMES else "",
        "is_demo_mode": access.parts().settings.is_demo,
        "live_url": "/live/stream",
        "answering_at": answering_at,
    }


def _companies() -> tuple[Choice, ...]:
    who = access.signed_in()
    return companies_of(access.parts().db, who.user_id) if who else ()
