"""Page views that belong to a check of the installation: the address carries a signed mark for a few minutes.

The mark stands twice in the address that the dashboard opens, as a word of the query and behind `#!`: a
redirect that drops the query (and the click ids with it) leaves the fragment, for that never leaves the
browser. The snippet sends both as parts of the page's address; nothing of it is stored with the visit.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.infra.crypto import Vault
from calltrack.kernel.ids import moment_of

WORD: Final = "utm_calltrack"
FRAGMENT: Final = "!calltrack="
VALID: Final = timedelta(minutes=15)
PURPOSE: Final = "install-check"
# Page views of one check that are kept; whoever goes on reading the site tells nothing new.
MOST_SEEN: Final = 20
_QUERY_MARK: Final = re.compile(rb"[?&]utm_calltrack=([\w-]{59})(?![\w-])")
_FRAGMENT_MARK: Final = re.compile(rb"#!calltrack=([\w-]{59})(?![\w-])")
_SEEN = text(
    "UPDATE install_check SET seen = seen || CAST(:fact AS jsonb) "
    "WHERE company_id = :company_id AND id = :id AND jsonb_array_length(seen) < :most"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Which check a page view belongs to, and whether the address's query came through."""

    company_id: UUID
    check_id: UUID
    has_query: bool = True


def mark_of(vault: Vault, company_id: UUID, check_id: UUID) -> str:
    """Return the mark of a check: 59 letters, digits, dashes and underscores."""
    ids = company_id.bytes + check_id.bytes
    return base64.urlsafe_b64encode(ids + _signature(vault, ids)).decode().rstrip("=")


def marked(page: str, mark: str) -> str:
    """Return the page's address with the mark in it; a fragment that routes (`#/`, `#!`) stays."""
    parts = urlsplit(page)
    query = f"{parts.query}&" if parts.query else ""
    routes = parts.fragment.startswith(("/", "!"))
    fragment = parts.fragment if routes else FRAGMENT + mark
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", f"{query}{WORD}={mark}", fragment))


def find_mark(vault: Vault, raw: bytes, now: datetime) -> Mark | None:
    """Return the mark in what a page sent, whatever else is wrong with it; None: no valid one."""
    if b"calltrack=" not in raw:
        return None
    queries = [found[1] for found in _QUERY_MARK.finditer(raw)]
    # Words of an earlier check may still be remembered by the browser: the fragment is of this page view.
    fragment = _FRAGMENT_MARK.search(raw)
    for told in ([fragment[1]] if fragment else []) + queries[:2]:
        ids = _opened(vault, told.decode())
        if ids and now - VALID < moment_of(ids[1]) <= now + VALID:
            return Mark(*ids, has_query=told in queries)
    return None


def note_seen(session: Session, mark: Mark, fact: Mapping[str, Any]) -> None:
    """Write down what the edge answered a marked page view."""
    session.execute(
        _SEEN,
        {
            "company_id": mark.company_id, "id": mark.check_id, "most": MOST_SEEN,
            "fact": msgspec.json.encode([{**fact, "has_query": mark.has_query}]).decode(),
        },
    )  # fmt: skip


def _signature(vault: Vault, ids: bytes) -> bytes:
    return vault.look_up_anywhere(PURPOSE, ids.hex())[:12]


def _opened(vault: Vault, mark: str) -> tuple[UUID, UUID] | None:
    try:
        told = base64.urlsafe_b64decode(mark + "=")
    except ValueError:
        return None
    if not hmac.compare_digest(told[32:], _signature(vault, told[:32])):
        return None
    return UUID(bytes=told[:16]), UUID(bytes=told[16:32])
