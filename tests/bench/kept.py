"""A data folder that outlives the bench, so that what took long to seed is measured again and again.

`BENCH_KEEP=/somewhere/outside` names it: databases, the keys they were written with and what was done already
stay there (some 30 GB at full size). Without it everything goes with the run.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import create_engine, text

from calltrack.config import Settings, new_key
from calltrack.infra.embedded import EmbeddedPostgres, EmbeddedRedis
from calltrack.migrations.migrate import migrate
from calltrack.wiring import build
from tests.bench.context import ROOT, Context
from tests.builders import Company


class SeedingPostgres(EmbeddedPostgres):
    """While rows are seeded no commit waits for the disk; a stop writes everything down."""

    settings: ClassVar[dict[str, str]] = EmbeddedPostgres.settings | {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "max_wal_size": "16GB",
        "checkpoint_timeout": "1h",
        "shared_buffers": "2GB",
        "wal_init_zero": "off",
        "maintenance_work_mem": "512MB",
    }


@dataclass(frozen=True)
class Kept:
    """A folder with a database and a file that says which steps were done on it."""

    folder: Path

    def read(self) -> dict[str, Any]:
        """Return what was written down."""
        file = self.folder / "state.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def write(self, **more: Any) -> None:
        """Write more down."""
        (self.folder / "state.json").write_text(json.dumps(self.read() | more, default=str, indent=1))

    def once(self, step: str, do: Callable[[], Any]) -> Any:
        """Do a step unless it was done on this folder; what it returned is kept."""
        done = self.read().get("done", {})
        if step not in done:
            done[step] = do()
            self.write(done=done)
        return done[step]

    def company(self, make: Callable[[], Company]) -> Company:
        """Return the company of the folder, made the first time."""
        told = self.once("company", lambda: json.loads(json.dumps(asdict(make()), default=str)))
        return Company(**{name: _read(value) for name, value in told.items()})


def folder_to_keep() -> Path | None:
    """Return the folder that was named, made if it is not there; it may not lie in the repository."""
    named = os.environ.get("BENCH_KEEP")
    if not named:
        return None
    folder = Path(named).resolve()
    if folder.is_relative_to(ROOT):
        raise SystemExit(f"BENCH_KEEP={named} lies in the repository; name a folder outside of it.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def running(
    folder: Path, seconds: float, server: type[EmbeddedPostgres] = EmbeddedPostgres
) -> Iterator[Context]:
    """Run the folder's database and a Redis, migrated; they stop at the end, the files stay."""
    folder.chmod(0o755)
    postgres, redis = server(folder / "postgres"), EmbeddedRedis(folder / "redis")
    kept = Kept(folder)
    if "keys" not in kept.read():
        kept.write(keys=[new_key(), new_key()])
    encryption, secret = kept.read()["keys"]
    try:
        postgres.start()
        redis.start()
        migrate(postgres.owner_url)
        settings = Settings(
            data_dir=folder / "data",
            database_url=postgres.app_url,
            database_owner_url=postgres.owner_url,
            database_system_url=postgres.system_url,
            redis_url=redis.url,
            encryption_key=encryption,
            secret_key=secret,
        )
        context = Context(build(settings), settings, postgres, folder, seconds)
        yield context
        context.services.close()
        # A stop waits ten seconds only: what was seeded has to be written down before.
        owner = create_engine(postgres.owner_url, isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.execute(text("CHECKPOINT"))
        owner.dispose()
    finally:
        redis.stop()
        postgres.stop()


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(one) for one in value]
    try:
        return UUID(value)
    except ValueError:
        return value
