"""A load generator that costs little: raw HTTP/1.1 over asyncio protocols, keep-alive, prepared requests."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

WARM_UP_SECONDS = 1.5


@dataclass
class Report:
    """What came back: seconds each answer took, and how many answers had which status."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    answered: int = 0
    """All answers, those while it got warm included."""
    processor: float = 0.0
    """Seconds of processor time of the server and its database for all answers."""

    @property
    def per_answer(self) -> float:
        """Milliseconds of processor time for one answer."""
        return self.processor / self.answered * 1000

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, part: float) -> float:
        """Return the latency in milliseconds that `part` of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1000

    def expect(self, *statuses: int) -> "Report":
        """Stop the bench when other answers than these came back: their speed means nothing."""
        if set(self.statuses) - set(statuses) or not self.latencies:
            raise SystemExit(f"The bench expected {statuses}, but got {dict(self.statuses)}.")
        return self


Figure = Callable[[Report], float]


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return the bytes of a request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def closed_loop(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    processor: Callable[[int], float] = lambda _: 0.0,
) -> Report:
    """Keep so many connections busy, each sending its next request when the answer is there."""
    warm, measured = Report(), Report()
    before = processor(port)
    asyncio.run(_closed_loop(port, iter(_endless(requests)), connections, seconds, warm, measured))
    measured.processor = processor(port) - before
    measured.answered = len(warm.latencies) + len(measured.latencies)
    return measured


def paced(
    port: int, requests: Sequence[bytes], *, per_second: float, connections: int, seconds: float
) -> Report:
    """Send at a steady pace whatever the answers do; a late answer counts from when it was due to be sent."""
    report = Report()
    asyncio.run(_paced(port, iter(_endless(requests)), per_second, connections, seconds, report))
    return report


def _endless(requests: Sequence[bytes]):  # type: ignore[no-untyped-def]  # a generator of bytes
    while True:
        yield from requests


class _Line(asyncio.Protocol):
    """One connection; an answer ends with its Content-Length, a 204 with its head."""

    def __init__(self, done) -> None:  # type: ignore[no-untyped-def]  # callback(line, status, seconds)
        self.done = done
        self.began = 0.0
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def send(self, request: bytes, began: float | None = None) -> None:
        self.began = time.perf_counter() if began is None else began
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        status = int(self._got[9:12])
        length = 0
        if status != 204:
            at = self._got.lower().find(b"content-length:", 0, end + 2)
            length = int(self._got[at + 15 : self._got.index(b"\r", at)])
        if len(self._got) >= end + 4 + length:
            self._got = b""
            self.done(self, status, time.perf_counter() - self.began)

    def connection_lost(self, exc: Exception | None) -> None:
        self._got = b""


async def _closed_loop(port, requests, connections, seconds, warm, measured) -> None:  # type: ignore[no-untyped-def]
    loop = asyncio.get_running_loop()
    begins = time.perf_counter() + WARM_UP_SECONDS
    ends = begins + seconds

    def done(line: _Line, status: int, took: float) -> None:
        now = time.perf_counter()
        if now < ends:
            report = warm if now < begins else measured
            report.latencies.append(took)
            report.statuses[status] += 1
            line.send(next(requests))

    lines = [
        (await loop.create_connection(lambda: _Line(done), "127.0.0.1", port))[1] for _ in range(connections)
    ]
    for line in lines:
        line.send(next(requests))
    await asyncio.sleep(WARM_UP_SECONDS + seconds + 0.3)
    measured.seconds = seconds
    for line in lines:
        line.transport.close()


async def _paced(port, requests, per_second, connections, seconds, report) -> None:  # type: ignore[no-untyped-def]
    loop = asyncio.get_running_loop()
    idle: list[_Line] = []
    waiting: list[tuple[bytes, float]] = []

    def done(line: _Line, status: int, took: float) -> None:
        report.latencies.append(took)
        report.statuses[status] += 1
        if waiting:
            line.send(*waiting.pop(0))
        else:
            idle.append(line)

    for _ in range(connections):
        idle.append((await loop.create_connection(lambda: _Line(done), "127.0.0.1", port))[1])
    lines = list(idle)
    begins = time.perf_counter()
    for place in range(int(per_second * seconds)):
        due = begins + place / per_second
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        if idle:
            idle.pop().send(next(requests), due)
        else:
            waiting.append((next(requests), due))
    await asyncio.sleep(1)
    report.seconds = seconds
    for line in lines:
        line.transport.close()
