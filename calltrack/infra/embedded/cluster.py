"""The files of one PostgreSQL: where they are, making them, and what `postmaster.pid` tells."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from calltrack.infra.embedded.programs import MAJOR
from calltrack.infra.embedded.user import ROOTS_HOME, ServiceUser
from calltrack.infra.process import ServiceError, die_with_parent, runs

OWNER, APP, SYSTEM, DATABASE = "calltrack_owner", "calltrack_app", "calltrack_system", "calltrack"
FIRST_SQL = f"""\
CREATE ROLE {APP} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
CREATE ROLE {SYSTEM} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
CREATE DATABASE {DATABASE};
"""


def home_of(data_dir: Path, user: ServiceUser | None) -> Path:
    """Return the folder for data, log and socket: in the data folder, or linked from there.

    Root's other user cannot enter a project below, say, /root: its files then live
    in /var/lib/calltrack.
    """
    home = data_dir / "postgres"
    if user is None:
        home.mkdir(mode=0o700, exist_ok=True)
        return home
    data_dir.chmod(data_dir.stat().st_mode | 0o011)
    if not user.may_enter(data_dir) and not os.path.lexists(home):
        home.symlink_to(tempfile.mkdtemp(prefix="calltrack-postgres-", dir=_place_outside(data_dir)))
    user.own(home.resolve())
    if not user.may_enter(home.resolve()):
        raise ServiceError(
            f"{home} lies in a folder that only root may enter, but PostgreSQL runs as another user: move "
            "the project to where it was, or open the folders above it (chmod o+x)."
        )
    return home.resolve()


def _place_outside(data_dir: Path) -> Path:
    """Return the folder that takes the files: what is temporary stays where the system tidies up."""
    temporary = Path(tempfile.gettempdir())
    if data_dir.is_relative_to(temporary):
        return temporary
    ROOTS_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
    return ROOTS_HOME


def make(bin_: Path, home: Path, user: ServiceUser | None) -> None:
    """Make the cluster with its three roles and the database; all or nothing."""
    half, data = home / "data.new", home / "data"
    shutil.rmtree(half, ignore_errors=True)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]
    access = [f"--username={OWNER}", "--auth-local=trust", "--auth-host=reject"]
    _run(user, [str(bin_ / "initdb"), "-D", str(half), *access, *locale])
    _run(user, [str(bin_ / "postgres"), "--single", "-D", str(half), "postgres"], FIRST_SQL)
    half.rename(data)


def check_version(data: Path) -> None:
    """Refuse data of another major version, naming the ways out."""
    version = (data / "PG_VERSION").read_text().strip()
    if version != MAJOR:
        raise ServiceError(
            f"{data} was written by PostgreSQL {version}, this is {MAJOR}: dump it with version {version} "
            "and load it here, or move the folder away to start empty."
        )


def pid_file(data: Path) -> list[str]:
    """Return the lines of `postmaster.pid` (pid, data, start, port, sockets, address, memory, state)."""
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def pid_in(data: Path) -> int | None:
    """Return the pid of the server that really runs on this data, or None."""
    lines = pid_file(data)
    if not lines or not lines[0].isdecimal() or not runs(int(lines[0]), "postgres"):
        return None
    try:
        return int(lines[0]) if Path(f"/proc/{lines[0]}/cwd").samefile(data) else None
    except OSError:
        return None


def is_ready(data: Path) -> bool:
    """Say whether the server wrote that it accepts connections."""
    return _state(data) == "ready"


def is_stopping(data: Path) -> bool:
    """Say whether the server was told to stop: after SIGTERM it may wait for its last client for ever."""
    return _state(data) == "stopping"


def _state(data: Path) -> str:
    lines = pid_file(data)
    return lines[7].strip() if len(lines) > 7 else ""


def popen(user: ServiceUser | None, words: list[str], log: int) -> subprocess.Popen[bytes]:
    """Start the server as that user, its output to a log; it ends, orderly, with us."""
    return subprocess.Popen(  # noqa: S603 - our own words, no shell
        words,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        env=_environment(),
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        preexec_fn=die_with_parent(signal.SIGINT),
        start_new_session=True,  # Ctrl-C is for us; we stop the server last.
    )


def _run(user: ServiceUser | None, words: list[str], text: str = "") -> None:
    done = subprocess.run(  # noqa: S603 - our own words, no shell
        words,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=_environment(),
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )
    if done.returncode != 0 or "ERROR" in done.stderr or "FATAL" in done.stderr:
        raise ServiceError(f"PostgreSQL could not be set up ({Path(words[0]).name}):\n{done.stderr}")


def _environment() -> dict[str, str]:
    """Return a bare environment: a stray PGDATA or LANG of the caller must not change the server."""
    return {"PATH": os.defpath, "LC_ALL": "C"}
