"""The snippet's HTTP: `/v1/visit`, `/v1/beat`, `/v1/tap`, `/ct.js`. Any refusal leaves the page as it is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import psycopg
from flask import Blueprint, Response, request
from psycopg_pool import ConnectionPool

from calltrack.infra.log import log
from calltrack.kernel.errors import BadInput, CalltrackError, NotAllowed, NotFound
from calltrack.visits import rules, service
from calltrack.visits.admission import Admission, TooMany
from calltrack.visits.rules import BeatBody, TapBody, VisitBody
from calltrack.visits.script import SnippetFile
from calltrack.visits.sites import Site, SiteTable, Target, digits_pair
from calltrack.wiring import Services

PREFLIGHT_SECONDS = "86400"
ORIGIN_SEEN = "calltrack.origin"
Body = TypeVar("Body", VisitBody, BeatBody, TapBody)


class TooLarge(CalltrackError):
    """More bytes than any snippet sends (HTTP 413)."""


class Unavailable(CalltrackError):
    """The database does not answer in time (HTTP 503)."""


STATUS: dict[type[CalltrackError], int] = {
    BadInput: 400, NotAllowed: 403, TooLarge: 413, TooMany: 429, Unavailable: 503,
}  # fmt: skip


def create_blueprint(
    services: Services,
    connections: ConnectionPool,
    *,
    sites: SiteTable | None = None,
    admission: Admission | None = None,
    script: Path | None = None,
) -> Blueprint:
    """Return the edge's routes.

    Args:
        services: settings, database (for the site table) and clock.
        connections: what `service.open_connections` returns.
        sites: the site table of this process (default: a new one).
        admission: rate limits and pool shares of this process (default: the standing limits).
        script: the built snippet (default: the one that ships with calltrack).
    """
    desk = _Desk(services, connections, sites or SiteTable(services.db), admission or Admission())
    snippet = SnippetFile(script)
    edge = Blueprint("edge", __name__)
    edge.add_url_rule("/v1/visit", view_func=desk.visit, methods=["POST"], provide_automatic_options=False)
    edge.add_url_rule("/v1/beat", view_func=desk.beat, methods=["POST"], provide_automatic_options=False)
    edge.add_url_rule("/v1/tap", view_func=desk.tap, methods=["POST"], provide_automatic_options=False)
    for path in ("/v1/visit", "/v1/beat", "/v1/tap"):
        edge.add_url_rule(path, view_func=desk.preflight, methods=["OPTIONS"])
    edge.add_url_rule("/ct.js", endpoint="script", view_func=lambda: snippet.answer(request))
    edge.register_error_handler(CalltrackError, refuse)
    return edge


def refuse(problem: CalltrackError) -> Response:
    """Turn a refusal into its status and one sentence."""
    return answer(STATUS.get(type(problem), 400), msgspec.json.encode({"error": str(problem)}))


def answer(status: int, body: bytes = b"") -> Response:
    """Return a JSON answer that only the page's own registered origin can read."""
    headers = [("Vary", "Origin"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
    origin = request.environ.get(ORIGIN_SEEN)
    if origin:
        headers.append(("Access-Control-Allow-Origin", origin))
    return Response(body, status, headers, "application/json" if body else None)


class _Desk:
    """The routes' views and the parts they share."""

    def __init__(
        self, services: Services, connections: ConnectionPool, sites: SiteTable, admission: Admission
    ) -> None:
        self._now = services.clock
        self._connections = connections
        self._sites = sites
        self._admission = admission

    def visit(self) -> Response:
        """A page was loaded: 200 with ids, heartbeat and the numbers to show."""
        network = self._client_network()
        self._admission.check_network("visit", network)
        body, site = self._read(VisitBody)
        self._admission.check_site(site.site_id)
        user_agent = request.environ.get("HTTP_USER_AGENT", "")
        if rules.is_crawler(user_agent):
            return answer(200, msgspec.json.encode({"v": "", "s": "", "h": site.beat_seconds, "n": []}))
        load = service.read_page_load(
            body.u,
            body.r,
            body.t,
            remembered=body.c,
            words=body.m,
            consent=None if body.q is None else {"ad": body.q.ad, "measure": body.q.measure},
            visitor=rules.read_id(body.v),
            visit=rules.read_id(body.s),
            user_agent=user_agent,
        )
        return self._lease(site, load, site.targets_on(body.p), network)

    def beat(self) -> Response:
        """The page lives: 204, or 200 as for a visit when a lease had lapsed and was renewed."""
        network = self._client_network()
        self._admission.check_network("beat", network)
        body, site = self._read(BeatBody)
        user_agent = request.environ.get("HTTP_USER_AGENT", "")
        if rules.is_crawler(user_agent):
            return answer(204)
        load = service.read_page_load(
            body.u, visitor=rules.read_id(body.v), visit=rules.read_id(body.s), user_agent=user_agent
        )
        if load.visitor is None or load.visit is None:
            raise BadInput("A heartbeat names the visitor and the visit that /v1/visit answered.")
        pools = {target.pool_id for target in site.targets}
        ids = service.fresh_ids(3 + len(pools), self._now())
        try:
            with in_time():
                shown = service.keep_alive(
                    self._connections, site, load.visitor, load.visit, load.page or None, ids
                )
        except NotFound:
            self._admission.check_site(site.site_id)
            return self._lease(site, load, list(site.targets), network)
        for pool in pools:
            self._admission.holds.extend(pool, network, str(load.visit), site.longest_lease)
        if shown is None:
            return answer(204)
        return self._show(site, shown, [target for target in site.targets if target.pool_id in shown.numbers])

    def tap(self) -> Response:
        """A tel: link was tapped: 204 whether or not the number was ours."""
        self._admission.check_network("beat", self._client_network())
        body, site = self._read(TapBody)
        visit, ending = rules.read_id(body.s), rules.tap_ending(body.n)
        if visit is not None and ending is not None:
            with in_time():
                service.note_tap(self._connections, site, visit, ending)
        return answer(204)

    def preflight(self) -> Response:
        """What a browser asks before an unusual request; the snippet's own requests need no preflight."""
        origin = request.environ.get("HTTP_ORIGIN", "")
        reply = answer(204)
        if self._sites.knows_origin(origin):
            reply.headers["Access-Control-Allow-Origin"] = origin
            reply.headers["Access-Control-Allow-Methods"] = "POST"
            reply.headers["Access-Control-Allow-Headers"] = "Content-Type"
            reply.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
        return reply

    def _lease(self, site: Site, load: service.PageLoad, targets: list[Target], network: str) -> Response:
        caps = {target.pool_id: target.cap for target in targets}
        pools = sorted(caps)
        ids = service.fresh_ids(3 + len(pools), self._now())
        crowded = self._admission.reserve(caps, network, ids[0], site.longest_lease)
        shown = None
        try:
            with in_time():
                shown = service.open_visit(self._connections, site, load, ids, pools, crowded)
        finally:
            self._admission.settle(pools, network, ids[0], shown, site.longest_lease)
        return self._show(site, shown, targets)

    def _show(self, site: Site, shown: service.Shown, targets: list[Target]) -> Response:
        numbers = []
        for target in targets:
            number = shown.numbers.get(target.pool_id)
            if number is not None:
                own, put = target.digits, digits_pair(number)
                numbers.append(
                    {"t": own.international, "tn": own.national, "n": put.international, "nn": put.national}
                )
        return answer(
            200,
            msgspec.json.encode({"v": shown.visitor, "s": shown.visit, "h": site.beat_seconds, "n": numbers}),
        )

    def _read(self, shape: type[Body]) -> tuple[Body, Site]:
        body = decode(_raw_body(), shape)
        site = self._sites.find(body.k)
        if site is None:
            raise NotAllowed("This site key is not known; take it from the site's page in the dashboard.")
        origin = request.environ.get("HTTP_ORIGIN")
        rules.check_origin(origin, site.origins)
        request.environ[ORIGIN_SEEN] = origin
        return body, site

    def _client_network(self) -> str:
        environ = request.environ
        return rules.network_of(
            rules.client_address(environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""))
        )


@contextmanager
def in_time() -> Iterator[None]:
    """Refuse with 503 when the database is away or slow: a page must not wait for it.

    Raises:
        Unavailable: no connection or no answer within the edge's limits.
    """
    try:
        yield
    except psycopg.OperationalError as problem:
        log.warning("The edge got no answer from the database in time: %s", type(problem).__name__)
        raise Unavailable("Not now; the page keeps its own numbers.") from None


def decode(raw: bytes, shape: type[Body]) -> Body:
    """Read a body of the given shape; unknown fields are ignored.

    Raises:
        BadInput: it is no such JSON object.
    """
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.ValidationError, UnicodeDecodeError) as problem:
        raise BadInput(f"The body is not what the snippet sends: {problem}") from None
    except RecursionError:
        raise BadInput("The body is nested deeper than anything the snippet sends.") from None
    except msgspec.DecodeError:
        return _decode_halves(raw, shape)


def _decode_halves(raw: bytes, shape: type[Body]) -> Body:
    # A title cut in the middle of an emoji holds half a surrogate pair; only the slow decoder takes it.
    try:
        return msgspec.convert(json.loads(raw) if b"\\u" in raw else None, shape)
    except (ValueError, RecursionError, msgspec.ValidationError):
        raise BadInput("The body is not JSON as the snippet sends it.") from None


def _raw_body() -> bytes:
    environ = request.environ
    try:
        length = int(environ.get("CONTENT_LENGTH") or -1)
    except ValueError:
        length = -1
    if length > rules.LARGEST_BODY:
        raise TooLarge(f"At most {rules.LARGEST_BODY} bytes, please.")
    if length < 0:
        raise BadInput("Send the body with its Content-Length.")
    raw: bytes = environ["wsgi.input"].read(length)
    return raw
