"""The one door to other people's servers: bounded in time and size, never to a private address.

Every outgoing HTTP request of calltrack goes through `HttpDoor.send`. The guard sits where the connection is
made: the name is resolved once, every address must be global unicast, and the connection goes to the
checked address, so a name that resolves differently a moment later changes nothing. A redirect is an answer;
it is not followed.
"""

import contextvars
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Final, Literal

import httpcore
import httpx

from calltrack.infra.addresses import is_public, resolve

GUARDED_PORTS = frozenset({443, 8443})
MAX_ANSWER = 1_000_000
_OWN_HEADERS: Final = (
    (b"accept", b"*/*"),
    (b"accept-encoding", b"identity"),
    (b"connection", b"keep-alive"),
    (b"user-agent", b"calltrack/1"),
)

Resolver = Callable[[str, int], list[str]]
_deadline: contextvars.ContextVar[float] = contextvars.ContextVar("http_deadline")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as a value. Its body may hold personal data and its headers secrets: never log it."""

    method: Literal["GET", "POST", "DELETE"]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer as a value; header names are lower case. `truncated`: it was longer than the door lets in."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    truncated: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class HttpFailure:
    """No answer. refused: address not allowed · unsent: nobody was reached · unknown: it may have arrived."""

    kind: Literal["refused", "unsent", "unknown"]
    message: str
    seconds: float = 0.0


class AddressRefusedError(Exception):
    """The guard let no connection be made."""


class HttpDoor:
    """Sends requests over kept-alive connections; one per process, shared by its threads.

    `allow_private` switches the guard off and lets plain http through: for the sandbox and tests only.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        total_seconds: float = 15.0,
        connect_seconds: float = 5.0,
        max_answer: int = MAX_ANSWER,
        resolver: Resolver = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._total_seconds = total_seconds
        self._max_answer = max_answer
        self._waits = {
            "connect": connect_seconds, "read": total_seconds, "write": total_seconds, "pool": total_seconds,
        }  # fmt: skip
        # The pool itself and not a client over it: a request costs half as much.
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or _certificates(),
            max_connections=128,
            max_keepalive_connections=64,
            keepalive_expiry=20.0,
            network_backend=_GuardedNetwork(resolver, allow_private),
        )

    def send(self, request: HttpRequest, *, total_seconds: float | None = None) -> HttpAnswer | HttpFailure:
        """Send it once and return the answer, or why there is none; the network never makes it raise."""
        limit = total_seconds or self._total_seconds
        started = time.monotonic()
        token = _deadline.set(started + limit)
        try:
            url = _parsed(request.url)
            self._check(url)
            return self._exchange(request, url, started)
        except (AddressRefusedError, httpcore.UnsupportedProtocol, httpx.InvalidURL, UnicodeError) as error:
            return HttpFailure("refused", str(error), time.monotonic() - started)
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            return HttpFailure("unsent", _words(error), time.monotonic() - started)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            return HttpFailure("unknown", _words(error), time.monotonic() - started)
        finally:
            _deadline.reset(token)

    def close(self) -> None:
        """Close the kept-alive connections."""
        self._pool.close()

    def _check(self, parsed: httpx.URL) -> None:
        if not parsed.host:
            raise AddressRefusedError("it names no host")
        if parsed.userinfo:
            raise AddressRefusedError("it holds a user name or password")
        if self._allow_private:
            return
        if parsed.scheme != "https":
            raise AddressRefusedError("only https is allowed")
        if (parsed.port or 443) not in GUARDED_PORTS:
            raise AddressRefusedError(f"port {parsed.port} is not allowed")

    def _exchange(self, request: HttpRequest, url: httpx.URL, started: float) -> HttpAnswer:
        outgoing = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=_headers(request, url),
            content=request.body or None,
            extensions={"timeout": self._waits},
        )
        answer = self._pool.handle_request(outgoing)
        try:
            body = bytearray()
            # As it comes: a small compressed answer could unpack to gigabytes, and none was asked for.
            for chunk in answer.iter_stream():
                body += chunk
                if len(body) > self._max_answer:
                    break
            return HttpAnswer(
                status=answer.status,
                headers=dict(httpx.Headers(answer.headers).items()),
                body=bytes(body[: self._max_answer]),
                truncated=len(body) > self._max_answer,
                seconds=time.monotonic() - started,
            )
        finally:
            answer.close()


@lru_cache(maxsize=512)
def _parsed(url: str) -> httpx.URL:
    """Read an address; a destination's is the same at every request. Raises httpx.InvalidURL."""
    return httpx.URL(url)


def _headers(request: HttpRequest, url: httpx.URL) -> list[tuple[bytes, bytes]]:
    """Return the request's headers and those every request has; its own win."""
    given = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in request.headers.items()]
    names = {name for name, _ in given}
    own = ((b"host", url.netloc), *_OWN_HEADERS)
    headers = [*(one for one in own if one[0] not in names), *given]
    if (request.body or request.method == "POST") and b"content-length" not in names:
        headers.append((b"content-length", str(len(request.body)).encode()))
    return headers


def _words(error: Exception) -> str:
    """Name the failure without its text, which may quote the request."""
    return {
        "ConnectError": "no connection",
        "ConnectTimeout": "no connection in time",
        "PoolTimeout": "all connections were busy",
        "ReadTimeout": "no answer in time",
        "WriteTimeout": "it could not be sent in time",
        "RemoteProtocolError": "the connection was closed without an answer",
    }.get(type(error).__name__, f"the connection broke ({type(error).__name__})")


def _left() -> float:
    return max(_deadline.get(time.monotonic() + 5.0) - time.monotonic(), 0.001)


def _bounded(timeout: float | None) -> float:
    return _left() if timeout is None else min(timeout, _left())


class _BoundedStream(httpcore.NetworkStream):
    """A stream whose every wait ends at the request's deadline, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _bounded(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _bounded(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, _bounded(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@cache
def _certificates() -> ssl.SSLContext:
    """Read the machine's certificates once: it takes longer than most requests."""
    return ssl.create_default_context()


class _GuardedNetwork(httpcore.NetworkBackend):
    """Makes connections only to addresses it has checked itself."""

    def __init__(self, resolver: Resolver, allow_private: bool) -> None:
        self._resolver = resolver
        self._allow_private = allow_private
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = self._resolver(host, port)
        except OSError as error:
            raise httpcore.ConnectError("the name does not resolve") from error
        if not self._allow_private and not all(is_public(address) for address in addresses):
            raise AddressRefusedError("it leads to an address that is not public")
        for address in addresses:
            try:
                stream = self._sockets.connect_tcp(
                    address, port, _bounded(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            return _BoundedStream(stream)
        raise httpcore.ConnectError("no address answered")
