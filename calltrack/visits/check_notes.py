"""What the edge answered a page view of a check, written down for whoever asked for the check."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from calltrack.infra.log import log
from calltrack.kernel.errors import BadInput, CalltrackError, NotAllowed
from calltrack.kernel.touch import page_of
from calltrack.visits import rules, told
from calltrack.visits.answers import Answer, Environ
from calltrack.visits.marks import Mark, note_seen
from calltrack.visits.rules import VisitBody
from calltrack.visits.sites import SiteTable
from calltrack.wiring import Services

# Digits of a page that are kept with a check: enough for every number a page shows on purpose.
LONGEST_FOUND = 400


def write_note(
    services: Services,
    sites: SiteTable,
    mark: Mark,
    raw: bytes,
    environ: Environ,
    ended: Answer | CalltrackError,
) -> None:
    """Write down how a marked page view ended; what cannot be written is told nobody, the page goes first."""
    fact = _fact(sites, raw, environ, ended) | {"at": services.clock().isoformat()}
    try:
        with services.db.tenant(mark.company_id) as session:
            note_seen(session, mark, fact)
    except SQLAlchemyError as problem:
        log.warning("A checked page view is not written down: %s", type(problem).__name__)


def _fact(sites: SiteTable, raw: bytes, environ: Environ, ended: Answer | CalltrackError) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw, type=VisitBody)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = VisitBody(k="?")
    site = sites.find(body.k)
    fact: dict[str, Any] = {
        "outcome": "shown", "why": "", "site": UUID(site.site_id).hex if site else "", "numbers": {},
        "origin": environ.get("HTTP_ORIGIN", "")[:200], "page": page_of(body.u),
        "measure": None if body.q is None else body.q.measure,
        "found": told.digits_of_page(body)[:LONGEST_FOUND],
    }  # fmt: skip
    if isinstance(ended, CalltrackError):
        return fact | {"outcome": "refused", "why": _why(ended, is_known=site is not None)}
    if rules.is_crawler(environ.get("HTTP_USER_AGENT", "")):
        return fact | {"outcome": "crawler"}
    return fact | {"numbers": {pair["t"]: pair["n"] for pair in msgspec.json.decode(ended.body).get("n", [])}}


def _why(problem: CalltrackError, *, is_known: bool) -> str:
    if isinstance(problem, NotAllowed):
        return "origin" if is_known else "key"
    # A tag without a key sends none: that body cannot be read.
    return "key" if isinstance(problem, BadInput) and not is_known else "busy"
