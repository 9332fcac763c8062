"""PostgreSQL for tests: made and migrated once per run; each server starts on a copy of those files."""

import os
import subprocess
from pathlib import Path
from typing import TypeVar

import pytest

from calltrack.infra.embedded import EmbeddedPostgres, cluster
from calltrack.infra.embedded.user import service_user
from calltrack.infra.process import exclusively
from calltrack.migrations.migrate import migrate

T = TypeVar("T", bound=EmbeddedPostgres)


class ForgetfulPostgres(EmbeddedPostgres):
    """The product's server, but a commit does not wait for the disk: nothing outlives the tests.

    Tests of what survives a crash start the product's own server.
    """

    settings = EmbeddedPostgres.settings | {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
    }


def migrated_files(factory: pytest.TempPathFactory) -> Path:
    """Return the files of a migrated server that does not run, made by the first process that asks."""
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # All processes of one run lie below it.
    files = folder / "migrated"
    with exclusively(folder / "migrated.lock"):
        if not files.exists():
            data_dir = factory.mktemp("to-copy")
            server = ForgetfulPostgres(data_dir)
            server.start()
            migrate(server.owner_url)
            server.stop()
            subprocess.run(["mv", str(data_dir / "postgres" / "data"), str(files)], check=True)
            server.erase()
    return files


def started(kind: type[T], data_dir: Path, files: Path) -> T:
    """Return a new server that runs on a copy of the files."""
    data = cluster.home_of(data_dir, service_user()) / "data"
    subprocess.run(["cp", "-a", str(files), str(data)], check=True)  # As root the files are another user's.
    server = kind(data_dir)
    server.start()
    return server
