"""What a page told, out of the wire's short words: where the visitor came from, and which numbers it holds.

Snippets of older builds name click ids and words one by one (`c`, `m`) and list phone numbers; newer ones
send them as they stand in the address (`l`), in the cookies (`c`) and on the page (`p`).
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import parse_qsl

from calltrack.kernel.touch import clean_click_id
from calltrack.visits.rules import VisitBody

UTM = "utm_"
MOST_WORDS = 32
# The cookie in which Google's own tag keeps a click, as GCL.<time>.<gclid>, maybe from before ours came.
GOOGLE_CLICK = "_gcl_aw"
SHORTEST_NUMBER, LONGEST_NUMBER, LONGEST_RUN = 7, 15, 64
MOST_RUNS = 100


def touch_of(body: VisitBody) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the page remembers: click ids and ad cookies by name; utm words without their prefix."""
    told = dict(parse_qsl("&".join(word.lstrip("?&") for word in body.l[:MOST_WORDS]))) if body.l else {}
    told.pop("", None)
    named = {name.removeprefix(UTM): value for name, value in told.items() if name.startswith(UTM)}
    words = body.m | named
    remembered = {name: value for name, value in told.items() if not name.startswith(UTM)}
    if isinstance(body.c, dict):
        remembered = body.c | remembered
    elif isinstance(body.c, list):
        cookies = dict(pair.split("=", 1) for pair in body.c[:MOST_WORDS] if pair.find("=") > 0)
        click = clean_click_id(".".join(cookies.pop(GOOGLE_CLICK, "").split(".")[2:]))
        if click and not words.get("source"):
            remembered = {"gclid": click} | remembered
        remembered |= cookies
    return remembered, words


def digits_of_page(body: VisitBody) -> str:
    """Return the page's runs of digits that may be phone numbers, joined by commas; nothing: all may be."""
    return body.p if isinstance(body.p, str) else ",".join(body.p)


def numbers_within(digits: str) -> Iterable[str]:
    """Return every stretch of these runs of digits that may be a number on its own.

    A run longer than numbers are written is a table of figures and left out; so are runs after the
    hundredth, for anybody can send them.
    """
    return _known_stretches(digits) if len(digits) <= LONGEST_RUN else _stretches(digits)


@lru_cache(maxsize=256)
def _known_stretches(digits: str) -> tuple[str, ...]:
    """Remember those of a few digits: most visitors of a page find the same on it."""
    return tuple(_stretches(digits))


def _stretches(digits: str) -> Iterator[str]:
    for run in digits.split(",", MOST_RUNS)[:MOST_RUNS]:
        if len(run) > LONGEST_RUN:
            continue
        for begin in range(len(run) - SHORTEST_NUMBER + 1):
            for end in range(begin + SHORTEST_NUMBER, min(begin + LONGEST_NUMBER, len(run)) + 1):
                yield run[begin:end]
