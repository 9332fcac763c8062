"""The whole product from one command: services, preparation, processes, the front door, and its end."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calltrack.infra import front
from calltrack.infra.embedded import EmbeddedPostgres, EmbeddedRedis
from calltrack.infra.forked import Run, fork
from calltrack.infra.process import ServiceError
from calltrack.infra.supervisor import Command, Service, Supervisor

READY_WITHIN = 60.0


@dataclass(frozen=True)
class Part:
    """One process of the product; `paths` are what the front door passes to it.

    `words` start it by hand; `run`, where given, is the same forked from the process that starts all parts.
    """

    name: str
    words: Sequence[str]
    paths: Sequence[str] = ()
    ready_path: str = ""
    count: int = 1
    run: Run | None = None

    @property
    def listens(self) -> bool:
        """Whether it serves HTTP and so needs a port."""
        return bool(self.paths or self.ready_path)


@dataclass(frozen=True)
class Stack:
    """What to run, and with which settings; addresses left empty mean embedded servers in the data folder."""

    parts: Sequence[Part]
    port: int
    data_dir: Path
    environment: Mapping[str, str]
    database_url: str = ""
    redis_url: str = ""
    prepare: Sequence[Part] = ()
    on_addresses: Callable[[Mapping[str, str]], None] = field(default=lambda addresses: None)
    on_up: Callable[[], None] = field(default=lambda: None)


def run_stack(stack: Stack) -> int:
    """Run everything until Ctrl-C or SIGTERM; return the exit code.

    `prepare` commands (migrations) run once the services are up and before any part. `on_addresses` hears the
    environment variables of the embedded servers, `on_up` is called when every part answers.
    """
    try:
        ports = _ports(stack)
        services, addresses = _services(stack)
    except ServiceError as problem:
        print(f"calltrack cannot start: {problem}", file=sys.stderr)
        return 1
    supervisor = Supervisor(services)
    with supervisor.signals_stop_it():
        try:
            for service in services.values():
                service.start()
            environment = {**stack.environment, **addresses()}
            stack.on_addresses(addresses())
            _prepare(stack, environment)
            _start(stack, supervisor, ports, environment)
            _wait_until_up(stack, supervisor, ports)
            if not supervisor.stopping:
                stack.on_up()
                print(f"calltrack is up: http://127.0.0.1:{stack.port}", flush=True)
            supervisor.run()
        except (ServiceError, PermissionError) as problem:
            print(f"calltrack cannot start: {_advice(problem, stack.data_dir)}", file=sys.stderr)
            return 1
        finally:
            supervisor.close()
    return 0


def _advice(problem: Exception, data_dir: Path) -> str:
    if isinstance(problem, PermissionError):
        return (
            f"{problem}. Does {data_dir.absolute()} belong to another user? Start as that user, or chown it."
        )
    return str(problem)


def _services(stack: Stack) -> tuple[dict[str, Service], Callable[[], dict[str, str]]]:
    """Return the embedded servers for what has no address, and a function that tells their addresses."""
    postgres = None if stack.database_url else EmbeddedPostgres(stack.data_dir)
    redis = None if stack.redis_url else EmbeddedRedis(stack.data_dir)

    def addresses() -> dict[str, str]:
        found: dict[str, str] = {}
        if postgres:
            found |= {"DATABASE_URL": postgres.app_url, "DATABASE_OWNER_URL": postgres.owner_url}
            found |= {"DATABASE_SYSTEM_URL": postgres.system_url}
        if redis:
            found["REDIS_URL"] = redis.url
        return found

    services: dict[str, Service] = {}
    if postgres:
        services["postgres"] = postgres
    if redis:
        services["redis"] = redis
    return services, addresses


def _ports(stack: Stack) -> dict[str, int]:
    """Return a free local port per listening part; PORT itself must be free for the front door.

    They start 10,000 above (or below) PORT, away from the ports the system hands out for a moment.
    """
    if not _is_free(stack.port):
        raise ServiceError(
            f"port {stack.port} is taken. Stop the program that listens there (another calltrack?), "
            f"or choose another port: PORT={stack.port + 1 if stack.port < 65_535 else 8000}"
        )
    first = stack.port + 10_000 if stack.port < 55_000 else stack.port - 10_000
    free = (port for port in range(first, first + 500) if _is_free(port))
    return {part.name: next(free) for part in stack.parts if part.listens}


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except PermissionError:
            raise ServiceError(f"port {port} is reserved for root: set PORT to 1024 or more.") from None
        except OSError:
            return False
    return True


def _prepare(stack: Stack, environment: Mapping[str, str]) -> None:
    for step in stack.prepare:
        if _finish(step, environment) != 0:
            raise ServiceError(f"`{' '.join(step.words)}` failed; its lines above say why.")


def _finish(step: Part, environment: Mapping[str, str]) -> int:
    if step.run:
        return fork(step.run, environment, piped=False).wait()
    return subprocess.run(list(step.words), env=dict(environment), check=False).returncode  # noqa: S603 - ours


def _start(
    stack: Stack, supervisor: Supervisor, ports: Mapping[str, int], environment: Mapping[str, str]
) -> None:
    for part in stack.parts:
        own = {"PORT": str(ports[part.name])} if part.listens else {}
        for _ in range(part.count):
            supervisor.add(Command(part.name, part.words, {**environment, **own}, part.run))
    routes = {path: ports[part.name] for part in stack.parts for path in part.paths}
    words = ["--port", str(stack.port), "--routes", json.dumps(routes)]
    supervisor.add(Command("front", ("front", *words), environment, lambda: front.main(words)))


def _wait_until_up(stack: Stack, supervisor: Supervisor, ports: Mapping[str, int]) -> None:
    waiting = {part.name: (ports[part.name], part.ready_path) for part in stack.parts if part.listens}
    waiting["front"] = (stack.port, "")
    deadline = time.monotonic() + READY_WITHIN
    while waiting and not supervisor.stopping:
        supervisor.step(0.03)
        waiting = {name: where for name, where in waiting.items() if not _answers(*where)}
        dying = [child.command.name for child in supervisor.children if child.deaths >= 5]
        if dying:
            raise ServiceError(f"{dying[0]} keeps ending; its lines above say why.")
        if time.monotonic() > deadline:
            late = ", ".join(waiting)
            raise ServiceError(f"{late} did not answer within {READY_WITHIN:.0f} s; the lines above say why.")


def _answers(port: int, ready_path: str) -> bool:
    """Say whether a part is ready: its path answers 2xx, or, without a path, the port takes connections."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.connect()
        if not ready_path:
            return True
        connection.request("GET", ready_path)
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
