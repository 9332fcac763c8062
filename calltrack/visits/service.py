"""What a page tells us, each in one round trip: it was loaded, it lives, a number was tapped.

The statements are database functions (`migrations/edge_0029`, changed by revision 0040): they set the tenant
for their own transaction and run with the app's rights, so row-level security holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from psycopg_pool import ConnectionPool

from calltrack.infra.direct import call, open_pool
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.touch import Touch, clean, page_of, read_touch
from calltrack.visits.signals import device_of, page_kind
from calltrack.visits.sites import Site

LONGEST_TITLE = 200
LONGEST_USER_AGENT = 256
MOST_VISIBLE_MS = 86_400_000
# A page waits 800 ms for us: whoever gets no connection or no answer in time leaves it as it is.
WAIT_SECONDS, STATEMENT_MS = 0.5, 1500
_OPEN, _SIGN, _TAPPED = "edge_open", "edge_sign", "edge_tapped"


# Arrays come back joined by commas; a pool that has no number is an empty place.
STATEMENTS = {
    _OPEN: "SELECT o_visitor, o_visit, o_is_new, array_to_string(o_numbers, ',', ''), "
    "array_to_string(o_shared, ',', '') FROM edge_open($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
    "$13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)",
    _SIGN: "SELECT o_state, o_visit, array_to_string(o_pools, ',', ''), array_to_string(o_numbers, ',', ''), "
    "array_to_string(o_shared, ',', '') FROM edge_sign($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    _TAPPED: "SELECT edge_tapped($1, $2, $3, $4, $5, $6)",
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
    region: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shall remember and show. `numbers`: pool -> E.164, without pools that have none."""

    visitor: str
    visit: str
    is_new: bool
    numbers: dict[str, str]
    shared: frozenset[str] = frozenset()
    """Pools whose number others have on screen as well."""
    is_refused: bool = False
    """The visitor whom the page names has withdrawn consent elsewhere: nothing was opened or renewed."""


REFUSED: Final = Shown("", "", False, {}, is_refused=True)


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
    region: str = "",
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
        region=region,
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
    ways: Mapping[str, str],
    now: datetime | None = None,
) -> Shown:
    """Extend the live visit or open a new one, note the page view, give it a number of each pool.

    Nothing is opened for a page that names a visit whose visitor has withdrawn consent since.

    Args:
        connections: the edge's direct connections.
        site: where the page belongs.
        load: what the browser said.
        ids: `fresh_ids(3 + len(ways))`: new visit, new visitor, page view, leases.
        ways: pool id -> how its number is chosen: BY_CALLS, AMONG_SOME or WITH_THE_CROWD of `rules`.
        now: for tests; without it the database's clock counts.
    """
    touch, pools = load.touch, sorted(ways)  # slots are locked in this order
    row = call(
        connections,
        _OPEN,
        (
            site.company_id,
            site.site_id,
            _text(load.visitor),
            _text(load.visit),
            _array(ids[:3]),
            _array(pools),
            _array(ids[3:]),
            _array([ways[pool] for pool in pools]),
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
            device_of(load.user_agent),
            page_kind(load.page, load.title),
            _moment(now),
            load.region or None,
        ),
    )
    visitor, visit, is_new, numbers, shared = row
    if visit is None:
        return REFUSED
    return Shown(str(visitor), str(visit), is_new == "t", _pairs(pools, numbers), _true(pools, shared))


@dataclass(frozen=True, slots=True)
class Sign:
    """What a page that was shown numbers tells: it lives, or (`left`) nobody looks at it any more.

    `page` adds a page view when it is not the visit's latest; `visible_ms`: how long it was looked at since
    it last told.
    """

    visitor: UUID
    visit: UUID
    page: str | None = None
    visible_ms: int = 0
    left: bool = False


def note_sign(
    connections: ConnectionPool,
    site: Site,
    sign: Sign,
    ids: list[str],
    ways: Mapping[str, str],
    now: datetime | None = None,
) -> Shown | None:
    """Extend a visit and its numbers, or take them off the screen; None: nothing changes for the page.

    A visit that lapsed comes back as a new one with the same touch, a number that others were given since is
    replaced: then the answer tells what to show. A page that is left renews nothing, nor does one whose
    visitor has withdrawn consent elsewhere.
    `ids`: `fresh_ids(2 + most leases)`; `ways` and `now` as in `open_visit`.

    Raises:
        NotFound: this visitor has no such visit on this site.
    """
    pools = sorted(ways)
    values = (
        site.company_id,
        site.site_id,
        str(sign.visitor),
        str(sign.visit),
        _array(ids),
        sign.page,
        page_kind(sign.page or ""),
        str(min(max(sign.visible_ms, 0), MOST_VISIBLE_MS)),
        "t" if sign.left else "f",
        _array(pools),
        _array([ways[pool] for pool in pools]),
        _moment(now),
    )
    state, current, found, numbers, shared = call(connections, _SIGN, values)
    if state == "extended":
        return None
    if state == "unknown":
        raise NotFound("This visitor has no such visit here.")
    if state == "refused":
        return REFUSED
    renewed = found.split(",") if found else []
    is_new = current != str(sign.visit)
    return Shown(str(sign.visitor), str(current), is_new, _pairs(renewed, numbers), _true(renewed, shared))


def note_tap(
    connections: ConnectionPool,
    site: Site,
    visit: UUID,
    ending: str,
    *,
    is_copy: bool = False,
    now: datetime | None = None,
) -> int:
    """Note on a visit's leases that the number with this ending was tapped, or copied.

    Returns how many showed it.
    """
    values = (site.company_id, site.site_id, str(visit), ending, "t" if is_copy else "f", _moment(now))
    (found,) = call(connections, _TAPPED, values)
    return int(found or 0)


def _array(parts: Sequence[str]) -> str:
    return f"{{{','.join(parts)}}}"


def _pairs(pools: Sequence[str], joined: str | None) -> dict[str, str]:
    return {pool: value for pool, value in zip(pools, (joined or "").split(","), strict=False) if value}


def _true(pools: Sequence[str], joined: str | None) -> frozenset[str]:
    return frozenset(pool for pool, said in _pairs(pools, joined).items() if said == "t")


def _moment(now: datetime | None) -> str | None:
    return None if now is None else now.isoformat()


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


def _json(words: dict[str, str] | dict[str, bool]) -> str:
    return msgspec.json.encode(words).decode()
