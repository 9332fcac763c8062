"""The sites of all companies in this process: key, origins, targets; fresh within 15 seconds."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.exc import SQLAlchemyError

from calltrack.infra.db import Database
from calltrack.infra.log import log
from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone import Digits, digits_of
from calltrack.visits import rules
from calltrack.visits.sources import SourceNumber

REFRESH_SECONDS = 15.0
# Unknown keys may ask the database this often; garbage keys find the bucket empty.
LOOK_UPS_PER_SECOND = 50

_SITES = """
    SELECT s.company_id, s.id AS site_id, s.key, s.origins, t.target, t.pool_id, p.lease_seconds,
        (SELECT count(*) FROM tracking_number n
         WHERE n.company_id = t.company_id AND n.pool_id = t.pool_id AND n.kind = 'pool'
           AND n.released_at IS NULL) AS pool_size,
        (SELECT json_agg(json_build_array(n.source, n.medium, n.campaign, n.e164) ORDER BY n.id)
         FROM tracking_number n
         WHERE n.company_id = t.company_id AND n.location_id = p.location_id AND n.kind = 'static'
           AND n.released_at IS NULL AND n.leave_at IS NULL AND n.health <> 'unfit') AS statics
    FROM site s
    LEFT JOIN site_target t ON t.company_id = s.company_id AND t.site_id = s.id
    LEFT JOIN pool p ON p.company_id = t.company_id AND p.id = t.pool_id
"""
_ALL = text(f"{_SITES} ORDER BY s.id, t.target")
_ONE = text(f"{_SITES} WHERE s.key = :key ORDER BY s.id, t.target")


@dataclass(frozen=True, slots=True)
class Target:
    """A business number on a site, and the pool whose numbers take its place."""

    digits: Digits
    pool_id: str
    # How many numbers of the pool one client network may hold.
    cap: int
    # The static numbers of its location.
    statics: tuple[SourceNumber, ...] = ()
    # How its pool chooses a number.
    way: str = rules.BY_CALLS


@dataclass(frozen=True, slots=True)
class Site:
    """What the edge must know of a site; ids as text, as the statements take them."""

    company_id: str
    site_id: str
    origins: frozenset[str]
    targets: tuple[Target, ...]
    beat_seconds: int
    longest_lease: int

    def targets_on(self, found: str) -> list[Target]:
        """Return the targets among the digits found on a page (none found: all of them)."""
        if not found:
            return list(self.targets)
        return [target for target in self.targets if rules.is_on_page(target.digits, found)]


class SiteTable:
    """Site key -> site; refreshed in the background, and asked again (not too often) for unknown keys."""

    def __init__(self, db: Database, also: Callable[[], object] = lambda: None) -> None:
        """Prepare an empty table; the first look-up fills it and starts the refreshing thread.

        `also` is done in that thread as often as the table is refreshed.
        """
        self._db = db
        self._also = also
        self._sites: dict[str, Site] = {}
        self._origins: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._look_ups_left, self._refilled_at = float(LOOK_UPS_PER_SECOND), time.monotonic()

    def find(self, key: str) -> Site | None:
        """Return the site of a key; a key never seen before is looked up, at most 50 a second."""
        self._start()
        return self._sites.get(key) or self._look_up(key)

    def knows_origin(self, origin: str) -> bool:
        """Whether any site registered this origin (all a preflight can be asked)."""
        self._start()
        return origin.lower() in self._origins

    def refresh(self) -> None:
        """Read all sites anew."""
        with self._db.system() as session:
            rows = session.execute(_ALL).all()
        sites = _sites_of(rows)
        self._origins = frozenset(origin for site in sites.values() for origin in site.origins)
        self._sites = sites

    def close(self) -> None:
        """End the refreshing thread."""
        self._stop.set()

    def _start(self) -> None:
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                self.refresh()
                self._thread = threading.Thread(target=self._keep_fresh, name="sites", daemon=True)
                self._thread.start()

    def _keep_fresh(self) -> None:
        while not self._stop.wait(REFRESH_SECONDS):
            self._also()
            try:
                self.refresh()
            except SQLAlchemyError as problem:
                log.warning(
                    "The site table stays as it was, the database is away: %s", type(problem).__name__
                )

    def _look_up(self, key: str) -> Site | None:
        if not _is_key(key) or not self._may_look_up():
            return None
        with self._db.system() as session:
            found = _sites_of(session.execute(_ONE, {"key": key}).all()).get(key)
        if found:
            with self._lock:
                self._sites = self._sites | {key: found}
                self._origins = self._origins | found.origins
        return found

    def _may_look_up(self) -> bool:
        with self._lock:
            now = time.monotonic()
            refill = (now - self._refilled_at) * LOOK_UPS_PER_SECOND
            self._look_ups_left = min(self._look_ups_left + refill, LOOK_UPS_PER_SECOND)
            self._refilled_at = now
            if self._look_ups_left < 1:
                return False
            self._look_ups_left -= 1
            return True


digits_pair = lru_cache(maxsize=65_536)(digits_of)


def _is_key(key: str) -> bool:
    return key.isascii() and key.isprintable()


def _sites_of(rows: Iterable[Row[tuple[object, ...]]]) -> dict[str, Site]:
    grouped: dict[tuple[str, str, str], list[Row[tuple[object, ...]]]] = {}
    for row in rows:
        grouped.setdefault((row.key, str(row.company_id), str(row.site_id)), []).append(row)
    sites: dict[str, Site] = {}
    for (key, company_id, site_id), group in grouped.items():
        leases = [row.lease_seconds for row in group if row.lease_seconds]
        sites.setdefault(
            key,
            Site(
                company_id,
                site_id,
                frozenset(_origins_of(group[0].origins)),
                tuple(_targets_of(group)),
                rules.beat_seconds(leases),
                max(leases, default=0),
            ),
        )
    return sites


def _origins_of(registered: list[str]) -> Iterable[str]:
    for origin in registered:
        try:
            yield rules.normal_origin(origin)
        except BadInput as problem:
            log.warning("A site's origin is left out: %s", problem)


def _targets_of(rows: Iterable[Row[tuple[object, ...]]]) -> Iterable[Target]:
    for row in rows:
        if row.target:
            statics = tuple(SourceNumber(*words) for words in row.statics or ())
            size = row.pool_size
            yield Target(
                digits_pair(row.target), str(row.pool_id), rules.share_of(size), statics, rules.way_of(size)
            )
