"""The unavoidable: the same requests to a twin, and one bulk UPDATE and INSERT committed with each batch.

No claim, no lease, no classes, no limits. Single requests leave eight at once, as the product's do; their
statements are committed by the sixty-four.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import text

from calltrack.delivery.accounts import open_settings
from calltrack.delivery.model import Delivery
from calltrack.delivery.trip import AT_ONCE
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.sending import Courier
from calltrack.infra.http import HttpDoor
from calltrack.infra.parallel import at_once
from tests.bench.course import Course

MOST_BATCHED, MOST_SINGLE = 20_000, 2_000
TOGETHER = 64


@dataclass(frozen=True)
class Bare:
    """Deliveries a second: all of it, and the twin's own part alone."""

    pace: float
    twin: float


def bare_pace(course: Course, name: str) -> Bare:
    """Send again what the last run delivered, as plainly as can be."""
    destination, place = DESTINATIONS[name], course.places[name]
    world = course.world
    settings = open_settings(world.services.vault, world.account(place))
    door = HttpDoor(allow_private=True)
    courier = Courier(door)
    size = destination.max_batch if destination.max_batch > 1 else TOGETHER
    rows = _rows(course, name, MOST_BATCHED if destination.max_batch > 1 else MOST_SINGLE)

    def send(payloads: Sequence[bytes]) -> None:
        attempt = courier.deliver(destination, settings, payloads, world.now())
        if attempt.status is None or attempt.status >= 300:
            raise SystemExit(f"{name}: the bare request was not taken, status {attempt.status}")

    send([rows[0].payload])
    begun, sending = time.perf_counter(), 0.0
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        leaves = time.perf_counter()
        if destination.max_batch > 1:
            send([row.payload for row in batch])
        else:
            at_once([partial(_each, send, batch[lane::AT_ONCE]) for lane in range(AT_ONCE)])
        sending += time.perf_counter() - leaves
        values = {"company": world.company.id, "ids": [row.id for row in batch], "now": world.now()}
        with world.services.db.tenant(world.company.id) as session:
            session.execute(text(BARE_UPDATE), values)
            session.execute(text(BARE_INSERT), values)
    door.close()
    return Bare(len(rows) / (time.perf_counter() - begun), len(rows) / sending)


def _each(send: Any, rows: Sequence[Delivery]) -> None:
    for row in rows:
        send([row.payload])


def _rows(course: Course, name: str, most: int) -> list[Delivery]:
    world = course.world
    with world.services.db.tenant(world.company.id) as session:
        of_it = session.query(Delivery).filter(Delivery.destination_id == course.places[name])
        return of_it.order_by(Delivery.id).limit(most).all()


BARE_UPDATE = """
    UPDATE delivery SET settled_at = :now WHERE company_id = :company AND id = ANY(CAST(:ids AS uuid[]))
"""
BARE_INSERT = """
    INSERT INTO delivery_attempt (company_id, delivery_id, number, step, started_at, request_hash)
    SELECT :company, id, 99, 'send', :now, '' FROM unnest(CAST(:ids AS uuid[])) AS one (id)
"""
