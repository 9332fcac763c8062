"""Runs the product's processes from one terminal: names their output, restarts the dead, stops them all."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import IO, Protocol

from calltrack.infra.forked import Forked, Run, fork
from calltrack.infra.process import ServiceError, die_with_parent

FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
SETTLED = 10.0  # seconds alive after which a child's next death counts as its first
STOP_WITHIN = 8.0
LONGEST_LINE = 65_536
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Service(Protocol):
    """A server the children stand on: started before them, stopped after them."""

    @property
    def running(self) -> bool:
        """Whether it is alive."""

    def start(self) -> None:
        """Start it, or start it again, at the same address."""

    def stop(self) -> None:
        """Stop it."""


@dataclass(frozen=True)
class Command:
    """What one child runs: a program, or `run`, forked from this process."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    run: Run | None = None


class Child:
    """One command, kept running."""

    def __init__(self, command: Command) -> None:
        """Take the command; `start` runs it."""
        self.command = command
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self.deaths = 0
        self._started = 0.0
        self._due = 0.0
        self._line = b""
        self._talks = False

    def start(self) -> None:
        """Run the command in a process group of its own; it gets SIGTERM when this process dies."""
        self._started = time.monotonic()
        command = self.command
        self.process = fork(command.run, command.environment) if command.run else _execute(command)
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self._talks = True

    def bury(self) -> float:
        """After a death: end what its group left behind, return the seconds until it may start again."""
        self.signal_group(signal.SIGKILL)
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        self.deaths = 1 if time.monotonic() - self._started > SETTLED else self.deaths + 1
        wait = min(LONGEST_WAIT, FIRST_WAIT * float(1 << min(self.deaths - 1, 10)))
        self._due = time.monotonic() + wait
        self.process = None
        return wait

    def is_due(self) -> bool:
        """Say whether it is down and its wait is over."""
        return self.process is None and time.monotonic() >= self._due

    def signal_group(self, sig: signal.Signals) -> None:
        """Send a signal to the command and all its own children."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, sig)
            except ProcessLookupError:
                return

    @property
    def output(self) -> IO[bytes] | None:
        """What it prints, None when it does not run or has closed its output."""
        return self.process.stdout if self.process is not None and self._talks else None

    def lines(self) -> Iterator[str]:
        """Return the whole lines it has printed since the last look, at the end also an unfinished one."""
        while output := self.output:
            try:
                chunk = os.read(output.fileno(), LONGEST_LINE)
            except BlockingIOError:
                return
            self._talks = bool(chunk)
            *whole, self._line = (self._line + chunk).split(b"\n")
            if self._line and (not chunk or len(self._line) > LONGEST_LINE):
                whole, self._line = [*whole, self._line], b""
            yield from (line.decode(errors="replace") for line in whole)


def _execute(command: Command) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own words, no shell
        list(command.words),
        env=dict(command.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )


class Supervisor:
    """Keeps services and commands running until a signal or `stop` says otherwise."""

    def __init__(self, services: Mapping[str, Service], say: Callable[[str], None] | None = None) -> None:
        """Take the services by name, running already, and where lines go (standard output)."""
        self._services = dict(services)
        self._revive_at: dict[str, float] = {}
        self._say = say or _print
        self.children: list[Child] = []
        self.stopping = False

    def add(self, command: Command) -> Child:
        """Start a command and keep it running."""
        child = Child(command)
        child.start()
        self.children.append(child)
        return child

    def run(self) -> None:
        """Watch until somebody wants to stop; `close` then ends everything."""
        while not self.stopping:
            self.step(0.25)

    def step(self, seconds: float) -> None:
        """Print what was said, restart what died, wait no longer than this for news."""
        self._pump(seconds)
        for child in self.children:
            code = child.process.poll() if child.process is not None else None
            if code is not None:
                self._speak(child)
                if not self.stopping:
                    wait = child.bury()
                    self._note(f"{child.command.name} ended ({_why(code)}); it starts again in {wait:.1f} s")
            elif child.is_due() and not self.stopping:
                child.start()
        self._revive_services()

    def close(self) -> None:
        """Stop the children (TERM, after 8 s KILL), then the services in reverse order."""
        self.stopping = True
        self._signal_all(signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN
        while self._alive() and time.monotonic() < deadline:
            self._pump(0.05)
        for child in self.children:
            if child.process is not None:
                child.signal_group(signal.SIGKILL)
                child.process.wait()
                self._speak(child)
                child.bury()
        for service in reversed(self._services.values()):
            service.stop()

    @contextmanager
    def signals_stop_it(self) -> Iterator[None]:
        """Within this block Ctrl-C, TERM and a closed terminal ask for a stop; a second one kills at once."""
        before = {sig: signal.signal(sig, self._heard) for sig in SIGNALS}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.stopping:
            self._signal_all(signal.SIGKILL)
        self.stopping = True

    def _signal_all(self, sig: signal.Signals) -> None:
        for child in self.children:
            child.signal_group(sig)

    def _alive(self) -> bool:
        return any(child.process is not None and child.process.poll() is None for child in self.children)

    def _revive_services(self) -> None:
        for name, service in self._services.items():
            if self.stopping or service.running or time.monotonic() < self._revive_at.get(name, 0):
                continue
            self._note(f"{name} is down; starting it again")
            try:
                service.start()
            except (ServiceError, OSError) as problem:
                # The children go on meanwhile: calls are connected and spooled without any server.
                self._note(f"{name} did not start, the next try is in {LONGEST_WAIT:.0f} s: {problem}")
                self._revive_at[name] = time.monotonic() + LONGEST_WAIT

    def _pump(self, seconds: float) -> None:
        with selectors.DefaultSelector() as ready:
            for child in self.children:
                if child.output is not None:
                    ready.register(child.output, selectors.EVENT_READ, child)
            for key, _ in ready.select(seconds):
                self._speak(key.data)

    def _speak(self, child: Child) -> None:
        for line in child.lines():
            self._say(f"{child.command.name:8} | {line}")

    def _note(self, sentence: str) -> None:
        self._say(f"{'stack':8} | {sentence}")


def _why(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _print(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads any more (`make demo | head`): the product keeps running, silently.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
