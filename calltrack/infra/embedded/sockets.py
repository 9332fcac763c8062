"""Where a server's unix socket lives: beside its data, or in a short private folder if that is too long."""

import tempfile
from pathlib import Path

from calltrack.infra.embedded.user import ServiceUser

LONGEST = 107  # bytes of a unix socket's path on Linux, the closing zero not counted
SUFFIX = ".s.PGSQL.5432.lock"


def socket_folder(home: Path, user: ServiceUser | None) -> Path:
    """Return the folder for this server's socket; the same one each time, so that addresses stay valid."""
    folder = home / "socket"
    if len(bytes(folder / SUFFIX)) > LONGEST:
        folder = _short_folder(home / "socket.path", user)
    if user is not None:
        user.own(folder)
    else:
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _short_folder(note: Path, user: ServiceUser | None) -> Path:
    """Return the folder written down beside the data, or a new one: a restart of the machine empties /tmp."""
    if note.exists():
        noted = Path(note.read_text())
        if noted.is_dir() and not noted.is_symlink() and noted.stat().st_uid == _owner(note, user):
            return noted
    folder = Path(tempfile.mkdtemp(prefix="calltrack-", dir="/tmp"))
    note.write_text(str(folder))
    return folder


def _owner(note: Path, user: ServiceUser | None) -> int:
    return note.stat().st_uid if user is None else user.uid
