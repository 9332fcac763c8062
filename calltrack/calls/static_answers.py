"""Answers that a plain web server can give while calltrack is down: one file for each tracking number.

A file only rings the location's own line; nothing is announced, recorded or asked, because nobody could
answer for it. It never says more than anybody hears who dials the number.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.callflows.words import words_for
from calltrack.calls import static_servers
from calltrack.kernel.errors import Conflict
from calltrack.telephony import twilio
from calltrack.telephony.base import CallPlan, HangUp, Ring, Silence, Speak, Target

RING_SECONDS = 25
# Only what this module names is ever deleted from the folder.
OURS = re.compile(r"voice/[0-9a-f]{32}\.xml|bins/[0-9]{7,15}\.xml")
HANG_UP, NOTHING = "voice/hang-up.xml", "voice/nothing.xml"
_ROWS = text(
    """
    SELECT n.id AS number_id, n.e164, l.forward_to, l.language
    FROM tracking_number n JOIN location l ON l.company_id = n.company_id AND l.id = n.location_id
    WHERE n.released_at IS NULL ORDER BY n.company_id, n.id
    """
)


@dataclass(frozen=True)
class StaticRow:
    """A tracking number and the line behind it."""

    number_id: UUID
    e164: str
    forward_to: str
    language: str


@dataclass(frozen=True)
class Difference:
    """A file that is not what it should be: missing, differs, or left over."""

    path: str
    what: str


def static_rows(session: Session) -> list[StaticRow]:
    """Return every number in service that the session may see (the system role: all)."""
    return [StaticRow(**row._mapping) for row in session.execute(_ROWS)]


def answer_of(row: StaticRow) -> bytes:
    """Return the document that rings the line behind a number, and then says that nobody came."""
    sentence = Speak(text=words_for(row.language).missed, language=row.language)
    ring = Ring(targets=(Target(address=row.forward_to),), seconds=RING_SECONDS)
    return twilio.render(CallPlan((ring, sentence, HangUp()))).encode()


def files_of(rows: Iterable[StaticRow], folder: Path) -> dict[str, bytes]:
    """Return what belongs into the folder, by path: answers, texts to paste, settings of web servers."""
    files = {
        HANG_UP: twilio.render(CallPlan((HangUp(),))).encode(),
        NOTHING: twilio.render(Silence()).encode(),
        "nginx.conf": static_servers.nginx(folder).encode(),
        "nginx-other-host.conf": static_servers.nginx_alone(folder).encode(),
        "Caddyfile": static_servers.caddy(folder).encode(),
        "Caddyfile-other-host": static_servers.caddy_alone(folder).encode(),
    }
    for row in rows:
        document = answer_of(row)
        files[f"voice/{row.number_id.hex}.xml"] = document
        files[f"bins/{row.e164.lstrip('+')}.xml"] = document
    return files


def differences(folder: Path, files: Mapping[str, bytes]) -> list[Difference]:
    """Return what in the folder is not current, in the order of the paths; nothing is changed."""
    found = [Difference(path, "left over") for path in _left_over(folder, files)]
    for path, content in files.items():
        try:
            if (folder / path).read_bytes() != content:
                found.append(Difference(path, "differs"))
        except OSError:
            found.append(Difference(path, "missing"))
    return sorted(found, key=lambda one: one.path)


def state_of(row: StaticRow, folder: str) -> str:
    """Return how a number's file stands: current, is missing, differs; empty where no folder is kept."""
    if not folder:
        return ""
    try:
        content = (Path(folder) / f"voice/{row.number_id.hex}.xml").read_bytes()
    except OSError:
        return "is missing"
    return "current" if content == answer_of(row) else "is not current"


def write_static(folder: Path, files: Mapping[str, bytes]) -> int:
    """Bring the folder up to date and return how many files changed; each one is replaced whole.

    Raises:
        Conflict: there is no number at all, but the folder holds answers: it is the wrong database.
        OSError: the folder cannot be written.
    """
    stale = differences(folder, files)
    has_numbers = any(OURS.fullmatch(path) for path in files)
    if not has_numbers and any(one.what == "left over" for one in stale):
        raise Conflict(
            f"This database has no number, but {folder} holds answers. Is it the right database? Delete the "
            "folder by hand if its numbers are really gone."
        )
    for one in stale:
        path = folder / one.path
        if one.what == "left over":
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.new")
        draft.write_bytes(files[one.path])
        draft.chmod(0o644)
        draft.replace(path)
    return len(stale)


def _left_over(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    kept = [path.relative_to(folder).as_posix() for path in folder.glob("*/*.xml")]
    return [path for path in kept if OURS.fullmatch(path) and path not in files]
