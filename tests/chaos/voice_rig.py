"""A real voice process under Granian beside a PostgreSQL of its own, which can be frozen and stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from calltrack.config import Settings
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.kernel.ids import new_id
from calltrack.sandbox.carrier import CallScript, SimulatedNumber
from calltrack.sandbox.carrier.signing import sign
from calltrack.telephony.twilio import for_lookups, for_reports
from tests.builders import Company
from tests.plain import PLAIN

ROOT = Path(__file__).parents[2]
CALLER = "+393471234567"


class VoiceProcess:
    """One Granian server on a free port, in a process of its own."""

    def __init__(self, settings: Settings, port: int) -> None:
        self.port = port
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None
        return self._process.pid

    def start(self, *, asks: bool = True) -> None:
        """Start it and wait until it answers; without `asks` return at once, nothing was asked yet."""
        options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port)]
        options += ["--workers", "1", "--blocking-threads", "8", "--no-ws", "--log-level", "warning"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "granian", *options, "tests.chaos.voice_process:application"],
            cwd=ROOT,
            env=os.environ | environment_of(self.settings) | {"PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        if asks:
            wait_until(self._answers, 30)

    def stop(self) -> None:
        """End it as an operator would."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as the kernel would: no goodbye, no clean-up."""
        self._signal(signal.SIGKILL)

    def _signal(self, which: signal.Signals) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, which)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the voice process ended"
        try:
            return PLAIN.get(f"{self.base_url}/nothing", timeout=1).status_code == 404
        except httpx.TransportError:
            return False


@dataclass(frozen=True)
class Answered:
    """One request of the carrier and how long the caller waited."""

    sid: str
    status: int
    seconds: float
    document: str


class Caller:
    """Rings the first number of a company over real sockets, signed."""

    def __init__(self, voice: VoiceProcess, company: Company) -> None:
        self._voice = voice
        self._company = company
        self.http = httpx.Client(timeout=30)

    @property
    def number(self) -> SimulatedNumber:
        """The company's first number as the carrier knows it."""
        base = f"{self._voice.base_url}/voice/{self._company.number_ids[0].hex}"
        return SimulatedNumber(
            e164=self._company.numbers[0],
            voice_url=base,
            voice_fallback_url=f"{base}/fallback",
            status_callback=f"{base}/status",
            account_sid=self._company.account_sid,
        )

    def number_with_retries(self) -> SimulatedNumber:
        """The same number with the retry rules its addresses carry at the carrier."""
        number = self.number
        return replace(
            number,
            voice_url=for_lookups(number.voice_url),
            voice_fallback_url=for_lookups(number.voice_fallback_url or ""),
            status_callback=for_reports(number.status_callback or ""),
        )

    def script(self, **more: object) -> CallScript:
        """Return a call to that number; answered and talked for three minutes unless told otherwise."""
        return CallScript(from_=CALLER, to=self.number.e164, **more)  # type: ignore[arg-type]  # a builder

    def ring(self) -> Answered:
        """Make the first request of a call."""
        sid = "CA" + new_id().hex
        fields = {
            "CallSid": sid,
            "AccountSid": self._company.account_sid,
            "From": CALLER,
            "To": self.number.e164,
            "CallStatus": "ringing",
            "Direction": "inbound",
        }
        url = self.number.voice_url
        began = time.perf_counter()
        answer = self.http.post(
            url, data=fields, headers={"X-Twilio-Signature": sign(url, fields, self._company.auth_token)}
        )
        return Answered(sid, answer.status_code, time.perf_counter() - began, answer.text)

    def ring_together(self, count: int) -> list[Answered]:
        """Make the first requests of so many calls at once."""
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: self.ring(), range(count)))


@contextmanager
def frozen(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Freeze the server and all its processes: sockets stay open, nobody answers."""
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGSTOP)
    family = [postgres.pid, *children_of(postgres.pid)]
    for pid in family[1:]:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(family):
            os.kill(pid, signal.SIGCONT)


def children_of(pid: int) -> list[int]:
    """Return the direct children of a process."""
    return [
        int(word)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for word in (task / "children").read_text().split()
    ]


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_true: Callable[[], bool], seconds: float) -> None:
    """Wait for something to become true; fails the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def p90(seconds: list[float]) -> float:
    """Return the time nine of ten callers waited at most."""
    return sorted(seconds)[int(len(seconds) * 0.9) - 1]


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables under which another process reads the same settings."""
    fields = type(settings).model_fields
    values = {name: (field.alias, getattr(settings, name)) for name, field in fields.items() if field.alias}
    return {
        str(alias): value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        for alias, value in values.values()
        if value not in (None, "")
    }
