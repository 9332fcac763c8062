"""What goes on beside the calls, each kind in a process of its own: the measuring one is not slowed.

python -m tests.bench.beside pages|viewers|reports, with its values as JSON on standard input; it goes on
until that input ends, then says in a line how much there was.
"""

import asyncio
import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from calltrack.commands.serve import NICE
from calltrack.infra.db import Database
from tests.bench import load
from tests.bench.context import ROOT

LONGEST_REPORT_MS = 15_000


@contextmanager
def going_on(kind: str, done: list[str], **values: object) -> Iterator[None]:
    """Keep it going for the block; then `done` gets its line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.beside", kind],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(values) + "\n")
    process.stdin.flush()
    try:
        yield
    finally:
        said, _ = process.communicate(timeout=60)
        done.append(said.strip())
    if process.returncode:
        raise SystemExit(f"{kind} stopped: {said}")


def packed(requests: Sequence[bytes]) -> list[str]:
    """Return requests as text."""
    return [base64.b85encode(request).decode() for request in requests]


def pages(stop: threading.Event, *, port: int, requests: list[str], pace: float) -> str:
    """Load pages at a steady pace."""
    count, slowest = 0, 0.0
    unpacked = [base64.b85decode(request) for request in requests]
    while not stop.is_set():
        report = load.paced(port, unpacked, per_second=pace, connections=16, seconds=2).expect(200)
        count, slowest = count + len(report.latencies), max(slowest, report.percentile(0.99))
    return f"{count} page loads (p99 at most {slowest:.0f} ms)"


def reports(stop: threading.Event, *, url: str, statement: str) -> str:
    """Ask as the web asks, with its priority and its limit of time, again and again."""
    os.nice(NICE["web"])
    db = Database(url, url, statement_timeout_ms=LONGEST_REPORT_MS)
    ended, cut = 0, 0
    while not stop.is_set():
        try:
            with db.shared() as session:
                session.execute(text(statement)).all()
            ended += 1
        except OperationalError:  # The limit: the report is cut, nobody else is.
            cut += 1
    db.close()
    return f"{ended} large reports, {cut} cut after {LONGEST_REPORT_MS // 1000} s"


def viewers(stop: threading.Event, *, port: int, token: str, count: int) -> str:
    """Hold so many live views open and read what they are told."""
    os.nice(NICE["live"])
    heard = asyncio.run(_viewers(port, token, count, stop))
    return f"{len(heard)} viewers, {sum(heard):,} bytes of events"


async def _viewers(port: int, token: str, count: int, stop: threading.Event) -> list[int]:
    request = f"GET /live/stream?token={token} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    async def look() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        if b" 200 " not in await reader.readline():
            raise SystemExit("the live view lets nobody in")
        heard = 0
        while not stop.is_set():
            with suppress(TimeoutError):
                heard += len(await asyncio.wait_for(reader.read(65_536), 0.5))
        writer.close()
        return heard

    return list(await asyncio.gather(*(look() for _ in range(count))))


KINDS: dict[str, Callable[..., str]] = {"pages": pages, "reports": reports, "viewers": viewers}


def _wait_for_the_end(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def main() -> None:
    """Go on until standard input ends."""
    values: dict[str, Any] = json.loads(sys.stdin.readline())
    stop = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(stop,), daemon=True).start()
    print(KINDS[sys.argv[1]](stop, **values))


if __name__ == "__main__":
    main()
