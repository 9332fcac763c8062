"""What the snippet may say and who may say it: shapes, origins, crawlers."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from calltrack.kernel.errors import BadInput, NotAllowed
from calltrack.kernel.phone import Digits

LARGEST_BODY = 8192
MOST_PHONES = 20
MOST_FIELDS = 20
SHORTEST_TAP = 5
# After one lost heartbeat the next one still comes before the number counts as off screen.
BEATS_PER_SCREEN = 2.5
SHORTEST_BEAT_SECONDS, LONGEST_BEAT_SECONDS, SCREEN_SECONDS = 5, 60, 75
# How a pool chooses a number (see `edge_choose`), and what a visit of a crowded network gets instead.
# AMONG_SOME chooses by calls as well, in a pool too large to look at all its numbers.
BY_CALLS, AMONG_SOME, WITH_THE_CROWD = "calls", "some", "crowd"
# So many numbers of a pool are weighed, those given longest ago: a choice costs no more in a larger pool.
LOOKED_AT = 1000
DEFAULT_PORTS = {"http": 80, "https": 443}
# One client network may hold this part of a pool, and always this many numbers.
LARGEST_SHARE, SMALLEST_CAP = 0.2, 3

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Id = Annotated[str, msgspec.Meta(max_length=64)]
Phone = Annotated[str, msgspec.Meta(max_length=32)]

# Crawlers that name themselves; "Cubot" is a phone. Disguised ones are met by the limits.
_CRAWLER = re.compile(
    r"(?<!cu)bot(?:\b|_)|crawl|spider|slurp|mediapartners|facebookexternalhit|google-(inspection|read|extended)"
    r"|adsbot|bingpreview|lighthouse|pagespeed|gtmetrix|pingdom|uptime|monitor|archiver|scrapy|embedly|preview/",
    re.IGNORECASE,
)


class Consent(msgspec.Struct):
    """What the visitor agreed to."""

    ad: bool = False
    measure: bool = False


class VisitBody(msgspec.Struct):
    """`POST /v1/visit`: a page was loaded."""

    k: Key
    v: Id = ""
    s: Id = ""
    u: str = ""
    r: str = ""
    t: str = ""
    c: dict[str, str] | list[str] | bool | None = None
    m: dict[str, str] = {}
    l: list[str] = []  # noqa: E741 - the name on the wire
    p: Annotated[list[Phone], msgspec.Meta(max_length=MOST_PHONES)] | str = ""
    q: Consent | None = None


class BeatBody(msgspec.Struct):
    """`POST /v1/beat`: the page is still being looked at, or (`g`, gone) it was hidden or left.

    `q`: the visitor withdrew his consent just now, and the page shows its own numbers again.
    """

    k: Key
    v: Id = ""
    s: Id = ""
    u: str = ""
    d: int = 0
    g: bool = False
    q: Consent | None = None


class TapBody(msgspec.Struct):
    """`POST /v1/tap`: a number was tapped, or copied."""

    k: Key
    s: Id = ""
    n: str = ""
    w: Annotated[str, msgspec.Meta(max_length=32)] = ""


class FormBody(msgspec.Struct):
    """`POST /v1/form`: a visitor who agreed typed a phone number or an e-mail address into a form."""

    k: Key
    v: Id = ""
    s: Id = ""
    f: Annotated[list[str], msgspec.Meta(max_length=MOST_FIELDS)] = []


def read_id(text: str) -> UUID | None:
    """Return the id a browser sent back; None when it is empty or no UUIDv7, as all of ours are."""
    try:
        id_ = UUID(text)
    except ValueError:
        return None
    return id_ if id_.version == 7 else None


def normal_origin(text: str) -> str:
    """Return an origin the way browsers write it: lower case, no default port, no path.

    Raises:
        BadInput: it is not an http(s) origin.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise BadInput(f"{text[:64]!r} is not an origin; write it like https://www.example.com.") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise BadInput(f"{text[:64]!r} is not an origin; write it like https://www.example.com.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}")


def check_origin(origin: str | None, registered: Iterable[str]) -> None:
    """Refuse a page of another origin; `null` and no origin at all are other origins, too.

    Raises:
        NotAllowed: the site's settings do not name this origin.
    """
    if not origin or origin.lower() not in registered:
        raise NotAllowed("This origin is not registered for the site key; add it to the site's origins.")


def is_of_origin(page: str, origin: str) -> bool:
    """Whether a page lies on this origin: what strangers say of other addresses is told to nobody."""
    return bool(origin) and f"{page}/".lower().startswith(f"{origin.lower()}/")


@lru_cache(maxsize=4096)
def is_crawler(user_agent: str) -> bool:
    """Whether a client says that it is no person; a browser always names itself."""
    return not user_agent or _CRAWLER.search(user_agent) is not None


def beat_seconds(screen_seconds: Iterable[int]) -> int:
    """Return how often a visible page shows a sign of life: one may be lost before its numbers are free."""
    shortest = min(screen_seconds, default=SCREEN_SECONDS)
    return min(max(int(shortest / BEATS_PER_SCREEN), SHORTEST_BEAT_SECONDS), LONGEST_BEAT_SECONDS)


def way_of(pool_size: int) -> str:
    """Return how a pool of so many numbers chooses."""
    return BY_CALLS if pool_size <= LOOKED_AT else AMONG_SOME


def share_of(pool_size: int) -> int:
    """Return how many numbers of a pool the visitors of one client network may hold."""
    return max(SMALLEST_CAP, int(pool_size * LARGEST_SHARE))


def is_on_page(target: Digits, found: str) -> bool:
    """Whether a business number is among the runs of digits of a page; no digits at all: it may be."""
    return not found or target.international in found or target.national in found


def tap_ending(digits: str) -> str | None:
    """Return the end of the E.164 form that a tapped number must have; None when it is no number."""
    ending = "".join(mark for mark in digits if mark in "0123456789").lstrip("0")
    return ending if SHORTEST_TAP <= len(ending) <= 15 else None
