"""`calltrack demo` and `calltrack run`: the whole product from one command."""

import os
import sys
from collections.abc import Mapping

from calltrack.commands.running import RUNNING, write_note
from calltrack.config import Settings, read_settings, secrets_of
from calltrack.infra.stack import Part, Stack, run_stack

NOTED = ("CALLTRACK_MODE", "PORT", "PUBLIC_BASE_URL", "LOCAL_ORIGIN")
ME = (sys.executable, "-m", "calltrack")


def parts(settings: Settings) -> list[Part]:
    """Name the processes and the paths the front door sends to each (the Procfile runs the same)."""
    product = [
        Part("voice", (*ME, "serve", "voice"), paths=("/voice/",), ready_path="/readyz"),
        Part("edge", (*ME, "serve", "edge"), paths=("/v1/", "/ct.js"), ready_path="/readyz"),
        Part("live", (*ME, "serve", "live"), paths=("/live/",), ready_path="/readyz"),
        Part("worker", (*ME, "worker"), count=settings.worker_count),
        Part("clock", (*ME, "clock")),
        Part("web", (*ME, "serve", "web"), paths=("/",), ready_path="/readyz"),
    ]
    if settings.is_demo:
        product.append(
            Part("sandbox", (*ME, "serve", "sandbox"), paths=("/sandbox/", "/demo/"), ready_path="/readyz")
        )
    return product


def run_product(*, demo: bool, history: bool) -> int:
    """Start everything, stay until Ctrl-C, stop everything; data stays in DATA_DIR."""
    settings = read_settings(**({"mode": "demo"} if demo else {}))
    given = _environment(settings, demo)
    prepare: list[tuple[str, ...]] = [(*ME, "migrate")]
    if demo:
        prepare.append((*ME, "seed", "--months", "12" if history else "0"))

    def note(addresses: Mapping[str, str]) -> None:
        kept = {
            name: given[name]
            for name in ("CALLTRACK_MODE", "PORT", "PUBLIC_BASE_URL", "LOCAL_ORIGIN")
            if name in given
        }
        write_note(settings.data_dir, RUNNING, kept | dict(addresses))

    return run_stack(
        Stack(
            parts=parts(settings),
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
