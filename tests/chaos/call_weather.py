"""What happens to requests between the carrier and us: lost, doubled, late, refused, or answered in vain."""

from __future__ import annotations

import http.client
import random
import re
import threading
from collections import defaultdict
from dataclasses import dataclass

import httpx

from tests.chaos.file_server import FROM_FILE

OWN_SID, CALL_SID = re.compile(rb"(?:^|&)ParentCallSid=(\w+)"), re.compile(rb"(?:^|&)CallSid=(\w+)")
REPORTS = ("/status", "/leg", "/recording", "/transcription")


@dataclass(frozen=True)
class Weather:
    """Shares of the requests that meet with something, between 0 and 1."""

    doubled: float = 0.0
    """Sent twice: the second answer must be the first one, byte for byte."""
    refused: float = 0.0
    """Nobody takes the connection."""
    broken: float = 0.0
    """Something on the way answers 502; we never see the request."""
    unheard: float = 0.0
    """We take the request, and the carrier never hears our answer."""
    late: float = 0.0
    """Of reports: they come when everything is long over (`Sky.let_go`)."""


class Sky(httpx.BaseTransport):
    """The way of the requests of many calls; nothing happens to the last resort, the second address."""

    def __init__(self, weather: Weather, seed: int) -> None:
        self._own = threading.local()
        self._lines: list[http.client.HTTPConnection] = []
        self._weather = weather
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._kept: list[httpx.Request] = []
        self.by_file: dict[str, list[bool]] = defaultdict(list)
        """For each call and good answer: whether a plain file gave it."""
        self.problems: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one request, or do not."""
        response = self._carried(request)
        found = OWN_SID.search(request.content) or CALL_SID.search(request.content)
        sid = found[1].decode() if found else ""
        if 200 <= response.status_code < 300:
            with self._lock:
                self.by_file[sid].append(FROM_FILE in response.headers)
        return response

    def let_go(self) -> int:
        """Deliver what was late, in any order; returns how many reports that were."""
        self._chance.shuffle(self._kept)
        for request in self._kept:
            answer = self._send(request)
            if answer.status_code != 204:
                self.problems.append(f"a late report was answered with {answer.status_code}")
        count = len(self._kept)
        self._kept.clear()
        return count

    def close(self) -> None:
        """End the connections that the threads of the calls kept."""
        for line in self._lines:
            line.close()

    def _carried(self, request: httpx.Request) -> httpx.Response:
        weather, is_report = self._weather, request.url.path.endswith(REPORTS)
        if request.url.path.endswith("/fallback"):
            return self._send(request)
        with self._lock:
            dice = [self._chance.random() for _ in range(5)]
        if is_report and dice[0] < weather.late:
            with self._lock:
                self._kept.append(request)
            return httpx.Response(204, request=request)
        if dice[1] < weather.refused:
            raise httpx.ConnectError("nobody takes the connection", request=request)
        if dice[2] < weather.broken:
            return httpx.Response(502, request=request)
        response = self._send(request)
        if dice[3] < weather.doubled:
            again = self._send(request)
            if not is_report and again.content != response.content:
                self.problems.append(f"asked twice, answered differently: {request.url.path}")
            response = again
        if dice[4] < weather.unheard:
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return response

    def _send(self, request: httpx.Request) -> httpx.Response:
        """Ask over a plain connection of this thread: thousands of calls share the processors with us."""
        place = (request.url.host, request.url.port or 80)
        lines: dict[tuple[str, int], http.client.HTTPConnection] = self._own.__dict__.setdefault("lines", {})
        kept = lines.pop(place, None)
        try:
            try:
                return _asked(kept or self._line(place), request, place, lines)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                if kept is None:
                    raise
                return _asked(
                    self._line(place), request, place, lines
                )  # The other side had ended it meanwhile.
        except ConnectionRefusedError as problem:
            raise httpx.ConnectError(str(problem), request=request) from None
        except (http.client.HTTPException, OSError) as problem:
            raise httpx.ReadError(str(problem), request=request) from None

    def _line(self, place: tuple[str, int]) -> http.client.HTTPConnection:
        line = http.client.HTTPConnection(*place, timeout=20)
        with self._lock:
            self._lines.append(line)
        return line


def _asked(
    line: http.client.HTTPConnection,
    request: httpx.Request,
    place: tuple[str, int],
    lines: dict[tuple[str, int], http.client.HTTPConnection],
) -> httpx.Response:
    """Make one request; the connection is kept where the other side keeps it."""
    try:
        target = request.url.raw_path.decode()
        line.request(request.method, target, body=request.content, headers=dict(request.headers))
        answer = line.getresponse()
        content = answer.read()
    except BaseException:
        line.close()
        raise
    if answer.will_close:
        line.close()
    else:
        lines[place] = line
    return httpx.Response(answer.status, headers=answer.getheaders(), content=content, request=request)
