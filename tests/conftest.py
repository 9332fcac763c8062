"""Real parts for every test: an own PostgreSQL and Redis per test process, a fresh company per test."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import create_engine, delete, text

from calltrack.calls.guard.model import SpamReport
from calltrack.config import Settings, new_key
from calltrack.infra.embedded import EmbeddedPostgres, EmbeddedRedis
from calltrack.models import Base
from calltrack.wiring import Services, build
from tests.builders import Company, make_company
from tests.late_builders import build_late
from tests.postgres import ForgetfulPostgres, migrated_files, started
from tests.slow_first import slow_first

# The twin of Google Ads speaks gRPC in this process; gRPC's own fork handlers break children that other tests
# start while it speaks. Nothing here uses a channel in a forked child without making it anew.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"
build_late()
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--host-resolver-rules=MAP *.example.co.uk 127.0.0.1",
]
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow_first(items)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one real browser of this test process; tests open contexts or pages of their own."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=BROWSER_ARGUMENTS)
        yield chromium
        chromium.close()


WHOLE_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium(*, whole: bool = False) -> str:
    """Return the browser that `make test` found or installed; a whole one also keeps pages it left."""
    given = os.environ.get("CHROMIUM")
    installed = filter(None, map(shutil.which, WHOLE_BROWSERS))
    found = next(installed, given) if whole else given or next(installed, None)
    if found is None:
        pytest.fail("No Chromium found. Run `make test`, which installs one, or set CHROMIUM to its path.")
    return found


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a migrated PostgreSQL, to be copied."""
    return migrated_files(tmp_path_factory)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[EmbeddedPostgres]:
    """A running, migrated PostgreSQL of this test process."""
    server = started(ForgetfulPostgres, tmp_path_factory.mktemp("postgres"), migrated)
    yield server
    server.erase()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running Redis of this test process."""
    server = EmbeddedRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.erase()


@pytest.fixture(scope="session")
def settings(
    postgres: EmbeddedPostgres, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings that point at this test process's own services and data folder."""
    return settings_for(postgres, redis_url, tmp_path_factory.mktemp("data"))


def settings_for(postgres: EmbeddedPostgres, redis_url: str, data_dir: Path, **more: object) -> Settings:
    """Return complete settings for the given services; `more` wins."""
    given: dict[str, object] = {
        "mode": "demo",
        "data_dir": data_dir,
        "database_url": postgres.app_url,
        "database_owner_url": postgres.owner_url,
        "database_system_url": postgres.system_url,
        "redis_url": redis_url,
        "encryption_key": new_key(),
        "secret_key": new_key(),
        "google_status_after_seconds": 0.5,
    }
    return Settings(**(given | more))  # type: ignore[arg-type]  # pydantic checks each value


@pytest.fixture(scope="session")
def services(settings: Settings) -> Iterator[Services]:
    """The real parts, shared by the tests of this process; tenants keep them apart."""
    parts = build(settings)
    yield parts
    parts.close()


@pytest.fixture
def company(services: Services) -> Company:
    """A company of its own for this test: one location, one site, one pool of five numbers."""
    return make_company(services)


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> None:
    """Every tenant's rows are gone before the test: for sweeps over all companies."""
    empty(postgres)


@pytest.fixture(scope="module")
def emptied(postgres: EmbeddedPostgres) -> None:
    """Every tenant's rows are gone before this file's tests: what looks at all companies is quick again."""
    empty(postgres)


def empty(postgres: EmbeddedPostgres) -> None:
    """Delete all rows; TRUNCATE would make each partition and index a new file, which takes far longer."""
    engine = create_engine(postgres.owner_url)
    with engine.begin() as connection:
        # As on a replica no foreign key is checked: in the end all tables are empty.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.exec_driver_sql("; ".join(f"DELETE FROM {table}" for table in Base.metadata.tables))
    engine.dispose()


@pytest.fixture(scope="module")
def reports_end_here(services: Services) -> Iterator[None]:
    """What this file says of nuisance callers is forgotten after it: other tests would heed it."""
    yield
    with services.db.shared() as session:
        session.execute(delete(SpamReport))
