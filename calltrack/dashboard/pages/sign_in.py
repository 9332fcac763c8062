"""Signing in and out."""

from typing import cast

from flask import Response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer

from calltrack.accounts import sessions
from calltrack.accounts.rules import email_key
from calltrack.config import DEMO_EMAIL, DEMO_PASSWORD
from calltrack.dashboard.access import (
    cookie_name,
    is_https,
    open_page,
    parts,
    safe_next,
    same,
    signed_in,
)
from calltrack.dashboard.login_limits import limits_of

KNOWN_BROWSER = "calltrack_known"
WRONG = "E-mail address or password is wrong."
TOO_MANY = "Too many tries. Wait a minute, then try again."


@open_page("/login", "limited tries, generic answers", ("GET", "POST"))
def login() -> ResponseReturnValue:
    """Show the form, or check it and open a session."""
    target = safe_next(request.values.get("next", ""))
    if request.method in ("GET", "HEAD"):
        return redirect(target, 303) if signed_in() else _form(target)
    services, email = parts(), request.form.get("email", "")[:254]
    limits = limits_of(services)
    if not limits.may_try(email, request.remote_addr or "", known=_is_known(email)):
        return _form(target, email, TOO_MANY), 429
    token = sessions.sign_in(
        services.db,
        email,
        request.form.get("password", "")[:1024],
        request.headers.get("User-Agent", ""),
        services.clock(),
    )
    if token is None:
        return _form(target, email, WRONG), 401
    limits.forgive(email)
    _end_present_session()
    session.clear()
    answer = cast(Response, redirect(target, 303))
    set_session_cookie(answer, token)
    answer.set_cookie(
        KNOWN_BROWSER, _known().dumps(email_key(email)), max_age=180 * 86_400, secure=is_https(),
        httponly=True, samesite="Lax", path="/login",
    )  # fmt: skip
    return answer


@open_page("/logout", "ends the browser's own session only", ("POST",))
def logout() -> ResponseReturnValue:
    """End the session of this browser."""
    _end_present_session()
    session.clear()
    answer = cast(Response, redirect(url_for("dashboard.login"), 303))
    answer.delete_cookie(cookie_name(), path="/", secure=is_https(), httponly=True, samesite="Lax")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def set_session_cookie(answer: Response, token: str) -> None:
    """Hand the session's token to the browser; scripts cannot read it."""
    answer.set_cookie(
        cookie_name(), token, max_age=int(sessions.ABSOLUTE.total_seconds()), secure=is_https(),
        httponly=True, samesite="Lax", path="/",
    )  # fmt: skip


def _form(target: str, email: str = "", problem: str = "") -> str:
    demo = (DEMO_EMAIL, DEMO_PASSWORD) if parts().settings.is_demo else None
    return render_template("login.html", next=target, email=email, problem=problem, demo=demo)


def _end_present_session() -> None:
    if token := request.cookies.get(cookie_name()):
        services = parts()
        with services.db.shared() as db:
            sessions.end(db, token, services.clock())


def _known() -> URLSafeSerializer:
    return URLSafeSerializer(parts().settings.secret_key.get_secret_value(), salt="known-browser")


def _is_known(email: str) -> bool:
    try:
        return same(str(_known().loads(request.cookies.get(KNOWN_BROWSER, ""))), email_key(email))
    except BadSignature:
        return False
