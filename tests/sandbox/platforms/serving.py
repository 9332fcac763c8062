"""The twins on a real socket, in a thread of the test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from calltrack.kernel.clock import Clock, utc_now
from calltrack.sandbox import look
from calltrack.sandbox.platforms import create_blueprint


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def send_response(self, code: int, message: str | None = None) -> None:
        """Send no Date of the server's own: a twin may live at another time, and says so itself."""
        self.send_response_only(code, message)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 (werkzeug's name)
        return


def make_app(folder: Path | None = None, now: Clock = utc_now) -> Flask:
    app = Flask("sandbox")
    app.register_blueprint(look.blueprint)
    app.register_blueprint(create_blueprint(folder, now))
    return app


@contextmanager
def serving(folder: Path | None = None, now: Clock = utc_now) -> Iterator[str]:
    """Yield the origin of running twins."""
    server = make_server("127.0.0.1", 0, make_app(folder, now), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
