"""The front door: one origin, each path prefix to the process that serves it. Run as `python -m`.

What Twilio signed must arrive as it was sent, so the request target passes byte for byte, and answers stream:
server-sent events go out as they come in. It listens on the loopback interface only.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    StreamReader,
    TCPConnector,
    web,
)
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from calltrack.infra.process import until_told_to_stop

LIMIT = 1024 * 1024
LARGEST = 24 * 1024 * 1024
PATIENCE = 1.0  # seconds a request waits for a process that is just starting again
HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade",
}  # fmt: skip
TARGET: ContextVar[str] = ContextVar("target")


@dataclass(frozen=True)
class _AsSent:
    raw_path_qs: str


class ExactRequest(ClientRequest):
    """A request whose target is written as it was received: a URL object would tidy `/a?` and `/a/../b`."""

    async def send(self, *args: Any, **named: Any) -> ClientResponse:
        """Write the request with the target of the context."""
        self.url = _AsSent(TARGET.get())  # type: ignore[assignment]  # only raw_path_qs is read from here on
        return await super().send(*args, **named)


class Routes:
    """Which local port serves a path: the longest prefix wins, `/` serves the rest."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        """Take prefixes (`/voice/`), exact paths (`/ct.js`) and `/`, each with its port."""
        self._ports = sorted(ports.items(), key=lambda item: -len(item[0]))

    def port(self, target: str) -> int | None:
        """Return the port for a request target, None where nobody serves it."""
        path = target.partition("?")[0]
        for prefix, port in self._ports:
            if path == prefix.rstrip("/") or (
                path.startswith(prefix) if prefix.endswith("/") else path == prefix
            ):
                return port
        return None


class FrontDoor:
    """Passes requests on; holds one outgoing session."""

    def __init__(self, routes: Routes, session: ClientSession) -> None:
        """Take the map and the session to pass requests on with."""
        self._routes = routes
        self._session = session

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Pass one request on and stream the answer back."""
        target = request.raw_path
        is_ours = target.startswith("/") and request.method != "CONNECT"
        port = self._routes.port(target) if is_ours else None
        if port is None:
            return web.Response(status=400, text="This request target cannot be served here.\n")
        length = request.content_length or 0
        if length > LARGEST:
            return web.Response(status=413, text="This is more than can be sent at once.\n")
        # What is large (a file) streams through; it is never held here as a whole.
        body = request.content if length > LIMIT else await request.read()
        try:
            upstream = await self._ask(request, target, port, body)
        except UnicodeEncodeError:
            return web.Response(status=400, text="This request contains bytes that are not UTF-8.\n")
        except (ClientError, TimeoutError):
            return web.Response(
                status=502, headers={"Retry-After": "1"}, text="This part of calltrack is starting again.\n"
            )
        async with upstream:
            return await _stream(request, upstream)

    async def _ask(
        self, request: web.BaseRequest, target: str, port: int, body: bytes | StreamReader
    ) -> ClientResponse:
        TARGET.set(target)
        headers = _forwarded(request)
        if not isinstance(body, bytes):
            headers["Content-Length"] = str(request.content_length)
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                return await self._session.request(
                    request.method,
                    f"http://127.0.0.1:{port}/",
                    headers=headers,
                    data=body or None,
                    allow_redirects=False,
                )
            except ClientConnectorError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.05)


def _forwarded(request: web.BaseRequest) -> CIMultiDict[str]:
    """Return the headers to pass on; whoever reaches the loopback interface is trusted as a proxy."""
    headers = CIMultiDict(
        (name, value) for name, value in request.headers.items() if _passes(name, request.headers)
    )
    headers.popall("Content-Length", None)
    headers.popall("Expect", None)
    came_from = [*headers.popall("X-Forwarded-For", []), request.remote or "unknown"]
    headers["X-Forwarded-For"] = ", ".join(came_from)
    headers.setdefault("X-Forwarded-Proto", request.scheme)
    if request.method in ("POST", "PUT", "PATCH") and not request.body_exists:
        headers["Content-Length"] = "0"
    return headers


def _passes(name: str, headers: Mapping[str, str]) -> bool:
    """Say whether a header concerns both ends, not one connection."""
    named = {word.strip().lower() for word in headers.get("Connection", "").split(",")}
    return name.lower() not in HOP_BY_HOP and name.lower() not in named


async def _stream(request: web.BaseRequest, upstream: ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=upstream.status, reason=upstream.reason)
    for name, value in upstream.headers.items():
        if _passes(name, upstream.headers):
            response.headers.add(name, value)
    response.headers.setdefault("Server", "calltrack")
    await response.prepare(request)
    try:
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
    except (ClientError, ConnectionError):
        # The rest will never come: the client must see a broken answer, not a short one that looks whole.
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _quiet_log() -> logging.Logger:
    """Return a log that says in one line what went wrong: a broken request may hold a cookie or a number."""
    log = logging.getLogger("calltrack.front")
    if not log.filters:
        log.addFilter(_without_request)
    return log


def _without_request(record: logging.LogRecord) -> bool:
    problem = record.exc_info[1] if record.exc_info else None
    if isinstance(problem, HttpProcessingError):
        record.msg, record.args = f"an unreadable request was refused with {problem.code}", ()
        record.exc_info = record.exc_text = None
    return True


async def serve(port: int, ports: Mapping[str, int], stop: asyncio.Event) -> None:
    """Serve on a port of the loopback interface until told to stop."""
    session = ClientSession(
        connector=TCPConnector(limit=0, force_close=True),  # a kept connection may just be closing
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        request_class=ExactRequest,
        timeout=ClientTimeout(total=None, sock_connect=1, sock_read=300),
    )
    async with session:
        door = FrontDoor(Routes(ports), session)
        # Bodies pass as they came: unpacked here, a packed one would not be what its headers say.
        server = web.Server(
            door.answer,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            logger=_quiet_log(),
        )
        runner = web.ServerRunner(server, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, reuse_port=False).start()
        await stop.wait()
        await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> int:
    """Read `--port` and `--routes` and serve until a signal comes."""
    parser = argparse.ArgumentParser(description="Pass requests on by path prefix.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--routes", type=json.loads, required=True, help='JSON: {"/voice/": 8001, "/": 8002}')
    words = parser.parse_args(arguments)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(until_told_to_stop(lambda stop: serve(words.port, words.routes, stop)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
