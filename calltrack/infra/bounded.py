"""PostgreSQL connections whose every wait ends: for paths on which a caller is waiting.

A frozen server answers nothing, so `statement_timeout` cannot help: the bound stands on our side of the
socket. Connections are made by one background thread (`BoundedPool.refill`), never by a request.
"""

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import psycopg
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus

from calltrack.infra.direct import checked

T = TypeVar("T")
CONNECT_SECONDS = 3
_NAMED: Final = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Fixed:
    """A statement of the hot path: its values go out as text, in the order of `names`."""

    name: bytes
    words: bytes
    names: tuple[str, ...]


def fixed(name: str, words: str, types: Mapping[str, str]) -> Fixed:
    """Make a fixed statement of one in psycopg's style; `types` names each value's type in PostgreSQL."""
    names = tuple(dict.fromkeys(_NAMED.findall(words)))
    places = {one: f"${place + 1}::{types[one]}" for place, one in enumerate(names)}
    return Fixed(name.encode(), _NAMED.sub(lambda found: places[found[1]], words).encode(), names)


def _words_of_list(values: list[str]) -> bytes:
    quoted = ('"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in values)
    return f"{{{','.join(quoted)}}}".encode()


_AS_TEXT: Final[dict[type, Callable[[Any], bytes | None]]] = {
    type(None): lambda _: None,
    str: str.encode,
    UUID: lambda value: str(value).encode(),
    datetime: lambda value: value.isoformat().encode(),
    bytes: lambda value: b"\\x" + value.hex().encode(),
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: str(value).encode(),
    list: _words_of_list,
}


def _as_text(value: Any) -> bytes | None:
    """Return a value as PostgreSQL reads it; what has no form of its own goes as Python writes it."""
    write = _AS_TEXT.get(type(value))
    return str(value).encode() if write is None else write(value)


class BoundedConnection(psycopg.Connection[Any]):
    """A connection with a deadline: no statement waits longer, whatever the server does."""

    deadline: float | None = None
    prepared: frozenset[bytes] = frozenset()

    def answer(self, statement: Fixed, values: Mapping[str, Any]) -> list[bytes | None] | None:
        """Run a fixed statement; returns the first row as PostgreSQL's text, None when there is none.

        psycopg's own adaptation of forty values costs as much as all else that is done for a call.

        Raises:
            psycopg.Error: as `execute` would.
        """
        sent = [_as_text(values[name]) for name in statement.names]
        if any(value is not None and b"\x00" in value for value in sent):
            raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        if statement.name not in self.prepared:
            self.pgconn.send_prepare(statement.name, statement.words)
            checked(self.wait(generators.execute(self.pgconn))[-1], ExecStatus.COMMAND_OK)
            self.prepared |= {statement.name}
        self.pgconn.send_query_prepared(statement.name, sent)
        result = self.wait(generators.execute(self.pgconn))[-1]
        checked(result, ExecStatus.TUPLES_OK)
        if not result.ntuples:
            return None
        return [result.get_value(0, column) for column in range(result.nfields)]

    def wait(self, gen: PQGen[T], interval: float = 0.05, timeout: float | None = None) -> T:
        """Wait for the server until the deadline; raises OperationalError when it passes."""
        if self.deadline is not None:
            timeout = max(0.001, self.deadline - time.monotonic())
        return super().wait(gen, interval, timeout)

    def abandon(self) -> None:
        """Close the socket at once, without a word to the server."""
        self.pgconn.finish()


def connect(url: str, seconds: float) -> BoundedConnection:
    """Open a connection in autocommit mode; `seconds` bound each later use until a new deadline is set."""
    connection = BoundedConnection.connect(
        conninfo_of(url), autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="calltrack-voice"
    )
    connection.deadline = time.monotonic() + seconds
    return connection


def conninfo_of(url: str) -> str:
    """Return the address as libpq reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


class BoundedPool:
    """A few connections, lent out for a bounded time; a broken or overdue one is thrown away."""

    def __init__(self, url: str, size: int) -> None:
        """Take the address; nothing connects before `refill`."""
        self._url = url
        self._size = size
        self._idle: queue.SimpleQueue[BoundedConnection] = queue.SimpleQueue()
        self._alive = 0
        self._lock = threading.Lock()

    @property
    def missing(self) -> int:
        """How many connections are to be made."""
        return self._size - self._alive

    @contextmanager
    def lend(self, seconds: float) -> Iterator[BoundedConnection]:
        """Lend a connection for so many seconds, the wait for it included.

        Raises:
            psycopg.OperationalError: none became free, the server went away, or the time is over.
        """
        deadline = time.monotonic() + seconds
        try:
            if self._alive <= 0:
                raise queue.Empty
            connection = self._idle.get(timeout=seconds)
        except queue.Empty:
            raise psycopg.OperationalError("no database connection was free in time") from None
        connection.deadline = deadline
        try:
            yield connection
        finally:
            self._take_back(connection)

    def refill(self) -> None:
        """Make the missing connections; raises psycopg.OperationalError when the server does not answer."""
        while self.missing > 0:
            connection = connect(self._url, CONNECT_SECONDS)
            with self._lock:
                self._alive += 1
            self._idle.put(connection)

    def drop_idle(self) -> None:
        """Throw away every connection that nobody uses (after a failure most of them are broken)."""
        while True:
            try:
                self._discard(self._idle.get_nowait())
            except queue.Empty:
                return

    def _take_back(self, connection: BoundedConnection) -> None:
        """Keep a connection that is ready for the next one; any other state means it is broken or overdue."""
        if connection.closed or connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self._discard(connection)
        else:
            self._idle.put(connection)

    def _discard(self, connection: BoundedConnection) -> None:
        connection.abandon()
        with self._lock:
            self._alive -= 1
