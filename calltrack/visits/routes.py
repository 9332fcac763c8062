"""HTTP: `/v1/visit`, `/v1/beat`, `/v1/tap`, `/v1/form`, `/ct.js`, `/v1/s/<version>.js`.

A refusal leaves a page as it is.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from psycopg_pool import ConnectionPool

from calltrack.kernel.errors import BadInput, CalltrackError, NotAllowed, NotFound
from calltrack.kernel.touch import Touch
from calltrack.visits import linked, marks, rules, service, told
from calltrack.visits.addresses import Proxies, is_local
from calltrack.visits.admission import Admission
from calltrack.visits.alive import seen_by_form
from calltrack.visits.answers import ORIGIN_SEEN, Answer, Environ, answer, body_of, in_time, refusal, refuse
from calltrack.visits.bodies import Body, decode, raw_body
from calltrack.visits.challenges import BEAT_SECONDS, Challenges, Waiting, looks_automatic
from calltrack.visits.check_notes import write_note
from calltrack.visits.forms import keep_typed
from calltrack.visits.rules import BeatBody, FormBody, TapBody, VisitBody
from calltrack.visits.script import SnippetFile
from calltrack.visits.short_way import View, long_way, short_way
from calltrack.visits.sightings import Sightings
from calltrack.visits.sites import Site, SiteTable, Target
from calltrack.visits.sources import number_of
from calltrack.visits.withdrawals import withdraw_consent
from calltrack.wiring import Services

PREFLIGHT_SECONDS = "86400"


def create_blueprint(
    services: Services,
    connections: ConnectionPool,
    *,
    sites: SiteTable | None = None,
    admission: Admission | None = None,
    script: Path | None = None,
    sightings: Sightings | None = None,
    moment: Callable[[], datetime | None] = lambda: None,
) -> Blueprint:
    """Return the edge's routes.

    Args:
        services: settings, database (for the site table) and clock.
        connections: what `service.open_connections` returns.
        sites: the site table of this process (default: a new one).
        admission: rate limits and pool shares of this process (default: the standing limits).
        script: the built snippet (default: the one that ships with calltrack).
        sightings: our own numbers on pages (default: written down by the site table's thread).
        moment: what tests take for now; by default the database's clock counts.
    """
    sightings = sightings or Sightings(services)
    snippet = SnippetFile(services, script)
    sites = sites or SiteTable(services.db, lambda: (sightings.settle(), snippet.keep()))
    desk = _Desk(services, connections, sites, admission or Admission(), sightings, snippet, moment)
    edge = Blueprint("edge", __name__)
    views = {"/v1/visit": desk.visit, "/v1/beat": desk.beat, "/v1/tap": desk.tap, "/v1/form": desk.form}
    for path, view in views.items():
        name = path.rpartition("/")[2]
        edge.add_url_rule(path, name, long_way(view), methods=["POST"], provide_automatic_options=False)
        edge.add_url_rule(path, view_func=desk.preflight, methods=["OPTIONS"])
    edge.record(lambda setup: _shorten(setup.app, views))
    edge.add_url_rule("/ct.js", endpoint="script", view_func=lambda: snippet.answer(request))
    edge.add_url_rule("/v1/s/<version>.js", view_func=desk.pinned)
    edge.register_error_handler(CalltrackError, lambda said: Response(*refuse(request.environ, said)))
    return edge


def _shorten(app: Any, views: Mapping[str, View]) -> None:
    app.wsgi_app = short_way(app.wsgi_app, views)


class _Desk:
    """The routes' views and the parts they share."""

    def __init__(
        self,
        services: Services,
        connections: ConnectionPool,
        sites: SiteTable,
        admission: Admission,
        sightings: Sightings,
        snippet: SnippetFile,
        moment: Callable[[], datetime | None],
    ) -> None:
        self._services = services
        self._now = services.clock
        self._connections = connections
        self._sites = sites
        self._admission = admission
        self._sightings = sightings
        self._moment = moment
        self._snippet = snippet
        self._proxies = Proxies.of(services.settings)
        self._challenges = Challenges()

    def visit(self, environ: Environ) -> Answer:
        """A page was loaded: 200 with ids, heartbeat and the numbers to show."""
        network = self._proxies.network_in(environ)
        self._admission.check_network("visit", network)
        raw = raw_body(environ)
        mark = marks.find_mark(self._services.vault, raw, self._now())
        try:
            reply = self._visit(environ, raw, network)
        except CalltrackError as problem:
            if mark is not None:
                write_note(self._services, self._sites, mark, raw, environ, problem)
            raise
        if mark is not None:
            write_note(self._services, self._sites, mark, raw, environ, reply)
        return reply

    def _visit(self, environ: Environ, raw: bytes, network: str) -> Answer:
        body, site = self._read(environ, VisitBody, raw)
        self._admission.check_site(site.site_id)
        user_agent = environ.get("HTTP_USER_AGENT", "")
        if rules.is_crawler(user_agent):
            return self._show(environ, site, service.Shown("", "", False, {}), [])
        remembered, words = told.touch_of(body)
        visitor, visit = self._visitor(body, site)
        load = service.read_page_load(
            body.u,
            body.r,
            body.t,
            remembered=remembered,
            words=words,
            consent=None if body.q is None else {"ad": body.q.ad, "measure": body.q.measure},
            visitor=visitor,
            visit=visit,
            user_agent=user_agent,
            region=self._proxies.region_in(environ),
        )
        phones = told.digits_of_page(body)
        if rules.is_of_origin(load.page, environ.get("HTTP_ORIGIN", "")):
            self._sightings.look(site.company_id, told.numbers_within(phones), load.page)
        targets = site.targets_on(phones)
        if body.q is not None and not body.q.measure:
            return self._show(environ, site, of_source(targets, load.touch), targets)
        if body.q is not None and not body.q.ad and load.visitor and load.visit:
            # Older visits were allowed to go along with ads; the page asks on, so it may still be measured.
            self._withdraw(site, load.visitor, load.visit, {"ad": False})
        # Who goes on to another page has moved.
        has_moved = self._challenges.take(site.site_id, body.s) is not None
        return self._lease(environ, site, load, targets, network, has_moved=has_moved)

    def beat(self, environ: Environ) -> Answer:
        """The page lives or was left: 204, or 200 as for a visit when others were given its number since."""
        network = self._proxies.network_in(environ)
        self._admission.check_network("beat", network)
        body, site = self._read(environ, BeatBody, raw_body(environ))
        user_agent = environ.get("HTTP_USER_AGENT", "")
        if rules.is_crawler(user_agent):
            return answer(environ, 204)
        load = service.read_page_load(
            body.u,
            visitor=rules.read_id(body.v),
            visit=rules.read_id(body.s),
            user_agent=user_agent,
            region=self._proxies.region_in(environ),
        )
        if load.visitor is None or load.visit is None:
            raise BadInput("A heartbeat names the visitor and the visit that /v1/visit answered.")
        is_left = body.g
        if body.q is not None and not body.q.measure:
            self._withdraw(site, load.visitor, load.visit, {"ad": body.q.ad, "measure": body.q.measure})
            is_left = True
        waiting = None if is_left else self._challenges.take(site.site_id, body.s)
        if waiting is not None:
            return self._lease(environ, site, waiting.load, list(waiting.targets), network, has_moved=True)
        caps = {target.pool_id: target.cap for target in site.targets}
        ids = service.fresh_ids(3 + len(caps), self._now())
        crowded = self._admission.crowded(caps, network, str(load.visit))
        sign = service.Sign(load.visitor, load.visit, load.page or None, body.d, left=is_left)
        try:
            with in_time():
                shown = service.note_sign(
                    self._connections, site, sign, ids, ways_of(site.targets, crowded), self._moment()
                )
        except NotFound:
            if is_left:
                return answer(environ, 204)
            self._admission.check_site(site.site_id)
            return self._lease(environ, site, load, list(site.targets), network)
        if shown is None:
            for pool in caps:
                self._admission.holds.extend(pool, network, str(load.visit), site.longest_lease)
            return answer(environ, 204)
        self._admission.settle(list(shown.numbers), network, str(load.visit), shown, site.longest_lease)
        return self._show(
            environ, site, shown, [target for target in site.targets if target.pool_id in shown.numbers]
        )

    def tap(self, environ: Environ) -> Answer:
        """A number was tapped or copied: 204 whether or not it was ours."""
        self._admission.check_network("beat", self._proxies.network_in(environ))
        body, site = self._read(environ, TapBody, raw_body(environ))
        visit, ending = rules.read_id(body.s), rules.tap_ending(body.n)
        if visit is not None and ending is not None:
            with in_time():
                service.note_tap(
                    self._connections, site, visit, ending, is_copy=body.w == "copy", now=self._moment()
                )
        return answer(environ, 204)

    def form(self, environ: Environ) -> Answer:
        """A form was sent: 204 whether or not anything of it is kept."""
        self._admission.check_network("visit", self._proxies.network_in(environ))
        body, site = self._read(environ, FormBody, raw_body(environ))
        visitor, visit = rules.read_id(body.v), rules.read_id(body.s)
        if visitor is None or visit is None:
            return answer(environ, 204)
        company_id, known = UUID(site.company_id), (UUID(site.site_id), visitor, visit)
        with in_time(), self._services.db.tenant(company_id) as session:
            new = keep_typed(session, self._services.vault, company_id, known, body.f, self._now())
            seen_by_form(session, company_id, known, self._moment() or self._now())
        if new:
            self._services.nudges.wake("handle_facts", site.company_id)
        return answer(environ, 204)

    def pinned(self, version: str) -> Response:
        """A page asks for one build of the snippet, whose hash it knows."""
        self._admission.check_network("beat", self._proxies.network_in(request.environ))
        return self._snippet.answer_pinned(request, version)

    def preflight(self) -> Response:
        """What a browser asks before an unusual request; the snippet's own requests need no preflight."""
        origin = request.environ.get("HTTP_ORIGIN", "")
        reply = Response(*answer(request.environ, 204))
        if self._sites.knows_origin(origin):
            reply.headers["Access-Control-Allow-Origin"] = origin
            reply.headers["Access-Control-Allow-Methods"] = "POST"
            reply.headers["Access-Control-Allow-Headers"] = "Content-Type"
            reply.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
        return reply

    def _withdraw(self, site: Site, visitor: UUID, visit: UUID, consent: dict[str, bool]) -> None:
        company_id, known = UUID(site.company_id), (UUID(site.site_id), visitor, visit)
        with in_time(), self._services.db.tenant(company_id) as session:
            changed = withdraw_consent(session, company_id, known, consent, self._now())
        if changed:
            self._services.nudges.wake("handle_facts", site.company_id)

    def _visitor(self, body: VisitBody, site: Site) -> tuple[UUID | None, UUID | None]:
        """Return visitor and visit as the page remembers them, else as a linked domain sent them along."""
        if body.v or (link := linked.read_link(body.u)) is None:
            return rules.read_id(body.v), rules.read_id(body.s)
        company_id = UUID(site.company_id)
        with in_time(), self._services.db.tenant(company_id) as session:
            return link if linked.is_live(session, company_id, *link, self._now()) else (None, None)

    def _lease(
        self,
        environ: Environ,
        site: Site,
        load: service.PageLoad,
        targets: list[Target],
        network: str,
        *,
        has_moved: bool = False,
    ) -> Answer:
        caps = {target.pool_id: target.cap for target in targets}
        ids = service.fresh_ids(3 + len(caps), self._now())
        crowded = self._admission.reserve(caps, network, ids[0], site.longest_lease, has_moved=has_moved)
        if load.visit is None and not has_moved and (crowded or self._is_odd(environ, network, load)):
            self._admission.settle(list(caps), network, ids[0], None, site.longest_lease)
            self._challenges.put(site.site_id, ids[0], Waiting(load, tuple(targets)))
            return self._show(environ, site, service.Shown(ids[1], ids[0], False, {}), [], BEAT_SECONDS)
        shown = None
        try:
            with in_time():
                shown = service.open_visit(
                    self._connections, site, load, ids, ways_of(targets, crowded), self._moment()
                )
        finally:
            self._admission.settle(list(caps), network, ids[0], shown, site.longest_lease)
        return self._show(environ, site, shown, targets)

    def _is_odd(self, environ: Environ, network: str, load: service.PageLoad) -> bool:
        languages = environ.get("HTTP_ACCEPT_LANGUAGE", "")
        return not is_local(network) and looks_automatic(load.user_agent, languages)

    def _show(
        self, environ: Environ, site: Site, shown: service.Shown, targets: list[Target], beat: int = 0
    ) -> Answer:
        if shown.is_refused:
            # The page does as if it had been refused there, and forgets whom it remembers.
            return answer(environ, 200, refusal(site.beat_seconds))
        return answer(environ, 200, body_of(shown, targets, beat or site.beat_seconds))

    def _read(self, environ: Environ, shape: type[Body], raw: bytes) -> tuple[Body, Site]:
        body = decode(raw, shape)
        site = self._sites.find(body.k)
        if site is None:
            raise NotAllowed("This site key is not known; take it from the site's page in the dashboard.")
        origin = environ.get("HTTP_ORIGIN")
        rules.check_origin(origin, site.origins)
        environ[ORIGIN_SEEN] = origin
        return body, site


def ways_of(targets: Iterable[Target], crowded: frozenset[str]) -> dict[str, str]:
    """Return how each pool of the targets chooses a number for a visit, given those its network crowds."""
    return {
        target.pool_id: rules.WITH_THE_CROWD if target.pool_id in crowded else target.way
        for target in targets
    }


def of_source(targets: list[Target], touch: Touch) -> service.Shown:
    """Return the numbers of a visit's source: nobody is remembered, and nothing leased."""
    found = {target.pool_id: number_of(target.statics, touch) for target in targets}
    return service.Shown("", "", False, {pool: number for pool, number in found.items() if number})
