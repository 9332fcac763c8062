"""A plain web server over the folder of static answers: what the settings for nginx and Caddy amount to.

Of calltrack it has the patterns alone; it maps an address to a file and answers a POST as it answers a GET.
With an `upstream` it is a reverse proxy that turns to the files when the upstream fails.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType

import httpx

from calltrack.calls.static_servers import OVER, PICKED_UP, REPORTS, RING

FROM_FILE = "X-From-File"
"""Names the file in an answer that one gave, for tests."""
RULES = (
    (re.compile(REPORTS), None),
    (re.compile(OVER), "voice/hang-up.xml"),
    (re.compile(PICKED_UP), "voice/nothing.xml"),
    (re.compile(RING), "voice/{}.xml"),
)


def file_of(path: str) -> str | None:
    """Return which file answers an address."""
    for pattern, file in RULES:
        if found := pattern.fullmatch(path):
            return file.format(*found.groups()) if file else None
    return None


@contextmanager
def serving(folder: Path, upstream: str = "") -> Iterator[str]:
    """Serve the folder; yields the origin."""
    # No connection is kept: one to a process that just ended would fail the next request.
    client = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

        def _answer(self, body: bytes) -> None:
            if upstream and (answer := self._passed_on(body)) is not None:
                self._send(answer.status_code, answer.headers.get("content-type", ""), answer.content)
                return
            file = file_of(self.path.partition("?")[0])
            if file is None or not (folder / file).is_file():
                self._send(503, "text/plain", b"")
            else:
                self._send(200, "text/xml", (folder / file).read_bytes(), {FROM_FILE: file})

        def _passed_on(self, body: bytes) -> httpx.Response | None:
            headers = {name: self.headers[name] for name in self.headers if name.lower() != "host"}
            try:
                answer = client.request(
                    self.command, upstream + self.path, content=body, headers=headers,
                    timeout=httpx.Timeout(5, connect=1),
                )  # fmt: skip
            except httpx.TransportError:
                return None
            return answer if answer.status_code < 500 else None

        def _send(
            self, status: int, kind: str, content: bytes, headers: Mapping[str, str] = MappingProxyType({})
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        client.close()
        thread.join(5)
