"""What every answer of the dashboard carries, and the check of every form."""

from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect  # type: ignore[import-untyped]  # it ships no types
from werkzeug.exceptions import HTTPException

from calltrack.dashboard.access import is_https, safe_next, signed_in
from calltrack.kernel.errors import BadInput

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
FIXED = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: the check of forms over https compares the referrer with our own origin.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
WORDS = {
    400: ("This could not be read", "Go back, check what was typed and send it again."),
    401: ("You are signed out", "Sign in again; nothing was changed."),
    403: ("This needs another role", "Ask an owner of the company to do it or to change your role."),
    404: ("There is nothing here", "It was removed, or the address belongs to somebody else."),
    405: ("This cannot be done here", "Go back and use the buttons of the page."),
    413: ("This is too large", "Send less at once."),
    429: ("Too many tries", "Wait a minute, then try again."),
    500: ("Something broke on our side", "Try again in a moment; the fault was written down."),
}
OURS = ("/app", "/login", "/logout", "/account", "/theme", "/assets", "/o/", "/r/")
# A file (outcomes have 20 MB, sounds 5) and the form around it; a stranger may send no more than any form
# holds.
LARGEST_UPLOAD = 21 * 1024 * 1024
UPLOADS = (
    "dashboard.add_import",
    "dashboard.add_spend_file",
    "dashboard.add_spend_rates",
    "dashboard.add_sound",
)
# Mail programs press this button without ever having seen the page (RFC 8058); the link is signed.
WITHOUT_FORM = ("dashboard.end_unwanted_report",)
csrf = CSRFProtect()


def protect(app: Flask) -> None:
    """Prepare the check of forms; it runs for the dashboard only, carriers and programs send no tokens."""
    app.config.setdefault("WTF_CSRF_CHECK_DEFAULT", False)
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    csrf.init_app(app)
    _explain_addresses(app)


def guard(blueprint: Blueprint) -> None:
    """Check every form of the blueprint and put the headers on every answer of it, errors included."""
    blueprint.before_request(_check_form)
    blueprint.after_request(add_headers)
    blueprint.errorhandler(HTTPException)(_explain)
    blueprint.errorhandler(CSRFError)(_explain_form)


def add_headers(answer: Response) -> Response:
    """Put the security headers on an answer; pages are never kept by caches."""
    for name, value in FIXED.items():
        answer.headers.setdefault(name, value)
    if is_https():
        answer.headers.setdefault("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
    if request.endpoint != "dashboard.static":
        answer.headers["Cache-Control"] = "no-store"
    elif answer.status_code == 200 and request.args.get("v"):
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def error_page(status: int, title: str = "", advice: str = "") -> Response:
    """Return an error as a page that names the next step; it tells nothing about what exists."""
    g.pop("here", None)
    known = WORDS.get(status, WORDS[400] if status < 500 else WORDS[500])
    text = render_template(
        "error.html", status=status, title=title or known[0], advice=advice or known[1], back=_came_from()
    )
    return add_headers(Response(text, status=status, mimetype="text/html"))


def _came_from() -> str:
    """Return the page of ours that led here; empty when none did, or this one itself."""
    told = urlsplit(request.referrer or "")
    back = f"{told.path}?{told.query}" if told.query else told.path
    is_ours = told.netloc == request.host and safe_next(back) == back
    return back if is_ours and (request.method == "POST" or told.path != request.path) else ""


def _check_form() -> None:
    if request.method == "POST":
        if request.endpoint in UPLOADS and signed_in():
            request.max_content_length = LARGEST_UPLOAD
        if request.endpoint not in WITHOUT_FORM:
            csrf.protect()
    # Nobody types a NUL, and PostgreSQL keeps none.
    sent = [*request.args.items(multi=True), *request.form.items(multi=True)]
    if any("\0" in text for pair in sent for text in pair):
        raise BadInput("What was sent holds a mark that is no text. Go back and type it again.")


def _explain(problem: HTTPException) -> ResponseReturnValue:
    if problem.response is not None or (problem.code or 500) < 400:
        return problem
    return error_page(problem.code or 500)


def _explain_addresses(app: Flask) -> None:
    """Answer unknown addresses of ours with a page; the other surfaces keep their own way of answering."""
    others = app.error_handler_spec[None][None].get(HTTPException)

    def explain(problem: HTTPException) -> ResponseReturnValue:
        if request.path.startswith(OURS):
            return _explain(problem)
        return app.ensure_sync(others)(problem) if others else problem

    app.register_error_handler(HTTPException, explain)


def _explain_form(problem: CSRFError) -> ResponseReturnValue:
    return error_page(
        400, "This form is too old", "Open the page again and send the form once more; nothing was changed."
    )
