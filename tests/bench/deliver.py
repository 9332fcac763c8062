"""One real worker process against the Google twin: deliveries planned, sent, confirmed per second."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from subprocess import Popen
from uuid import UUID

import httpx
from sqlalchemy import text

from calltrack.delivery import plan
from calltrack.delivery.uploads import load_changes
from calltrack.destinations.google_data_manager import GoogleDataManager
from calltrack.destinations.google_settings import GoogleDataManagerSettings
from calltrack.sandbox.platforms import oauth
from calltrack.sandbox.platforms.accounts import google_settings
from tests.bench.context import ROOT, Context, Result
from tests.builders import make_company
from tests.delivery.world import World

PER_SECOND = 5_000
BATCH = 2_000
PLANNED_SINGLY = 500
TOO_LONG = 120.0


def run(context: Context) -> list[Result]:
    """Measure planning, sending and confirming, beside bulk statements with the same requests."""
    services = replace(context.services, settings=context.settings.model_copy(update={"mode": "demo"}))
    with context.serve("tests.sandbox.platforms.serving:make_app") as port:
        world = World(services, make_company(services), f"http://127.0.0.1:{port}")
        google = world.google()
        count = int(PER_SECOND * max(context.seconds, 1.0)) // BATCH * BATCH
        changes = world.conversions(count, planned=False)
        planned = _plan(world, google, changes)
        _set_due(world, world.now() + timedelta(hours=1))
        context.analyze()
        with _worker(context):
            _warm_up(World(services, make_company(services), world.origin))
            sent = _measure(world, "deliver", google, "pending", count)
            confirmed = _measure(world, "poll", google, "accepted", count)
        ours = {row.upload_id for row in world.rows(google)}
        counted = sum(effect["id"] in ours for effect in world.effects())
        if counted != count or set(world.states(google)) != {"confirmed"}:
            raise SystemExit(f"{count} deliveries led to {counted} effects")
        bare = _reference(world, google, count)
        world.door.close()
    return [
        Result("deliveries sent by one worker", sent, "deliveries/s", bare),
        Result("verdicts settled by one worker", confirmed, "deliveries/s"),
        Result("conversions planned, by the hundred", planned, "changes/s"),
    ]


def _plan(world: World, google: UUID, changes: list[UUID]) -> float:
    """Plan some as the worker does and the rest without its questions; returns the pace of the former."""
    singly, rest = changes[:PLANNED_SINGLY], changes[PLANNED_SINGLY:]
    begun = time.perf_counter()
    world.plan(singly)
    pace = len(singly) / (time.perf_counter() - begun)
    services, company_id, now = world.services, world.company.id, world.now()
    for start in range(0, len(rest), BATCH):
        with services.db.tenant(company_id) as session:
            target = plan.targets_of(session, services.vault, company_id, [google])[google]
            found = load_changes(session, services.vault, company_id, rest[start : start + BATCH])
            rows = [plan.row_of(target, one, now) for one in found.values()]
            plan.insert_rows(session, rows)
    return pace


class _worker:  # noqa: N801 (used like a function)
    """`python -m workers.main` with the bench's services, and verdicts asked for only when told to."""

    def __init__(self, context: Context) -> None:
        demo = {"CALLTRACK_MODE": "demo", "GOOGLE_STATUS_AFTER_SECONDS": "3600"}
        self.environment = {**os.environ, **context.environment(), **demo}

    def __enter__(self) -> None:
        command = [sys.executable, "-m", "workers.main"]
        self.process = Popen(command, env=self.environment, cwd=ROOT)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)


def _warm_up(other: World) -> None:
    """Let the worker deliver for another company: connections, code and the access token are ready then."""
    google = other.google()
    other.conversions(5)
    other.services.nudges.wake("deliver", str(other.company.id), str(google))
    _until(lambda: set(other.states(google)) == {"accepted"})
    other.door.close()


def _set_due(world: World, at: datetime) -> None:
    with world.services.db.tenant(world.company.id) as session:
        session.execute(text("UPDATE delivery SET due_at = :at"), {"at": at})


def _measure(world: World, job: str, google: UUID, before: str, count: int) -> float:
    """Nudge the worker and return how many deliveries a second leave the state."""
    company_id = world.company.id

    def done() -> bool:
        with world.services.db.tenant(company_id) as session:
            return not session.scalar(text(STILL), {"id": google, "states": [before, "sending"]})

    _set_due(world, world.now())
    begun = time.perf_counter()
    world.services.nudges.wake(job, str(company_id), str(google))
    _until(done)
    return count / (time.perf_counter() - begun)


def _until(met: Callable[[], bool]) -> None:
    ends = time.monotonic() + TOO_LONG
    while not met():
        if time.monotonic() > ends:
            raise SystemExit("the worker does not get it done")
        time.sleep(0.05)


def _reference(world: World, google: UUID, count: int) -> float:
    """The unavoidable: the same requests, and one bulk UPDATE and one bulk INSERT committed with each."""
    rows = world.rows(google)
    settings = GoogleDataManagerSettings.load(google_settings(world.origin), sandbox=True)
    token, client = oauth.issue(world.now()), httpx.Client()
    platform = GoogleDataManager()
    begun = time.perf_counter()
    for start in range(0, count, BATCH):
        batch = rows[start : start + BATCH]
        request = platform.request([row.payload for row in batch], settings, world.now(), token)
        client.post(request.url, content=request.body, headers=dict(request.headers)).raise_for_status()
        values = {"company": world.company.id, "ids": [row.id for row in batch], "now": world.now()}
        with world.services.db.tenant(world.company.id) as session:
            session.execute(text(BARE_UPDATE), values)
            session.execute(text(BARE_INSERT), values)
    client.close()
    return count / (time.perf_counter() - begun)


STILL = "SELECT EXISTS (SELECT FROM delivery WHERE destination_id = :id AND state = ANY(:states))"
BARE_UPDATE = """
    UPDATE delivery SET settled_at = :now WHERE company_id = :company AND id = ANY(CAST(:ids AS uuid[]))
"""
BARE_INSERT = """
    INSERT INTO delivery_attempt (company_id, delivery_id, number, step, started_at, request_hash)
    SELECT :company, id, 99, 'send', :now, '' FROM unnest(CAST(:ids AS uuid[])) AS one (id)
"""
