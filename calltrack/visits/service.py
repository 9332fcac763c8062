"""What a page tells us, each in one round trip: it was loaded, it lives, a number was tapped.

The statements are database functions (migration 0002): they set the tenant for their own transaction and run
with the app's rights, so row-level security holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg_pool import ConnectionPool

from calltrack.infra.direct import call, open_pool
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.touch import Touch, clean, page_of, read_touch
from calltrack.visits.sites import Site

LONGEST_TITLE = 200
LONGEST_USER_AGENT = 256
# A page waits 800 ms for us: whoever gets no connection or no answer in time leaves it as it is.
WAIT_SECONDS, STATEMENT_MS = 0.5, 1500
_VISIT, _BEAT, _TAP = "edge_visit", "edge_beat", "edge_tap"


# Arrays come back joined by commas; a pool that had no number left is an empty place.
STATEMENTS = {
    _VISIT: "SELECT o_visitor, o_visit, o_is_new, array_to_string(o_numbers, ',', ''), "
    "array_to_string(o_overflow, ',', '') FROM edge_visit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
    "$13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)",
    _BEAT: "SELECT o_state, o_visit, array_to_string(o_pools, ',', ''), array_to_string(o_numbers, ',', '') "
    "FROM edge_beat($1, $2, $3, $4, $5, $6)",
    _TAP: "SELECT edge_tap($1, $2, $3, $4)",
}


@dataclass(frozen=True, slots=True)
class PageLoad:
    """A page that was loaded; `visitor` and `visit` are what the browser remembers, if anything.

    `named` holds the words source, medium and campaign that this request itself names (empty: not named);
    another one than the live visit's begins a new visit.
    """

    touch: Touch
    visitor: UUID | None = None
    visit: UUID | None = None
    named: tuple[str, str, str] = ("", "", "")
    page: str = ""
    title: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shall remember and show. `numbers`: pool -> E.164, without pools that had none left."""

    visitor: str
    visit: str
    is_new: bool
    numbers: dict[str, str]
    overflowed: frozenset[str] = frozenset()


def open_connections(app_url: str, threads: int) -> ConnectionPool:
    """Return the edge's connections, one per request served at once, with its statements prepared."""
    return open_pool(
        app_url,
        size=threads,
        wait_seconds=WAIT_SECONDS,
        statement_timeout_ms=STATEMENT_MS,
        statements=STATEMENTS,
    )


def read_page_load(
    url: str,
    referrer: str = "",
    title: str = "",
    *,
    remembered: dict[str, str] | None = None,
    words: dict[str, str] | None = None,
    consent: dict[str, bool] | None = None,
    visitor: UUID | None = None,
    visit: UUID | None = None,
    user_agent: str = "",
) -> PageLoad:
    """Build a page load from what the browser said; personal data in addresses and words is removed."""
    words = words or {}
    touch = read_touch(url, referrer, remembered or {}, words, consent)
    named = tuple(
        value if words.get(word) or f"utm_{word}=" in url else ""
        for word, value in (("source", touch.source), ("medium", touch.medium), ("campaign", touch.campaign))
    )
    return PageLoad(
        touch=touch,
        visitor=visitor,
        visit=visit,
        named=(named[0], named[1], named[2]),
        page=page_of(url),
        title=clean(title)[:LONGEST_TITLE],
        user_agent=user_agent[:LONGEST_USER_AGENT],
    )


def fresh_ids(count: int, now: datetime) -> list[str]:
    """Return ids that belong together: neighbours made from one, as text."""
    first = new_id(now).int
    return [f"{first + place:032x}" for place in range(count)]


def open_visit(
    connections: ConnectionPool,
    site: Site,
    load: PageLoad,
    ids: list[str],
    pools: Sequence[str],
    crowded: frozenset[str] = frozenset(),
) -> Shown:
    """Extend the live visit or open a new one, note the page view, lease a number from each pool.

    Args:
        connections: the edge's direct connections.
        site: where the page belongs.
        load: what the browser said.
        ids: `fresh_ids(3 + len(pools))`: new visit, new visitor, page view, leases.
        pools: pool ids in ascending order (slots are locked in this order).
        crowded: pools that give this visit the overflow number only, unless it holds a number already.
    """
    touch = load.touch
    row = call(
        connections,
        _VISIT,
        (
            site.company_id,
            site.site_id,
            _text(load.visitor),
            _text(load.visit),
            _array(ids[:3]),
            _array(pools),
            _array(ids[3:]),
            _array(["t" if pool in crowded else "f" for pool in pools]),
            touch.source,
            touch.medium,
            touch.campaign,
            touch.term,
            touch.content,
            *load.named,
            _json(touch.click_ids),
            _json(touch.ad_cookies),
            None if touch.consent is None else _json(touch.consent),
            touch.referrer,
            touch.landing_url,
            load.user_agent,
            load.page,
            load.title,
        ),
    )
    visitor, visit, is_new, numbers, overflow = row
    return Shown(
        str(visitor),
        str(visit),
        is_new == "t",
        _pairs(pools, numbers),
        frozenset(pool for pool, dry in _pairs(pools, overflow).items() if dry == "t"),
    )


def keep_alive(
    connections: ConnectionPool, site: Site, visitor: UUID, visit: UUID, page: str | None, ids: list[str]
) -> Shown | None:
    """Extend a visit and its leases; None: done, nothing changes for the page.

    A visit that lapsed comes back as a new one with the same touch, a lost lease is renewed: then the answer
    tells what to show. `page` adds a page view when it is not the visit's latest.
    `ids`: `fresh_ids(2 + most leases)`.

    Raises:
        NotFound: this visitor has no such visit on this site.
    """
    values = (site.company_id, site.site_id, str(visitor), str(visit), _array(ids), page)
    state, current, pools, numbers = call(connections, _BEAT, values)
    if state == "extended":
        return None
    if state == "unknown":
        raise NotFound("This visitor has no such visit here.")
    renewed = pools.split(",") if pools else []
    return Shown(str(visitor), str(current), current != str(visit), _pairs(renewed, numbers))


def note_tap(connections: ConnectionPool, site: Site, visit: UUID, ending: str) -> int:
    """Note on a visit's leases that the number with this ending was tapped; returns how many showed it."""
    (found,) = call(connections, _TAP, (site.company_id, site.site_id, str(visit), ending))
    return int(found or 0)


def _array(parts: Sequence[str]) -> str:
    return f"{{{','.join(parts)}}}"


def _pairs(pools: Sequence[str], joined: str | None) -> dict[str, str]:
    return {pool: value for pool, value in zip(pools, (joined or "").split(","), strict=False) if value}


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


def _json(words: dict[str, str] | dict[str, bool]) -> str:
    return msgspec.json.encode(words).decode()
