"""Who may see which page: every page of a company is declared here with the role it needs.

A company's address is `/app/<company id>/...`. A company the signed-in person is no member of, an unknown one
and an unknown object inside a company answer the same 404.
"""

import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, cast
from uuid import UUID

from flask import Blueprint, Response, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter, ValidationError

from calltrack.accounts import queries, sessions
from calltrack.accounts.queries import CompanyRow
from calltrack.accounts.rules import Role, may, may_see_numbers
from calltrack.accounts.sessions import SignedIn
from calltrack.dashboard.login_limits import limits_of
from calltrack.kernel.errors import NotAllowed
from calltrack.wiring import Services

blueprint = Blueprint(
    "dashboard", __name__, static_folder="static", static_url_path="/assets", template_folder="templates"
)
# Endpoint -> role; the pages in OPEN need no company, the reason stands beside each.
NEEDS: dict[str, Role] = {}
OPEN: dict[str, str] = {"dashboard.static": "style sheets, scripts and icons"}


@dataclass(frozen=True)
class Here:
    """Who looks at a page of which company, and when."""

    who: SignedIn
    company: CompanyRow
    role: Role
    now: datetime

    @property
    def sees_numbers(self) -> bool:
        """Whether callers' numbers are shown in full."""
        return may_see_numbers(self.role)

    def may(self, needed: Role) -> bool:
        """Tell whether this person may do what needs the role."""
        return may(self.role, needed)

    @property
    def is_fresh(self) -> bool:
        """Whether the password was given within the last ten minutes."""
        return self.who.is_fresh(self.now)


View = Callable[..., ResponseReturnValue]


class IdConverter(BaseConverter):
    """An id in an address: 32 hex digits."""

    regex = "[0-9a-f]{32}"

    def to_python(self, value: str) -> UUID:
        """Return the id."""
        try:
            return UUID(value)
        except ValueError:
            raise ValidationError from None

    def to_url(self, value: Any) -> str:
        """Return its hex digits."""
        return value.hex if isinstance(value, UUID) else str(value)


def page(rule: str, needs: Role, methods: Sequence[str] = ("GET",)) -> Callable[[View], View]:
    """Declare a page of a company: `view(services, here, **ids)` runs for members with the role only."""

    def declare(view: View) -> View:
        endpoint = view.__name__

        @wraps(view)
        def guarded(company_id: UUID, **ids: Any) -> ResponseReturnValue:
            entered = enter(company_id, needs)
            return view(parts(), entered, **ids) if isinstance(entered, Here) else entered

        NEEDS[f"dashboard.{endpoint}"] = needs
        blueprint.add_url_rule(
            f"/app/<id:company_id>{rule}", endpoint, guarded, methods=list(methods), strict_slashes=False
        )
        return view

    return declare


def open_page(rule: str, why: str, methods: Sequence[str] = ("GET",)) -> Callable[[View], View]:
    """Declare a page outside any company; `why` says what guards it instead."""

    def declare(view: View) -> View:
        OPEN[f"dashboard.{view.__name__}"] = why
        blueprint.add_url_rule(rule, view.__name__, view, methods=list(methods), strict_slashes=False)
        return view

    return declare


def enter(company_id: UUID, needs: Role) -> Here | Response:
    """Return who is here; a redirect to the sign-in, 401, 404 or 403 for everybody else."""
    who = signed_in()
    if who is None:
        return ask_to_sign_in()
    services = parts()
    with services.db.tenant(company_id) as session:
        found = queries.company_as(session, company_id, who.user_id)
    if found is None:
        abort(404)
    here = Here(who, found[0], cast(Role, found[1]), services.clock())
    g.here = here
    if not here.may(needs):
        abort(403)
    return here


def signed_in() -> SignedIn | None:
    """Return who is signed in in this browser."""
    if "who" not in g:
        token = request.cookies.get(cookie_name(), "")
        services = parts()
        g.who = sessions.who(services.db, token, services.clock()) if token else None
    return cast("SignedIn | None", g.who)


def ask_to_sign_in() -> Response:
    """Send a person to the sign-in and back afterwards; a program (or a form) gets 401."""
    if request.method != "GET" or request.accept_mimetypes.best == "application/json":
        abort(401)
    back = request.full_path.rstrip("?") if request.path.startswith("/app") else None
    return cast(Response, redirect(url_for("dashboard.login", next=back), 303))


def require_password(here: Here) -> None:
    """Ask for the password before a sensitive change unless it was given within the last ten minutes.

    Raises:
        NotAllowed: the form's `password` is missing or wrong.
    """
    if here.is_fresh:
        return
    services = parts()
    allowed = limits_of(services).may_try(here.who.email, request.remote_addr or "", known=True)
    if not allowed or not sessions.confirm(services.db, here.who, request.form.get("password", "")):
        raise NotAllowed("Type your password again to confirm this change; nothing was changed.")


def safe_next(target: str) -> str:
    """Return an address of our own to go on to; anything else becomes the start page."""
    is_ours = (
        re.match(r"/app($|[/?])", target)
        and "\\" not in target
        and "//" not in target
        and target.isprintable()
    )
    return target if is_ours else "/app"


def cookie_name() -> str:
    """Return the session cookie's name; `__Host-` binds it to https and this host."""
    return "__Host-calltrack" if is_https() else "calltrack_session"


def is_https() -> bool:
    """Tell whether browsers reach us by https."""
    return parts().settings.base_url.startswith("https://")


def parts() -> Services:
    """Return the services of this application."""
    return cast(Services, current_app.extensions["calltrack_services"])


def same(one: str, other: str) -> bool:
    """Compare two secrets without telling by time where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
