"""A fixed statement sends and stores exactly what psycopg would, within the connection's deadline."""

from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest

from calltrack.infra.bounded import BoundedConnection, connect, fixed
from calltrack.infra.embedded import EmbeddedPostgres

TYPES = {
    "text": "text", "none": "text", "id": "uuid", "at": "timestamptz", "raw": "bytea", "yes": "boolean",
    "count": "bigint", "words": "text[]", "nothing": "text[]",
}  # fmt: skip
AT = datetime(2026, 3, 1, 12, 0, 0, 123456, timezone(timedelta(hours=2)))
VALUES: dict[str, Any] = {
    "text": "L'Aquila \\ \"100%\"\n\u20ac", "none": None, "id": UUID(int=5), "at": AT, "raw": b"\x00\\\xff",
    "yes": True, "count": -(2**40), "words": ['a "b" {c}, \\', "", "NULL", "\n"], "nothing": [],
}  # fmt: skip
ECHO = "SELECT " + ", ".join(f"%({name})s" for name in TYPES)


def test_every_kind_of_value_arrives_as_psycopg_sends_it(postgres: EmbeddedPostgres) -> None:
    with closing(connect(postgres.app_url, 20)) as connection:
        _keep_and_compare(connection)


def _keep_and_compare(connection: BoundedConnection) -> None:
    connection.execute("SET timezone = 'UTC'")
    columns = ", ".join(f"%({name})s::{kind} AS {name}" for name, kind in TYPES.items())
    connection.execute(f"CREATE TEMP TABLE sent AS SELECT {columns}", VALUES)
    kept = fixed("keep", f"INSERT INTO sent {ECHO} RETURNING count", TYPES)
    for _ in range(2):
        assert connection.answer(kept, VALUES) == [b"-1099511627776"]
    rows = connection.execute("SELECT * FROM sent").fetchall()
    assert rows == [tuple(VALUES.values())] * 3
    assert connection.answer(fixed("none", "SELECT 1 WHERE %(yes)s", TYPES), {"yes": False}) is None


def test_refusals_and_deadlines_are_those_of_psycopg(postgres: EmbeddedPostgres) -> None:
    connection = connect(postgres.app_url, 20)
    with pytest.raises(psycopg.DataError):
        connection.answer(fixed("nul", "SELECT %(text)s", TYPES), {"text": "a\x00"})
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.answer(fixed("zero", "SELECT 1 / %(count)s", TYPES), {"count": 0})
    assert connection.answer(fixed("one", "SELECT %(count)s", TYPES), {"count": 1}) == [b"1"]
    connection.deadline = 0.0
    with pytest.raises(psycopg.OperationalError):
        connection.answer(fixed("slow", "SELECT pg_sleep(%(count)s)::text", TYPES), {"count": 5})
    assert connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE, "it is thrown away"
    connection.abandon()
