import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from uuid import UUID

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from calltrack.accounts.model import IdempotencyKey, LoginSession, User
from calltrack.infra import outbox
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.infra.outbox import Fact
from calltrack.infra.queue import QUEUE
from calltrack.kernel.ids import new_id
from calltrack.migrations.migrate import migrate
from calltrack.numbers.model import Lease
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_company, make_lease, make_visit
from workers.due import due_jobs
from workers.housekeeping import drop_partitions, keep_house, make_partitions, prune_company
from workers.schedule import Task, due_tasks, serve, wake_due

pytestmark = pytest.mark.usefixtures("emptied")


def nothing(services: Services) -> None:
    """A task that does nothing: only its time matters."""


OFTEN, DAILY = Task("often", timedelta(seconds=3), nothing), Task("daily", timedelta(days=1), nothing)


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        ({}, ["often", "daily"]),
        ({"often": 2.9, "daily": 60}, []),
        ({"often": 3, "daily": 60}, ["often"]),
        ({"often": 1, "daily": 86_400}, ["daily"]),
        ({"often": 86_400, "daily": 86_399}, ["often"]),
        ({"often": -500, "daily": 5}, ["often"]),
        ({"gone": 1, "daily": 5}, ["often"]),
    ],
)
def test_what_is_due_now(ago: dict[str, float], expected: list[str]) -> None:
    last_run = {name: NOON - timedelta(seconds=seconds) for name, seconds in ago.items()}
    assert [task.name for task in due_tasks((OFTEN, DAILY), last_run, NOON)] == expected


def record(services: Services, company: Company, at: datetime) -> UUID:
    subject = new_id(at)
    with services.db.tenant(company.id) as session:
        outbox.record(session, company.id, "call.attributed", subject, at)
    return subject


def until(met: Callable[[], bool], seconds: float = 30) -> bool:
    end = monotonic() + seconds
    while monotonic() < end:
        if met():
            return True
        sleep(0.05)
    return met()


def test_due_facts_ask_for_their_companys_job(services: Services, company: Company) -> None:
    record(services, company, NOON)
    job = ("handle_facts", str(company.id))
    with services.db.system() as system:
        assert job in due_jobs(system, NOON)
        assert job not in due_jobs(system, NOON - timedelta(seconds=1))
    assert wake_due(services) >= 1
    queue = f"rq:queue:{QUEUE}"
    assert until(lambda: services.nudges.connection.llen(queue) > 0)
    services.nudges.connection.delete(queue)


def test_only_one_of_two_clocks_ticks_and_the_other_takes_over(services: Services) -> None:
    ticks: list[str] = []
    stops = {name: threading.Event() for name in ("one", "two")}

    def clock(name: str) -> threading.Thread:
        task = Task("tick", timedelta(0), lambda services: ticks.append(name))
        thread = threading.Thread(target=serve, args=(services, stops[name], (task,)))
        thread.start()
        return thread

    first = clock("one")
    assert until(lambda: "one" in ticks)
    second = clock("two")
    sleep(2.5)
    assert set(ticks) == {"one"}
    stops["one"].set()
    first.join(30)
    assert until(lambda: "two" in ticks)
    stops["two"].set()
    second.join(30)


def test_a_clock_whose_connection_died_takes_the_lock_again(services: Services) -> None:
    ticks: list[float] = []
    stop = threading.Event()
    task = Task("tick", timedelta(0), lambda services: ticks.append(monotonic()))
    thread = threading.Thread(target=serve, args=(services, stop, (task,)))
    thread.start()
    assert until(lambda: bool(ticks))
    with services.db.system() as session:
        killed = session.scalars(
            text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        ).all()
    assert killed
    after = monotonic()
    assert until(lambda: ticks[-1] > after + 1)
    stop.set()
    thread.join(30)


def test_a_failing_task_keeps_no_other(services: Services) -> None:
    stop = threading.Event()
    tasks = (
        Task("bad", timedelta(0), lambda services: 1 / 0),
        Task("good", timedelta(0), lambda s: stop.set()),
    )
    serve(services, stop, tasks)
    assert stop.is_set()


def test_the_daily_clean_up_removes_only_what_is_old(services: Services, company: Company) -> None:
    now = datetime.now(UTC)
    old, fresh = now - timedelta(days=8), now - timedelta(days=6)
    handled_old, handled_new, waiting_old = (record(services, company, at) for at in (old, fresh, old))
    with services.db.tenant(company.id) as session:
        for fact in session.scalars(select(Fact).where(Fact.subject_id.in_([handled_old, handled_new]))):
            fact.done_at = fact.recorded_at
        for key, at in (("old", now - timedelta(days=4)), ("new", now)):
            session.add(IdempotencyKey(
                company_id=company.id, key=key, request_hash=b"", status=200, answer={}, created_at=at
            ))  # fmt: skip
    user = User(id=new_id(), email=f"{new_id().hex}@prova.test", name="A", password_hash="", created_at=now)
    with services.db.shared() as session:
        session.add(user)
        session.flush()
        for name, ended in ((b"old", now - timedelta(days=31)), (b"new", None)):
            session.add(LoginSession(
                token_hash=name + user.id.bytes, user_id=user.id, created_at=now, last_seen_at=now,
                expires_at=now + timedelta(days=1), ended_at=ended, user_agent="",
            ))  # fmt: skip
    assert keep_house(services) >= 3
    with services.db.tenant(company.id) as session:
        assert set(session.scalars(select(Fact.subject_id))) == {handled_new, waiting_old}
        assert session.scalars(select(IdempotencyKey.key)).all() == ["new"]
    with services.db.shared() as session:
        kept = session.scalars(select(LoginSession.token_hash).where(LoginSession.user_id == user.id)).all()
    assert [name[:3] for name in kept] == [b"new"]


def test_old_months_are_dropped_and_nobody_waits(services: Services, postgres: EmbeddedPostgres) -> None:
    """A month that is just read stays; visits come in meanwhile; without the reader it goes, and its rows."""
    kept = replace(services, settings=services.settings.model_copy(update={"visits_kept_months": 4}))
    company, now = make_company(services), services.clock()
    old, other = now - timedelta(days=250), now - timedelta(days=60)
    with services.db.shared() as session:
        session.execute(text("SELECT make_partitions(:at, :at)"), {"at": old})
    visits = [make_visit(services, company, at=at) for at in (old, other, now)]
    for visit in visits[:2]:
        make_lease(services, company, visit, company.number_ids[0])
    month = f"visit_{old:%Y_%m}"
    assert drop_partitions(services, now) == [], "0 months: nothing is ever dropped"
    reader = create_engine(postgres.owner_url)
    with reader.begin() as reads:
        reads.execute(text(f"SELECT count(*) FROM {month}, visit_rest"))
        assert month not in drop_partitions(kept, now), "somebody reads it"
        with services.db.tenant(company.id) as session:
            session.execute(text("SET LOCAL lock_timeout = '20ms'"))
            assert session.scalar(select(func.count()).select_from(Visit)) == 3
        make_visit(services, company, at=now)
    reader.dispose()
    gone = drop_partitions(kept, now)
    assert month in gone
    assert f"visit_{other:%Y_%m}" not in gone
    with services.db.tenant(company.id) as session:
        assert session.scalar(text("SELECT to_regclass(:name)"), {"name": month}) is None
        assert session.scalar(select(func.count()).select_from(Visit)) == 3
    with services.db.shared() as session, pytest.raises(DBAPIError, match="last three months"):
        session.execute(text("SELECT drop_partition('visit', now())"))
    assert prune_company(kept, company.id, now) == 1
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(Lease.visit_id)).all() == [visits[1].id]
    migrate(postgres.owner_url)  # The months of the past stand again for the tests that follow.


def test_partitions_stand_ready_for_the_coming_months(services: Services) -> None:
    make_partitions(services, datetime(2031, 5, 20, tzinfo=UTC))
    with services.db.shared() as session:
        for month in ("2031_05", "2031_06", "2031_07", "2031_08"):
            assert session.scalar(text("SELECT to_regclass(:name)"), {"name": f"visit_{month}"})
