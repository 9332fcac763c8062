"""The operating system user PostgreSQL runs as: ourselves, or an own one when we are root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAME = "calltrack-db"
ROOTS_HOME = Path("/var/lib/calltrack")
"""Where root keeps what the other user must reach when the project lies in a folder only root may enter."""


@dataclass(frozen=True)
class ServiceUser:
    """A user without rights, for the server that refuses to run as root."""

    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Say whether this user can get into a folder: every folder above it must let them pass."""
        return all(self._passes(step) for step in (folder, *folder.parents))

    def _passes(self, step: Path) -> bool:
        status = step.stat()
        bit = 0o100 if status.st_uid == self.uid else 0o010 if status.st_gid == self.gid else 0o001
        return bool(status.st_mode & bit)

    def own(self, folder: Path) -> None:
        """Make a folder, private to this user."""
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)


def service_user() -> ServiceUser | None:
    """Return the user to change to, made on first need, or None: we are not root and run it ourselves."""
    if os.geteuid() != 0:
        return None
    for name in (NAME, "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            if name == NAME and (entry_made := _made_user()):
                entry = entry_made
            else:
                continue
        return ServiceUser(entry.pw_uid, entry.pw_gid)
    return ServiceUser(65534, 65534)


def _made_user() -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
    if useradd is None:
        return None
    wish = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    subprocess.run(  # noqa: S603 - fixed words; a lost race is seen below
        [useradd, *wish, "--shell", "/usr/sbin/nologin", NAME], check=False, capture_output=True
    )
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None
