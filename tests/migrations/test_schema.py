"""The migrated schema is the one the models describe, and partitions follow the months."""

from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Index, Table, create_engine, text

from calltrack.config import as_role
from calltrack.infra.db import Database
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.kernel.ids import first_id_of
from calltrack.migrations.migrate import migrate
from calltrack.migrations.roles import UnsafeRole, refuse_unsafe_role
from calltrack.models import Base
from calltrack.wiring import Services


def is_of_a_partition(thing: Table | Index) -> bool:
    table = thing.table if isinstance(thing, Index) else thing
    return table is not None and table.name.startswith(("visit_", "page_view_", "call_event_"))


def test_models_and_migrations_agree(postgres: EmbeddedPostgres) -> None:
    engine = create_engine(postgres.owner_url)
    with engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
        )
    engine.dispose()
    wrong = [
        one
        for one in differences
        if not (one[0] in ("remove_table", "remove_index") and is_of_a_partition(one[1]))
    ]
    assert wrong == []


def test_migrating_twice_changes_nothing(postgres: EmbeddedPostgres) -> None:
    migrate(postgres.owner_url)


def test_the_database_makes_the_same_first_id_as_the_code(services: Services) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    with services.db.shared() as session:
        assert session.scalar(text("SELECT first_id_of(:moment)"), {"moment": moment}) == first_id_of(moment)


def test_a_visit_of_this_month_lies_in_this_months_partition(services: Services) -> None:
    with services.db.shared() as session:
        names = set(
            session.scalars(text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"))
        )
    month = datetime.now(UTC).strftime("%Y_%m")
    assert {f"visit_{month}", f"page_view_{month}", f"call_event_{month}"} <= names


def test_the_owners_address_serves_as_the_apps_role(postgres: EmbeddedPostgres) -> None:
    database = Database(
        as_role(postgres.owner_url, "calltrack_app"), as_role(postgres.owner_url, "calltrack_system")
    )
    with database.shared() as session:
        assert session.scalar(text("SELECT current_user")) == "calltrack_app"
        refuse_unsafe_role(session.connection())
    with database.system() as session:
        assert session.scalar(text("SELECT current_user")) == "calltrack_system"
    database.close()


def test_a_process_that_logs_in_as_the_owner_is_refused(
    postgres: EmbeddedPostgres, services: Services
) -> None:
    with services.db.shared() as session:
        refuse_unsafe_role(session.connection())
    engine = create_engine(postgres.owner_url)
    with engine.connect() as connection, pytest.raises(UnsafeRole, match="calltrack_app"):
        refuse_unsafe_role(connection)
    engine.dispose()
