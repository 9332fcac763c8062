"""The whole demo on one real port, for tests of how its parts work together."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from calltrack.app import assemble
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.sandbox.demo_company import ensure_demo_company
from calltrack.wiring import Services, build
from tests.conftest import settings_for
from tests.sandbox.platforms.serving import _Quiet


@pytest.fixture
def demo(
    postgres: EmbeddedPostgres, redis_url: str, empty_database: None, tmp_path: Path
) -> Iterator[Services]:
    """The demo company over its own sandbox and voice surface, on one real port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = settings_for(postgres, redis_url, tmp_path, port=port)
    services = build(settings)
    ensure_demo_company(services, {})
    app = assemble(services, "all")
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield services
    server.shutdown()
    thread.join(5)
    server.server_close()
    app.extensions["voice.desk"].stop()
    app.extensions["edge.connections"].close()
    services.carriers.close()
    services.close()
