"""Twins on a socket, a courier, and words for what tests of one platform do with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from calltrack.destinations import DESTINATIONS
from calltrack.destinations.outcomes import Class, Reading
from calltrack.destinations.sending import Attempt, Courier
from calltrack.infra.http import HttpAnswer, HttpDoor
from calltrack.sandbox.platforms.accounts import SETTINGS
from tests.destinations.uploads import upload
from tests.plain import PLAIN
from tests.sandbox.platforms.serving import serving

NOW = datetime.now(UTC).replace(microsecond=0)


class TwinWorld:
    """One destination, connected to its running twin."""

    def __init__(self, origin: str, name: str, **settings: Any) -> None:
        self.origin, self.name = origin, name
        self.door = HttpDoor(allow_private=True, total_seconds=2)
        self.courier = Courier(self.door)
        self.destination = DESTINATIONS[name]
        self.settings = self.destination.Settings.load(SETTINGS[name](origin) | settings, sandbox=True)
        self.requests = 0

    def payloads(self, *ids: str, **more: Any) -> list[bytes]:
        times = {"occurred_at": NOW, "changed_at": NOW, "clicked_at": NOW - timedelta(hours=1)}
        made = [upload(**({"id": f"conv-{id_}"} | times | more)) for id_ in ids]
        return [self.destination.freeze(one, self.settings) for one in made]

    def deliver(self, payloads: list[bytes]) -> Attempt:
        self.requests += 1
        return self.courier.deliver(self.destination, self.settings, payloads, NOW)

    def trial(self, payloads: list[bytes]) -> Reading:
        request = self.destination.trial_request(payloads, self.settings, NOW)
        assert request is not None
        answer = self.door.send(request)
        assert isinstance(answer, HttpAnswer)
        return self.destination.classify_trial(answer, payloads)

    def faults(self, *steps: str) -> None:
        wish = {"target": self.name, "next": list(steps)}
        PLAIN.post(f"{self.origin}/sandbox/platforms/faults", json=wish).raise_for_status()

    def effects(self) -> list[dict[str, Any]]:
        asked = PLAIN.get(f"{self.origin}/sandbox/platforms/effects", params={"platform": self.name})
        found: list[dict[str, Any]] = asked.json()["effects"]
        return found

    def counts(self) -> dict[str, int]:
        counts = PLAIN.get(f"{self.origin}/sandbox/platforms/effects").json()["counts"]
        return {key.partition(".")[2]: n for key, n in counts.items() if key.startswith(f"{self.name}.")}


@contextmanager
def connected(name: str, **settings: Any) -> Iterator[TwinWorld]:
    """Yield a destination connected to its twin on a real socket."""
    with serving() as origin:
        world = TwinWorld(origin, name, **settings)
        yield world
        world.door.close()


def classes(reading: Attempt | Reading) -> list[Class]:
    outcomes = reading.outcomes if isinstance(reading, Attempt) else reading
    return [outcome.class_ for outcome in outcomes]
