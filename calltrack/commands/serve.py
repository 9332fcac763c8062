"""Run one surface on PORT of the loopback interface."""

import os

from calltrack.config import Settings, read_settings, require_complete
from calltrack.infra.log import set_up_logging

# (worker processes, threads that may block): the hot surfaces wait for one short statement each.
SHAPE = {"voice": (1, 16), "edge": (1, 8), "web": (1, 8), "sandbox": (1, 8)}


# Where processes compete for a core, callers come first, then visitors, then people, then what can wait
# (see `nice(1)`; five steps are about a third of the weight). The database follows: `infra/priority.py`.
NICE = {"edge": 2, "web": 10, "live": 10, "sandbox": 10}
BACKGROUND = 15


def serve(surface: str) -> int:
    """Serve until a signal comes."""
    os.nice(NICE.get(surface, 0))
    settings = require_complete(read_settings())
    set_up_logging(surface)
    if surface == "live":
        return _serve_live(settings)
    os.environ["SURFACE"] = surface
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    workers, threads = SHAPE[surface]
    Granian(
        "wsgi:application",
        address="127.0.0.1",
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        backpressure=256,
        # Warnings only nag about threads: waiting for the database is what they are for.
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        websockets=False,
    ).serve()
    return 0


def _serve_live(settings: Settings) -> int:
    from aiohttp import web

    from calltrack.dashboard.live import create_live_app

    web.run_app(
        create_live_app(settings),
        access_log=None,
        host="127.0.0.1",
        port=settings.port,
        print=None,
        shutdown_timeout=2,
    )
    return 0
