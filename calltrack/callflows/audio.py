"""Announcements as sound files: uploaded once, kept below the data folder, fetched by the carrier.

A file's address is signed, so that nobody can guess one; it carries the file's own hash, so that what is
behind an address never changes. Whoever calls hears the file, so it is no secret.
"""

import hashlib
import hmac
import json
import os
import threading
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from calltrack.callflows.model import CallFlow, CallFlowVersion
from calltrack.callflows.opening import one_line
from calltrack.callflows.steps import OWN_SOUND
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput, Conflict, NotFound

FOLDER: Final = "announcements"
LARGEST: Final = 5 * 1024 * 1024
MOST_FILES: Final = 100
TYPES: Final = {"mp3": "audio/mpeg", "wav": "audio/wav"}
# MPEG audio frames begin with eleven set bits; the bits after them must be a version and a layer that exist.
MPEG_VERSIONS, LAYER_3 = (0, 2, 3), 1


@dataclass(frozen=True)
class Announcement:
    """A stored file. `path`: how flows name it, an address below our own origin."""

    path: str
    name: str
    kind: str
    bytes: int
    added_by: str
    added_at: str


def kind_of_sound(head: bytes) -> str | None:
    """Return `mp3` or `wav` by a file's first bytes, whatever it is called; None for anything else."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[:3] == b"ID3":
        return "mp3"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        version, layer, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4
        return "mp3" if version in MPEG_VERSIONS and layer == LAYER_3 and 0 < rate < 15 else None
    return None


def store(
    data_dir: Path, vault: Vault, company_id: UUID, name: str, sound: bytes, by: str, now: datetime
) -> Announcement:
    """Keep a sound file and return how flows name it; the same sound again is the same file.

    Raises:
        BadInput: no MP3 or WAV, empty, or too large.
        Conflict: the company has too many files.
    """
    if len(sound) > LARGEST:
        raise BadInput(
            "A sound file has at most 5 MB; a minute of MP3 for the telephone has about half of one."
        )
    kind = kind_of_sound(sound)
    if kind is None:
        raise BadInput(
            "This is neither an MP3 nor a WAV file. Save the announcement as one of these and try again."
        )
    if len(stored(data_dir, company_id)) >= MOST_FILES:
        raise Conflict(f"A company keeps at most {MOST_FILES} sound files; delete one first.")
    hash_ = hashlib.sha256(sound).hexdigest()[:32]
    path = f"/announcements/{company_id.hex}/{hash_}-{_signature(vault, company_id, hash_)}.{kind}"
    kept = Announcement(
        path, one_line(name)[:80] or "Announcement", kind, len(sound), by, now.isoformat(timespec="seconds")
    )
    folder = data_dir / FOLDER / company_id.hex
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder / f"{hash_}.{kind}", sound)
    _write(folder / f"{hash_}.json", json.dumps(asdict(kept)).encode())
    return kept


def stored(data_dir: Path, company_id: UUID) -> tuple[Announcement, ...]:
    """Return a company's sound files by name; one that cannot be read is left out."""
    found = []
    for file in (data_dir / FOLDER / company_id.hex).glob("*.json"):
        try:
            found.append(Announcement(**json.loads(file.read_bytes())))
        except (OSError, ValueError, TypeError):
            continue
    return tuple(sorted(found, key=lambda one: (one.name.lower(), one.path)))


def signed_file(data_dir: Path, vault: Vault, path: str) -> tuple[Path, str] | None:
    """Return where the sound of an address lies and its type; None for an address nobody here made."""
    known = _read(vault, path)
    if known is None:
        return None
    company, hash_, kind = known
    return data_dir / FOLDER / company.hex / f"{hash_}.{kind}", TYPES[kind]


def is_own(vault: Vault, company_id: UUID, path: str) -> bool:
    """Tell whether an address names a sound file of the company."""
    known = _read(vault, path)
    return known is not None and known[0] == company_id


def remove(session: Session, data_dir: Path, vault: Vault, company_id: UUID, path: str) -> None:
    """Delete a sound file that no version of a flow plays; versions can be restored, so all count.

    Raises:
        Conflict: a flow plays it, or did in a version.
        NotFound: the company has no such file.
    """
    known = _read(vault, path)
    if (
        known is None
        or known[0] != company_id
        or all(one.path != path for one in stored(data_dir, company_id))
    ):
        raise NotFound("There is no such sound file.")
    used = _flows_that_play(session, company_id, path)
    if used:
        raise Conflict(f"“{used[0]}” plays it, now or in a version that could be restored; it is kept.")
    folder = data_dir / FOLDER / company_id.hex
    (folder / f"{known[1]}.json").unlink(missing_ok=True)
    (folder / f"{known[1]}.{known[2]}").unlink(missing_ok=True)


def sounds_in(plain: Any) -> set[str]:
    """Return the addresses of our own sound files anywhere in a definition."""
    if isinstance(plain, dict):
        return {found for value in plain.values() for found in sounds_in(value)}
    if isinstance(plain, list):
        return {found for value in plain for found in sounds_in(value)}
    return {plain} if isinstance(plain, str) and OWN_SOUND.fullmatch(plain) else set()


def _flows_that_play(session: Session, company_id: UUID, path: str) -> list[str]:
    rows = session.execute(
        select(CallFlow.name, CallFlowVersion.definition)
        .join(
            CallFlowVersion,
            (CallFlowVersion.company_id == CallFlow.company_id) & (CallFlowVersion.flow_id == CallFlow.id),
        )
        .where(CallFlow.company_id == company_id, cast(CallFlowVersion.definition, Text).contains(path))
        .order_by(CallFlow.name)
    )
    return [row.name for row in rows]


def _read(vault: Vault, path: str) -> tuple[UUID, str, str] | None:
    found = OWN_SOUND.fullmatch(path)
    if found is None:
        return None
    company_id, hash_, signature, kind = UUID(found[1]), found[2], found[3], found[4]
    if not hmac.compare_digest(signature, _signature(vault, company_id, hash_)):
        return None
    return company_id, hash_, kind


def _signature(vault: Vault, company_id: UUID, hash_: str) -> str:
    return vault.look_up(company_id, f"announcement/{hash_}").hex()[:32]


def _write(path: Path, content: bytes) -> None:
    """Write a file whole, or not at all; two who store the same sound do not disturb each other."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
