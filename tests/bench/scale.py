"""The large company: its views as people open them, and the work of its nights.

SCALE_PART (default 200) divides the full size of 10 million visits, 1 million calls and 2 million
conversions; 1 is the full size. BENCH_KEEP=/a/folder/outside keeps what was seeded and counted there, so that

    SCALE_PART=1 BENCH_KEEP=../bench-kept .venv/bin/python -m tests.bench scale

seeds the first time (10 to 40 minutes on two cores) and only measures from then on. SCALE_ONLY=views,
nights or a part of a view's name measures only that.
"""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, text

from tests.bench import scale_nights, scale_views
from tests.bench.context import Context, Result
from tests.bench.kept import Kept, SeedingPostgres, folder_to_keep, running
from tests.bench.scale_counted import Counting
from tests.bench.scale_seed import Size, seed
from tests.builders import Company, make_company

PART: Final = int(os.environ.get("SCALE_PART", "200"))
ONLY: Final = os.environ.get("SCALE_ONLY", "")
DAYS: Final = 395
SIZE: Final = Size(10_000_000 // PART, DAYS)
NUMBERS: Final = 200
NOW: Final = datetime(2026, 11, 30, 3, tzinfo=UTC)


def run_in(seconds: float) -> list[Result]:
    """Seed and count what is missing, measure; in a folder that stays where one was named."""
    folder = folder_to_keep()
    if folder:
        return _run(Kept(folder / f"part-{PART}"), seconds)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        kept = Kept(Path(name) / "scale")
        try:
            return _run(kept, seconds)
        finally:
            SeedingPostgres(kept.folder / "postgres").erase()


def _run(kept: Kept, seconds: float) -> list[Result]:
    kept.folder.mkdir(parents=True, exist_ok=True)
    if "vacuumed" not in kept.read().get("done", {}):
        with running(kept.folder, seconds, SeedingPostgres) as context:
            _prepare(kept, context, kept.company(lambda: make_company(context.services, numbers=NUMBERS)))
    with running(kept.folder, seconds) as context:
        company = kept.company(lambda: make_company(context.services))
        found = _counted(kept)
        if ONLY != "nights":
            only = "" if ONLY == "views" else ONLY
            found += scale_views.results(scale_views.measure(context, company, NOW, only))
        if ONLY in ("", "nights"):
            found += scale_nights.measure(context, company, NOW)
        return found + (_disk(context) if not ONLY else [])


def _prepare(kept: Kept, context: Context, company: Company) -> None:
    kept.once("seeded", lambda: seed(context, company, SIZE, NOW))
    counting = Counting(context, company, NOW, DAYS)
    kept.once("reports", counting.reports)
    kept.once("credit", counting.credit)
    kept.once("journeys", counting.journeys)
    counting.close()
    kept.once("vacuumed", lambda: _vacuum(context))


def _vacuum(context: Context) -> bool:
    owner = create_engine(context.postgres.owner_url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
    owner.dispose()
    return True


def _counted(kept: Kept) -> list[Result]:
    done = kept.read()["done"]
    found = []
    for name, what in (
        ("reports", "a day of reports"),
        ("credit", "a day of credit"),
        ("journeys", "journeys"),
    ):
        for part, value in done[name].items():
            found.append(Result(f"counting {what}: {part}", value, "" if part == "journeys" else "s"))
    return found


# A table with its partitions and all their indexes.
_SIZE: Final = text(
    """
    SELECT coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(CAST(:t AS regclass))),
                    pg_total_relation_size(CAST(:t AS regclass)))
    """
)
_TABLES: Final = {
    "a visit": (("visit",), SIZE.visits),
    "a call, with verdict, conversions and deliveries": (
        ("call", "attribution", "conversion", "conversion_change", "delivery", "delivery_attempt"),
        SIZE.visits // 10,
    ),
    "a journey": (("journey", "journey_cell"), 0),
}


def _disk(context: Context) -> list[Result]:
    owner, found = create_engine(context.postgres.owner_url), []
    with owner.connect() as connection:
        for name, (tables, rows) in _TABLES.items():
            size = sum(int(connection.scalar(_SIZE, {"t": table}) or 0) for table in tables)
            rows = rows or int(connection.scalar(text("SELECT count(*) FROM journey")) or 1)
            found.append(Result(f"disk for {name}", size / rows, "bytes with indexes"))
        whole = connection.scalar(text("SELECT pg_database_size(current_database())"))
    owner.dispose()
    return [*found, Result("the whole database", float(whole or 0) / 1e9, "GB")]
