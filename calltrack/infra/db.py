"""The database: two login roles, one transaction per use case, the tenant set inside it.

`tenant(company_id)` sees one company only (row-level security, forced); `system()` may select ids and due
times of all companies and nothing personal; `shared()` reads the tables that belong to no company.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import DateTime, Engine, MetaData, Text, create_engine, event, make_url, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from calltrack.infra.priority import step_back

# A large report may take one core for its time, never those that callers need as well.
ONE_CORE = "-c max_parallel_workers_per_gather=0"
SET_TENANT = text("SELECT set_config('app.company_id', :company_id, true)")


class Base(DeclarativeBase):
    """All tables of calltrack."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this class attribute, it is never changed
        datetime: DateTime(timezone=True),
        str: Text(),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
        list[str]: JSONB(),
    }


class Database:
    """Sessions over the app's login (row-level security applies) and the system login (scans)."""

    def __init__(
        self, url: str, system_url: str, *, pool_size: int = 5, statement_timeout_ms: int = 15_000
    ) -> None:
        """Prepare pools; nothing connects before the first use."""
        self.url = url
        self.engine = make_engine(url, pool_size, statement_timeout_ms)
        self.system_engine = make_engine(system_url, 2, statement_timeout_ms)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._system_sessions = sessionmaker(self.system_engine, expire_on_commit=False)
        # Parts that reads of a tenant need, such as the vault; each session carries them in `info`.
        self.carried: dict[str, Any] = {}

    @contextmanager
    def tenant(self, company_id: UUID) -> Iterator[Session]:
        """Open a transaction that sees one company; commits at the end, rolls back on an error."""
        with self._sessions.begin() as session:
            session.info.update(self.carried)
            enter_tenant(session, company_id)
            yield session

    @contextmanager
    def shared(self) -> Iterator[Session]:
        """Open a transaction over the tables of no company (agencies, users, logins); no tenant is set."""
        with self._sessions.begin() as session:
            yield session

    @contextmanager
    def system(self) -> Iterator[Session]:
        """Open a read-only look over the few non-personal columns the system role may see."""
        with self._system_sessions.begin() as session:
            yield session

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()
        self.system_engine.dispose()


def enter_tenant(session: Session, company_id: UUID) -> None:
    """Let the open transaction see one company from here to its end."""
    session.execute(SET_TENANT, {"company_id": str(company_id)})


def make_engine(url: str, pool_size: int, statement_timeout_ms: int) -> Engine:
    """Return an engine whose broken connections are noticed before use."""
    address = make_url(url)
    options = (
        f"-c statement_timeout={statement_timeout_ms} -c timezone=UTC {ONE_CORE} "
        f"{address.query.get('options', '')}"
    )
    engine = create_engine(
        address.difference_update_query(["options"]),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=5,
        json_deserializer=_read_json,
        hide_parameters=True,  # An error's text goes to the log; the values are people's numbers and words.
        connect_args={
            "connect_timeout": 3,
            "application_name": "calltrack",
            "options": options,
        },
    )
    event.listen(engine, "connect", _send_arrays_in_binary)
    event.listen(engine, "connect", lambda connection, _: step_back(connection))
    return engine


def _read_json(raw: bytes | str) -> Any:
    """Read what PostgreSQL stored as JSON; it takes numbers of any size, the fast reader does not."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return json.loads(raw)


def _send_arrays_in_binary(connection: Any, _: Any) -> None:
    """Send lists in PostgreSQL's binary form: as text each element would be looked at for quotes."""
    connection.adapters.register_dumper(list, ListBinaryDumper)
