"""The faults of the call storm: what goes wrong while people call, and over which way their calls come."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from calltrack.sandbox.carrier import SimulatedNumber
from calltrack.sandbox.carrier.signing import sign
from tests.chaos.call_late import shown_to_two
from tests.chaos.call_numbers import lead_elsewhere, repaired
from tests.chaos.call_rig import PATIENCE, Rig
from tests.chaos.call_weather import Weather
from tests.chaos.small_disk import full
from tests.chaos.voice_rig import free_port, frozen, wait_until
from tests.plain import PLAIN

Manner = dict[str, Any]
CALM = Weather()


@dataclass
class Road:
    """How calls come to us while a fault lasts."""

    weather: Weather = CALM
    via: Mapping[str, str] = field(default_factory=dict)
    elsewhere: bool = False
    """The carrier's second address is files on another machine; else it is ours."""
    manner: Callable[[random.Random], Manner] = lambda chance: {}
    """How the carrier tells of a call."""
    number: Callable[[str], SimulatedNumber] | None = None
    """The number of a flow as the carrier has it, where that is not as it should be."""
    keeps_everything: bool = True
    """What we answered is stored with all its steps; not where no disk took it."""
    look: Callable[[list[str]], list[str]] | None = None
    """Looks at the calls (by their sids) while the fault still stands."""
    tells_all: bool = True
    """What the network says of each phone arrives; the carrier's own list does not have it."""
    is_usual: bool = True
    """Phones hear of a call what they hear in calm weather."""
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Fault:
    """One fault by its number in the list of faults."""

    number: str
    name: str
    begin: Callable[[Rig, random.Random], AbstractContextManager[Road]]


@contextmanager
def doubled(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """Every other request comes twice."""
    yield Road(Weather(doubled=0.5), manner=lambda chance: {"duplicates": 0.6})


@contextmanager
def shuffled(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """Reports come in any order, the end before the beginning."""
    yield Road(manner=lambda chance: {"order": chance.choice(("shuffled", "reversed")), "duplicates": 0.3})


@contextmanager
def late(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """Half of the reports come when the carrier's list has closed the call already."""
    yield Road(Weather(late=0.5), manner=lambda chance: {"order": chance.choice(("fifo", "shuffled"))})


@contextmanager
def lost(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """A third of the reports never come, ends above all."""
    yield Road(manner=lambda chance: {"drop": 0.3, "lose_end": chance.random() < 0.5}, tells_all=False)


@contextmanager
def foreign(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """Among the callers somebody signs with another company's token, or forges."""
    road = Road()
    yield road
    number = rig.number("by its settings")
    stranger = rig.stranger
    url = number.voice_url.partition("#")[0]
    for account, token in (
        (stranger.account_sid, stranger.auth_token),
        (rig.company.account_sid, stranger.auth_token),
        (rig.company.account_sid, "forged"),
    ):
        for hook in ("", "/status", "/dialed", "/leg", "/fallback"):
            fields = {
                "CallSid": "CA" + "f" * 32, "AccountSid": account, "From": "+393471234567", "To": number.e164,
                "CallStatus": "completed", "DialCallStatus": "completed",
            }  # fmt: skip
            answer = PLAIN.post(
                url + hook, data=fields, headers={"X-Twilio-Signature": sign(url + hook, fields, token)}
            )
            if answer.status_code != 403:
                road.problems.append(f"a foreign request to {hook or '/'} got {answer.status_code}")


@contextmanager
def database_stopped(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """PostgreSQL is stopped."""
    rig.postgres.stop()
    try:
        yield Road(manner=lambda chance: {"order": chance.choice(("fifo", "shuffled")), "duplicates": 0.2})
    finally:
        rig.postgres.start()


@contextmanager
def database_frozen(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """PostgreSQL takes connections and answers nobody."""
    with frozen(rig.postgres):
        yield Road(manner=lambda chance: {"order": chance.choice(("fifo", "shuffled"))})


@contextmanager
def processes_down(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """The voice process dies again and again; the files of the reverse proxy answer meanwhile."""
    over = threading.Event()

    def restart() -> None:
        while not over.is_set():
            rig.voice.kill() if chance.random() < 0.7 else rig.voice.stop()
            over.wait(0.2)
            rig.start_voice()
            over.wait(1.5)

    restarting = threading.Thread(target=restart)
    restarting.start()
    try:
        yield Road(via={rig.origin: rig.front}, tells_all=False)
    finally:
        over.set()
        restarting.join(PATIENCE * 2)


@contextmanager
def machine_down(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """Nothing of ours can be reached: files on another machine answer."""
    yield Road(via={rig.origin: f"http://127.0.0.1:{free_port()}"}, elsewhere=True)


@contextmanager
def cold_start(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """The voice process starts with a dead database and knows nothing."""
    rig.voice.kill()
    for name in ("routes.json", "guard.json"):
        (rig.settings.data_dir / name).unlink(missing_ok=True)
    rig.postgres.stop()
    try:
        rig.start_voice()
        yield Road(elsewhere=True)
    finally:
        rig.postgres.start()
        wait_until(lambda: _knows_routes(rig), PATIENCE)


def _knows_routes(rig: Rig) -> bool:
    """A process without routes answers 503, one with routes refuses what is not signed."""
    url = rig.number("by its settings").voice_url.partition("#")[0]
    with suppress(httpx.TransportError):
        return PLAIN.post(url, timeout=5).status_code == 403
    return False


@contextmanager
def shaky_way(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """Requests are refused, broken or answered in vain; the second address is ours."""
    yield Road(Weather(refused=0.1, broken=0.1, unheard=0.06, doubled=0.1), tells_all=False)


@contextmanager
def shaky_way_with_files(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """The same, and the second address is files elsewhere."""
    yield Road(Weather(refused=0.15, broken=0.15, unheard=0.06), elsewhere=True, tells_all=False)


@contextmanager
def redis_stopped(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """Redis is stopped."""
    rig.redis.stop()
    try:
        yield Road(manner=lambda chance: {"duplicates": 0.2})
    finally:
        rig.redis.start()


@contextmanager
def clocks_differ(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """The carrier's clock is up to ten minutes before or behind ours."""
    now = rig.services.clock()
    yield Road(manner=lambda chance: {"at": now + timedelta(seconds=chance.randint(-600, 600))})


@contextmanager
def spool_full(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """The spool's disk is full; the database lives."""
    with full(rig.settings.data_dir, rig.voice.pid):
        yield Road()


@contextmanager
def no_room_at_all(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """The database is away and the spool's disk is full: nothing can be kept."""
    rig.postgres.stop()
    try:
        with full(rig.settings.data_dir, rig.voice.pid):
            yield Road(keeps_everything=False)
    finally:
        rig.postgres.start()


@contextmanager
def reassigned(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """Every number was given to another visitor a minute ago, and callers of the last one dial it."""
    with shown_to_two(rig) as look:
        yield Road(look=look, is_usual=False)


@contextmanager
def wrong_address(rig: Rig, chance: random.Random) -> Iterator[Road]:
    """At the carrier every number leads to a wrong address; the check says so, and they are repaired."""
    numbers = lead_elsewhere(rig, f"http://127.0.0.1:{free_port()}/wrong")
    road = Road(number=numbers.__getitem__)
    yield road
    road.problems += repaired(rig)


FAULTS = (
    Fault("F1", "requests doubled", doubled),
    Fault("F2", "reports in any order", shuffled),
    Fault("F3", "reports late", late),
    Fault("F4", "reports lost", lost),
    Fault("F5", "foreign signatures", foreign),
    Fault("F6", "database stopped", database_stopped),
    Fault("F7", "database frozen", database_frozen),
    Fault("F8", "voice process killed and restarted", processes_down),
    Fault("F8", "machine down", machine_down),
    Fault("F8", "shaky way, our second address", shaky_way),
    Fault("F8", "shaky way, files elsewhere", shaky_way_with_files),
    Fault("F9", "cold start, no database", cold_start),
    Fault("F10", "Redis stopped", redis_stopped),
    Fault("F22", "number reassigned a minute ago", reassigned),
    Fault("F23", "wrong address at the carrier", wrong_address),
    Fault("F29", "spool's disk full", spool_full),
    Fault("F29", "database away, spool's disk full", no_room_at_all),
    Fault("R19", "clocks differ", clocks_differ),
)
