"""The embedded PostgreSQL and Redis: start, join, crash, and what may never be lost."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from calltrack.infra.embedded import EmbeddedPostgres, EmbeddedRedis, ServiceError
from calltrack.infra.process import wait_until
from tests.postgres import started

REPO = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder anybody may pass, unlike pytest's own: the usual place of a project."""
    path = Path(tempfile.mkdtemp(prefix="ct-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """The files of a server as its first start makes them: making them takes seconds."""
    path = Path(tempfile.mkdtemp(prefix="ct-"))
    server = EmbeddedPostgres(path)
    server.start()
    server.stop()
    yield path / "postgres" / "data"
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def postgres(folder: Path, made: Path) -> Iterator[EmbeddedPostgres]:
    server = started(EmbeddedPostgres, folder, made)
    yield server
    server.erase()


@pytest.fixture
def redis_server(folder: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(folder)
    server.start()
    yield server
    server.erase()


def connect(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_the_two_working_roles_cannot_get_around_row_level_security(postgres: EmbeddedPostgres) -> None:
    for url, role in ((postgres.app_url, "calltrack_app"), (postgres.system_url, "calltrack_system")):
        with connect(url) as db:
            rights = "rolsuper, rolbypassrls, rolcreatedb, rolcreaterole"
            row = db.execute(
                f"SELECT {rights}, rolname FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            assert row == (False, False, False, False, role)
    with connect(postgres.owner_url) as db:
        row = db.execute(
            "SELECT current_user, current_database(), pg_encoding_to_char(encoding) FROM pg_database"
        ).fetchone()
        assert row == ("calltrack_owner", "calltrack", "UTF8")


def test_nothing_listens_on_tcp_and_commits_are_durable(postgres: EmbeddedPostgres) -> None:
    with connect(postgres.owner_url) as db:
        for name, value in {"listen_addresses": "", "fsync": "on", "synchronous_commit": "on"}.items():
            assert db.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,)


def test_a_warm_start_is_quick_and_keeps_rows_and_address(postgres: EmbeddedPostgres) -> None:
    with connect(postgres.owner_url) as db:
        db.execute("CREATE TABLE kept AS SELECT 1 AS n")
    before = postgres.owner_url
    postgres.stop()
    assert not postgres.running
    began = time.monotonic()
    postgres.start()
    assert time.monotonic() - began < 1
    assert postgres.owner_url == before
    with connect(postgres.owner_url) as db:
        assert db.execute("SELECT n FROM kept").fetchone() == (1,)


def test_kill_9_loses_no_acknowledged_row(postgres: EmbeddedPostgres) -> None:
    with connect(postgres.owner_url) as db:
        db.execute("CREATE TABLE acked (n int PRIMARY KEY)")
    acknowledged: list[int] = []

    def write(start: int) -> None:
        with connect(postgres.owner_url) as db:
            for n in range(start, start + 100_000):
                try:
                    db.execute("INSERT INTO acked VALUES (%s)", [n])
                except psycopg.OperationalError:
                    return
                acknowledged.append(n)

    for storm in range(4):
        had = len(acknowledged)
        writer = threading.Thread(target=write, args=(storm * 100_000,))
        writer.start()
        assert wait_until(lambda had=had: len(acknowledged) > had + 50, 60)  # type: ignore[misc]
        kill(postgres.pid)
        writer.join()
        postgres.start()
    with connect(postgres.owner_url) as db:
        stored = {row[0] for row in db.execute("SELECT n FROM acked").fetchall()}
    assert len(acknowledged) > 200
    assert set(acknowledged) <= stored


def test_a_second_start_joins_the_running_server_and_does_not_stop_it(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    second = EmbeddedPostgres(folder)
    second.start()
    assert (second.pid, second.owner_url) == (postgres.pid, postgres.owner_url)
    second.stop()
    with connect(postgres.app_url) as db:
        assert db.execute("SELECT 1").fetchone() == (1,)


def test_a_stale_pid_file_that_names_a_living_stranger_is_no_obstacle(postgres: EmbeddedPostgres) -> None:
    kill(postgres.pid)
    assert wait_until(lambda: not postgres.running, 30)
    [pid_file] = list(Path(postgres.owner_url.partition("host=")[2]).parent.glob("data/postmaster.pid"))
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    postgres.start()
    assert postgres.running


def test_a_server_told_to_stop_while_clients_hold_on_is_started_again(postgres: EmbeddedPostgres) -> None:
    with connect(postgres.owner_url) as client:
        before = postgres.pid
        assert before is not None
        os.kill(before, signal.SIGTERM)
        assert wait_until(lambda: not postgres.running, 30)
        assert client.execute("SELECT 1").fetchone() == (1,)
        postgres.start()
    assert postgres.pid != before
    with connect(postgres.owner_url) as db:
        assert db.execute("SELECT 1").fetchone() == (1,)


def test_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    (folder / "postgres" / "data.new" / "base").mkdir(parents=True)
    server = EmbeddedPostgres(folder)
    server.start()
    try:
        assert not (folder / "postgres" / "data.new").exists()
    finally:
        server.erase()


def test_data_of_another_major_version_is_refused_with_a_way_out(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    postgres.stop()
    (folder / "postgres" / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServiceError, match=r"PostgreSQL 16.*dump it"):
        postgres.start()


def test_a_deep_folder_gets_a_short_socket_that_survives_a_restart(folder: Path) -> None:
    deep = folder / ("d" * 100)
    postgres, cache = EmbeddedPostgres(deep), EmbeddedRedis(deep)
    try:
        postgres.start()
        cache.start()
        before = (postgres.owner_url, cache.url)
        assert str(deep) not in postgres.owner_url
        with redis.from_url(cache.url) as client:
            assert client.ping()
        with connect(postgres.owner_url) as db:
            assert db.execute("SELECT 1").fetchone() == (1,)
        postgres.stop()
        cache.stop()
        postgres.start()
        cache.start()
        assert (postgres.owner_url, cache.url) == before
    finally:
        postgres.erase()
        cache.erase()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change the user")
def test_root_can_work_in_a_folder_only_root_may_enter(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    server = EmbeddedPostgres(tmp_path / "mine" / "var")
    try:
        server.start()
        with connect(server.app_url) as db:
            assert db.execute("SELECT 1").fetchone() == (1,)
        assert server.pid is not None
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        outside = (tmp_path / "mine" / "var" / "postgres").resolve()
        assert outside.exists()
        server.stop()
    finally:
        EmbeddedPostgres(tmp_path / "mine" / "var").erase()
    assert not outside.exists()
    assert not (tmp_path / "mine" / "var" / "postgres").is_symlink()


def test_both_servers_end_when_their_parent_is_killed(folder: Path) -> None:
    program = (
        "import pathlib, sys, time; from calltrack.infra.embedded import EmbeddedPostgres, EmbeddedRedis;"
        "servers = [EmbeddedPostgres(pathlib.Path(sys.argv[1])), EmbeddedRedis(pathlib.Path(sys.argv[1]))];"
        "[s.start() for s in servers]; print('up', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(folder)], cwd=REPO, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout as out:
        assert out.readline() == b"up\n"
        joined = EmbeddedPostgres(folder), EmbeddedRedis(folder)
        for server in joined:
            server.start()
            assert server.running
        parent.kill()
        parent.wait()
    assert wait_until(lambda: not any(server.running for server in joined), 60)


def test_redis_keeps_what_it_acknowledged_through_kill_9(redis_server: EmbeddedRedis) -> None:
    with redis.from_url(redis_server.url) as client:
        for n in range(100):
            client.rpush("queue", n)
    kill(redis_server.pid)
    assert wait_until(lambda: not redis_server.running, 30)
    redis_server.start()
    with redis.from_url(redis_server.url) as client:
        assert client.llen("queue") == 100


def test_a_second_redis_start_joins_and_no_port_is_open(redis_server: EmbeddedRedis, folder: Path) -> None:
    second = EmbeddedRedis(folder)
    second.start()
    second.stop()
    assert second.pid == redis_server.pid
    with redis.from_url(redis_server.url) as client:
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
