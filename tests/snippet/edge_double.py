"""A real HTTP server: answers the snippet as the contract says, notes what it was asked and can be unwell."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from calltrack.snippet import script

ROME = {"t": "390669940001", "tn": "0669940001", "n": "390687650001", "nn": "0687650001"}
MILAN = {"t": "390280880001", "tn": "0280880001", "n": "390287650002", "nn": "0287650002"}

Answer = tuple[int, bytes]
# True as soon as this page has taken in an answer of the service: numbers that it remembers show before.
ANSWERED = 'localStorage.calltrack?.match(/"b":(\\d+)/)?.[1] >= performance.timeOrigin'
# A page asks once and waits 800 ms, which a busy machine may take: only the test of the limit waits so short.
LIMIT, PATIENCE = b'=="visit"?800:', b'=="visit"?30e3:'


@dataclass
class Asked:
    """One request to the edge: when, which path, which headers, which body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Site:
    """The pages of a customer and the edge behind them, on two ports of one machine."""

    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    numbers: list[dict[str, str]] = field(default_factory=lambda: [ROME, MILAN])
    heartbeat: float = 3600
    asked: list[Asked] = field(default_factory=list)
    delay: float = 0
    is_patient: bool = True
    opened: list[str] = field(default_factory=list)
    # Redirects: path -> where to; `%s` stands for the query.
    moved: dict[str, str] = field(default_factory=dict)
    unwell: Callable[[Asked], Answer | None] = lambda _asked: None
    page_port: int = 0
    edge_port: int = 0

    @property
    def edge(self) -> str:
        return f"http://127.0.0.1:{self.edge_port}"

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.page_port}{path}"

    def tag(self, extra: str = "") -> str:
        return f'<script async src="{self.edge}/ct.js" data-site="site-key" {extra}></script>'

    def put(self, body: str, path: str = "/", tag: str | None = None, **headers: str) -> str:
        """Publish a page and return its address."""
        html = f"<!doctype html><meta charset=utf-8><title>Traslochi</title><body>{body}"
        self.pages[path] = (html + (self.tag() if tag is None else tag), headers)
        return self.url(path)

    def to(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == f"/v1/{path}"]

    def wait_for(self, path: str, count: int = 1, seconds: float = 30) -> list[Asked]:
        """Wait until the edge was asked this often; fail otherwise."""
        until = time.monotonic() + seconds
        while len(self.to(path)) < count:
            assert time.monotonic() < until, f"{count} x {path} expected, got {self.asked}"
            time.sleep(0.01)
        return self.to(path)

    def wait_for_page(self, path: str, count: int = 1, seconds: float = 30) -> None:
        """Wait until a browser asked for a page this often; fail otherwise."""
        until = time.monotonic() + seconds
        while self.opened.count(path) < count:
            assert time.monotonic() < until, f"{path} was not asked for {count} times"
            time.sleep(0.01)

    def answer(self, asked: Asked) -> Answer:
        """Answer as the contract says."""
        if sick := self.unwell(asked):
            return sick
        if asked.path != "/v1/visit":
            return 204, b""
        seen = asked.body["p"]
        numbers = [pair for pair in self.numbers if not seen or pair["t"] in seen or pair["tn"] in seen]
        reply = {"v": asked.body.get("v") or "visitor-1", "s": asked.body.get("s") or "visit-1"}
        if asked.body.get("q") == {}:
            reply = {"v": "", "s": ""}
        return 200, json.dumps({**reply, "h": self.heartbeat, "n": numbers}).encode()


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        pass

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Pages(_Quiet):
    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        self.site.opened.append(path)
        if path in self.site.moved:
            self.reply(302, b"", {"Location": self.site.moved[path].replace("%s", query)})
            return
        html, headers = self.site.pages.get(path, ("", {}))
        if path == "/slow":
            self.site.wait_for_page("/go", self.site.opened.count("/slow"))
        status = 200 if html else 404
        self.reply(status, html.encode(), {"Content-Type": "text/html; charset=utf-8", **headers})


class Edge(_Quiet):
    def do_GET(self) -> None:
        ours = script()
        assert ours.count(LIMIT) == 1
        patient = ours.replace(LIMIT, PATIENCE) if self.site.is_patient else ours
        self.reply(200, patient, {"Content-Type": "text/javascript"})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        asked = Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(raw))
        self.site.asked.append(asked)
        time.sleep(self.site.delay)
        status, body = self.site.answer(asked)
        with suppress(ConnectionError):  # the snippet does not wait longer than it said
            self.reply(status, body, {"Access-Control-Allow-Origin": self.headers.get("Origin", "")})

    def do_OPTIONS(self) -> None:
        self.site.asked.append(Asked("preflight", {}, {}))
        self.reply(403, b"", {})


def serve(handler: type[_Quiet], site: Site) -> ThreadingHTTPServer:
    """Serve on a free port in a thread of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type(handler.__name__, (handler,), {"site": site}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server
