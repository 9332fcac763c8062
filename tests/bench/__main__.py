"""`make bench`: runs the pieces, prints a table, writes bench/results.json.

Pieces: `edge`, `choice`, `voice`, `deliver`, `platforms`, `mixed`, `audiences`, `export`, `accuracy`,
`posterior`, `credit`, `journeys`, `reports`, `stored_credit`, `segment_views`,
`segment_reports`, `scale`.

python -m tests.bench [--seconds 6] [piece ...]
"""

import argparse
import importlib
import importlib.util
import json
import sys
import tempfile
from pathlib import Path

from calltrack.config import Settings, new_key
from calltrack.infra.embedded import EmbeddedPostgres, EmbeddedRedis
from calltrack.migrations.migrate import migrate
from calltrack.wiring import build
from tests.bench.context import ROOT, Context, Result

PIECES = (
    "edge",
    "choice",
    "voice",
    "deliver",
    "platforms",
    "mixed",
    "audiences",
    "export",
    "accuracy",
    "posterior",
    "credit",
    "journeys",
    "reports",
    "stored_credit",
    "segment_views",
    "segment_reports",
    "scale",
)


def main() -> None:
    """Run what was asked for, on a database and a Redis of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("pieces", nargs="*", help=f"which of {', '.join(PIECES)} (default: all there are)")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each measurement")
    asked = parser.parse_args()
    if unknown := [piece for piece in asked.pieces if piece not in PIECES]:
        parser.error(f"no such piece: {', '.join(unknown)}")
    pieces = [piece for piece in asked.pieces or PIECES if importlib.util.find_spec(f"tests.bench.{piece}")]
    results: list[Result] = []
    for piece in pieces:
        print(f"{piece} ...", file=sys.stderr, flush=True)
        module = importlib.import_module(f"tests.bench.{piece}")
        if hasattr(module, "run_in"):  # It has servers of its own.
            results += module.run_in(asked.seconds)
            _write(ROOT / "bench" / "results.json", results)
            continue
        # A database of its own for each piece: one piece's unfinished work must not slow the next.
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            results += _run(Path(name), piece, asked.seconds)
        _write(ROOT / "bench" / "results.json", results)
    _print(results)


def _run(folder: Path, piece: str, seconds: float) -> list[Result]:
    folder.chmod(0o755)
    postgres, redis = EmbeddedPostgres(folder / "postgres"), EmbeddedRedis(folder / "redis")
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
            encryption_key=new_key(),
            secret_key=new_key(),
        )
        context = Context(build(settings), settings, postgres, folder, seconds)
        found: list[Result] = importlib.import_module(f"tests.bench.{piece}").run(context)
        context.services.close()
    finally:
        redis.stop()
        postgres.erase()
    return found


def _print(results: list[Result]) -> None:
    print(f"{'':56} {'value':>10} {'reference':>10} {'ratio':>6}")
    for result in results:
        reference = "" if result.reference is None else f"{result.reference:,.2f}"
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        print(f"{result.name:56} {result.value:>10,.2f} {reference:>10} {ratio:>6}  {result.unit}")


def _write(path: Path, results: list[Result]) -> None:
    rows = [
        {"name": r.name, "value": r.value, "unit": r.unit, "reference": r.reference, "ratio": r.ratio}
        for r in results
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
