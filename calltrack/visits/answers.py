"""What the edge answers: numbers to show, or a refusal in one sentence."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec
import psycopg
from sqlalchemy.exc import OperationalError

from calltrack.infra.log import log
from calltrack.kernel.errors import BadInput, CalltrackError, NotAllowed
from calltrack.visits.admission import TooMany
from calltrack.visits.bodies import TooLarge
from calltrack.visits.service import Shown
from calltrack.visits.sites import Target, digits_pair

Environ = dict[str, Any]
ORIGIN_SEEN = "calltrack.origin"


class Unavailable(CalltrackError):
    """The database does not answer in time (HTTP 503)."""


STATUS: dict[type[CalltrackError], int] = {
    BadInput: 400, NotAllowed: 403, TooLarge: 413, TooMany: 429, Unavailable: 503,
}  # fmt: skip


class Answer(NamedTuple):
    """What goes back to the page."""

    body: bytes
    status: int
    headers: list[tuple[str, str]]


def refuse(environ: Environ, problem: CalltrackError) -> Answer:
    """Turn a refusal into its status and one sentence."""
    return answer(environ, STATUS.get(type(problem), 400), msgspec.json.encode({"error": str(problem)}))


def answer(environ: Environ, status: int, body: bytes = b"") -> Answer:
    """Return a JSON answer that only the page's own registered origin can read."""
    headers = [("Vary", "Origin"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
    if body:
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    origin = environ.get(ORIGIN_SEEN)
    if origin:
        headers.append(("Access-Control-Allow-Origin", origin))
    return Answer(body, status, headers)


def body_of(shown: Shown, targets: Iterable[Target], beat_seconds: int) -> bytes:
    """Return ids, heartbeat and, for each target, its digits and those to put in their place."""
    numbers = []
    for target in targets:
        number = shown.numbers.get(target.pool_id)
        if number is not None:
            own, put = target.digits, digits_pair(number)
            pair = {
                "t": own.international,
                "tn": own.national,
                "n": put.international,
                "nn": put.national,
            }
            if own.country_code != put.country_code:
                pair["x"] = f"+{put.international}"  # in the national writing of the page's country
            numbers.append(pair)
    return msgspec.json.encode({"v": shown.visitor, "s": shown.visit, "h": beat_seconds, "n": numbers})


def refusal(beat_seconds: int) -> bytes:
    """Return what makes a page do as if it had been refused there: it forgets whom it remembers."""
    refused = {"ad": False, "measure": False}
    return msgspec.json.encode({"v": "", "s": "", "n": [], "q": refused, "h": beat_seconds})


@contextmanager
def in_time() -> Iterator[None]:
    """Refuse with 503 when the database is away or slow: a page must not wait for it.

    Raises:
        Unavailable: no connection or no answer within the edge's limits.
    """
    try:
        yield
    except (psycopg.OperationalError, OperationalError) as problem:
        log.warning("The edge got no answer from the database in time: %s", type(problem).__name__)
        raise Unavailable("Not now; the page keeps its own numbers.") from None
