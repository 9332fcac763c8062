"""`calltrack demo` and `calltrack run`: the whole product from one command."""

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from calltrack.commands.running import RUNNING, write_note
from calltrack.config import Settings, read_settings, secrets_of
from calltrack.infra.stack import Part, Stack, run_stack

CommandLine = Callable[[Sequence[str]], None]
NOTED = ("CALLTRACK_MODE", "PORT", "PUBLIC_BASE_URL", "LOCAL_ORIGIN")
WARM = (
    "calltrack.app",
    "calltrack.api",
    "calltrack.calls.desk",
    "calltrack.calls.routes",
    "calltrack.commands.serve",
    "calltrack.dashboard",
    "calltrack.dashboard.live",
    "calltrack.migrations.migrate",
    "calltrack.visits.routes",
    "granian",
    "workers.main",
    "workers.schedule",
)
ME = (sys.executable, "-m", "calltrack")


def part(
    command_line: CommandLine, name: str, *words: str, paths: tuple[str, ...] = (), count: int = 1
) -> Part:
    """Return a part that runs one of our own commands."""
    return Part(
        name,
        (*ME, *words),
        paths=paths,
        ready_path="/readyz" if paths else "",
        count=count,
        run=lambda: run_command(command_line, words),
    )


def parts(command_line: CommandLine, settings: Settings) -> list[Part]:
    """Name the processes and the paths the front door sends to each (the Procfile runs the same)."""
    product = [
        part(command_line, "voice", "serve", "voice", paths=("/voice/", "/announcements/")),
        part(command_line, "edge", "serve", "edge", paths=("/v1/", "/ct.js")),
        part(command_line, "live", "serve", "live", paths=("/live/",)),
        part(command_line, "worker", "worker", count=settings.worker_count),
        part(command_line, "clock", "clock"),
        part(command_line, "web", "serve", "web", paths=("/",)),
    ]
    if settings.is_demo:
        product.append(part(command_line, "sandbox", "serve", "sandbox", paths=("/sandbox/", "/demo/")))
    return product


def run_command(command_line: CommandLine, words: tuple[str, ...]) -> int:
    """Run a command of ours in this (forked) process."""
    try:
        command_line(words)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        raise
    return 0


def warm_up() -> None:
    """Import what the parts need, so that they are forked warm and share its memory."""
    for module in WARM:
        importlib.import_module(module)


def run_product(command_line: CommandLine, *, demo: bool, history: bool) -> int:
    """Start everything, stay until Ctrl-C, stop everything; data stays in DATA_DIR."""
    settings = read_settings(**({"mode": "demo"} if demo else {}))
    given = _environment(settings, demo)
    prepare = [part(command_line, "migrate", "migrate")]
    if demo:
        prepare.append(part(command_line, "seed", "seed", "--months", "12" if history else "0"))
    warm_up()

    def note(addresses: Mapping[str, str]) -> None:
        kept = {name: given[name] for name in NOTED if name in given}
        write_note(settings.data_dir, RUNNING, kept | dict(addresses))

    return run_stack(
        Stack(
            parts=parts(command_line, settings),
            port=settings.port,
            data_dir=settings.data_dir,
            environment=given,
            database_url=settings.database_url,
            redis_url=settings.redis_url,
            prepare=prepare,
            on_addresses=note,
            on_up=lambda: _welcome(settings),
        )
    )


def _environment(settings: Settings, demo: bool) -> dict[str, str]:
    """Return what every process is started with: this environment, own secrets where none are set."""
    own = secrets_of(settings.data_dir)
    given = {name: value for name, value in own.items() if not os.environ.get(name)} | dict(os.environ)
    given["PUBLIC_BASE_URL"] = settings.base_url
    given["DATA_DIR"] = str(settings.data_dir.resolve())
    if demo:
        given["CALLTRACK_MODE"] = "demo"
        given["LOCAL_ORIGIN"] = f"http://127.0.0.1:{settings.port}"
        # The twin settles in a second; Google itself takes half an hour.
        given.setdefault("GOOGLE_STATUS_AFTER_SECONDS", "1.5")
    return given


def _welcome(settings: Settings) -> None:
    if settings.is_demo:
        print(
            f"Open {settings.base_url}/ to see what to try. Ctrl-C stops everything; data stays.", flush=True
        )
