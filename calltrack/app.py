"""The Flask app of one surface; `all` holds every surface in one process (tests, small machines)."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, cast, get_args

from flask import Flask, Response, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import DataError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, HTTPException, ServiceUnavailable

from calltrack.config import Settings
from calltrack.infra.drained import drained
from calltrack.infra.log import log
from calltrack.kernel.errors import BadInput, CalltrackError, Conflict, NotAllowed, NotFound
from calltrack.migrations.roles import refuse_unsafe_role
from calltrack.telephony import carrier
from calltrack.wiring import Services, build

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Surface = Literal["voice", "edge", "web", "sandbox", "all"]
# What a surface may keep open at the database, beside the pools of its hot path.
POOL_SIZES: dict[str, int] = {"voice": 2, "edge": 2, "web": 8, "sandbox": 2, "all": 8}
STATUS: dict[type[CalltrackError], int] = {
    BadInput: 400,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    carrier.Refused: 409,
    carrier.Retry: 503,
}
UNSTORABLE = (
    "It holds a character or a number that no field takes, such as a NUL; take it out and send again."
)
UNWELL = "The database does not answer now; nothing was changed. Try again in a moment."
LARGEST_BODY = 1_000_000
# As many connections as the edge has threads.
EDGE_CONNECTIONS = 8


def create_app(settings: Settings, surface: Surface = "all") -> Flask:
    """Build the app of a surface; stops the program when its settings are incomplete or unsafe."""
    if surface not in get_args(Surface):
        raise SystemExit(f"SURFACE is {surface!r}; choose one of {', '.join(get_args(Surface))}.")
    services = build(settings, pool_size=POOL_SIZES[surface])
    return assemble(services, surface)


def assemble(services: Services, surface: Surface) -> Flask:
    """Build the app of a surface from parts that exist already."""
    app = _empty_app(surface, services)
    if surface not in ("voice", "edge"):  # Nobody signs in there; with a key each request opens a session.
        app.config["SECRET_KEY"] = services.settings.secret_key.get_secret_value()
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=services.settings.base_url.startswith("https:"),
    )
    app.extensions["calltrack"] = services
    _answer_health(app, services)
    for name, register in SURFACES.items():
        if surface in (name, "all") and (name != "sandbox" or services.settings.is_demo):
            register(app, services)
    _explain_errors(app)
    app.wsgi_app = drained(app.wsgi_app)  # type: ignore[method-assign,assignment]  # Flask's own way
    return app


def _empty_app(surface: Surface, services: Services) -> Flask:
    if surface in ("web", "all"):
        from calltrack.api.registration import new_app

        app = new_app("calltrack")
        app.wsgi_app = _known_visitors(app.wsgi_app, services)  # type: ignore[method-assign,assignment]  # Flask's own way
        return app
    return Flask("calltrack", static_folder=None)


def _known_visitors(inner: "WSGIApplication", services: Services) -> "WSGIApplication":
    """Name the visitor's address behind the front door and a reverse proxy: sign-in limits count by it."""
    from calltrack.visits.addresses import PEER, Proxies

    proxies = Proxies.of(services.settings)

    def outer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ[PEER] = environ.get("REMOTE_ADDR", "")
        environ["REMOTE_ADDR"] = proxies.address_in(environ)
        return inner(environ, start_response)

    return outer


def _voice(app: Flask, services: Services) -> None:
    from calltrack.voice import mount

    mount(app, services)


def _edge(app: Flask, services: Services) -> None:
    from calltrack.visits.routes import create_blueprint
    from calltrack.visits.service import open_connections

    app.extensions["edge.connections"] = connections = open_connections(
        services.settings.app_url, EDGE_CONNECTIONS
    )
    app.register_blueprint(create_blueprint(services, connections))


def _web(app: Flask, services: Services) -> None:
    from calltrack import api, dashboard

    api.register(app, services)
    dashboard.register(app, services)


def _sandbox(app: Flask, services: Services) -> None:
    from calltrack.sandbox.wiring import register

    register(app, services)


# Imports stay inside: a voice process must not carry the dashboard's memory, nor its faults.
SURFACES: dict[str, Callable[[Flask, Services], None]] = {
    "voice": _voice,
    "edge": _edge,
    "web": _web,
    "sandbox": _sandbox,
}


def _answer_health(app: Flask, services: Services) -> None:
    @app.get("/livez")
    def livez() -> Response:
        return Response("alive\n", mimetype="text/plain")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        try:
            with services.db.shared() as session:
                session.execute(text("SELECT 1 FROM alembic_version"))
                refuse_unsafe_role(session.connection())
        except SQLAlchemyError:
            return jsonify(ready=False, database="does not answer, or was never migrated"), 503
        return jsonify(ready=True), 200


def _explain_errors(app: Flask) -> None:
    """Answer errors as problem documents (RFC 9457), but for what the pages explain themselves."""
    pages = app.error_handler_spec[None][None].get(HTTPException)

    @app.errorhandler(CalltrackError)
    def explain(problem: CalltrackError) -> tuple[Response, int]:
        status = next((code for kind, code in STATUS.items() if isinstance(problem, kind)), 400)
        return _problem(status, str(problem), getattr(problem, "fields", None))

    @app.errorhandler(HTTPException)
    def explain_http(problem: HTTPException) -> tuple[Response, int] | Response:
        page = pages(problem) if pages else problem
        if page is not problem:
            return cast(Response, page)
        if problem.response is not None:
            return problem.response  # type: ignore[return-value]  # werkzeug's sansio type
        return _problem(problem.code or 500, problem.description or problem.name)

    @app.errorhandler(DataError)
    @app.errorhandler(RecursionError)
    def explain_unstorable(problem: Exception) -> ResponseReturnValue:
        log.warning("refused what cannot be stored: %s", type(problem).__name__)
        return app.handle_http_exception(BadRequest(UNSTORABLE))

    @app.errorhandler(OperationalError)
    @app.errorhandler(PoolTimeout)
    def explain_unwell(problem: SQLAlchemyError) -> ResponseReturnValue:
        log.error(
            "the database does not answer: %s", str(getattr(problem, "orig", problem)).partition("\n")[0]
        )
        return app.handle_http_exception(ServiceUnavailable(UNWELL, retry_after=5))


def _problem(status: int, detail: str, fields: dict[str, str] | None = None) -> tuple[Response, int]:
    """Return a problem document; `fields` says of each wrong field what to change."""
    more = {"fields": fields} if fields else {}
    answer = jsonify(status=status, title=_TITLES.get(status, "Error"), detail=detail, **more)
    answer.mimetype = "application/problem+json"
    return answer, status


_TITLES = {
    400: "Not understood",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Wrong method",
    409: "Conflict",
    413: "Too large",
    429: "Too many requests",
    500: "Our fault",
    503: "Not ready",
}
