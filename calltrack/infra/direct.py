"""Direct connections for the hot surfaces: prepared statements straight through libpq.

No ORM, one round trip. psycopg's own adaptation costs more than the statement it sends (measured: 150 us of
processor time a call), so values go in and come out as text; errors are psycopg's.
"""

from collections.abc import Mapping, Sequence

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import ExecStatus
from psycopg_pool import ConnectionPool

from calltrack.infra.priority import step_back


def open_pool(
    url: str,
    *,
    size: int,
    wait_seconds: float,
    statement_timeout_ms: int,
    statements: Mapping[str, str] | None = None,
    autocommit: bool = True,
) -> ConnectionPool:
    """Return a pool of direct connections; autocommit makes each statement a transaction of its own.

    Args:
        url: the address as in `Settings.app_url`.
        size: most connections; some are opened in the background at once, the others when needed.
        wait_seconds: how long a request waits for a free connection before `psycopg_pool.PoolTimeout`.
        statement_timeout_ms: how long a statement may run, and half of it how long it may wait for a lock.
        statements: name -> SQL with $1, $2, ...; prepared on every connection for `call`.
        autocommit: off for callers that open transactions of several statements.
    """
    given = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
    options = (
        f"{given.pop('options', '') or ''} -c statement_timeout={statement_timeout_ms} "
        f"-c lock_timeout={statement_timeout_ms // 2} -c timezone=UTC"
    )
    if statements:
        # A database function would plan its statements anew at each call, because a plan that knows the ids
        # of the day looks cheaper (it names one partition). Planning costs twice what such a statement does.
        # A plan that is kept must not have been made for a table that was empty then: each reads by key.
        options += " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off"

    def prepare(connection: psycopg.Connection) -> None:
        step_back(connection)
        for name, sql in (statements or {}).items():
            checked(connection.pgconn.prepare(name.encode(), sql.encode()), ExecStatus.COMMAND_OK)

    return ConnectionPool(
        make_conninfo("", **given, options=options, connect_timeout=3, application_name="calltrack-direct"),
        min_size=min(2, size),
        max_size=size,
        timeout=wait_seconds,
        kwargs={"autocommit": autocommit, "prepare_threshold": 0},
        configure=prepare,
        open=True,
    )


def call(connections: ConnectionPool, statement: str, values: Sequence[str | None]) -> list[str | None]:
    """Run a prepared statement that answers one row; values and columns are PostgreSQL's text form.

    Raises:
        psycopg.Error: as psycopg would; OperationalError when the database is away, slow or stopped.
    """
    sent = [None if value is None else value.encode() for value in values]
    if any(value is not None and b"\x00" in value for value in sent):
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    # Each statement is a transaction of its own: there is none for `connection()` to end.
    connection = connections.getconn()
    try:
        # psycopg's signature leaves out None, which libpq takes as null.
        result = connection.pgconn.exec_prepared(statement.encode(), sent)  # type: ignore[arg-type]  # see above
    finally:
        connections.putconn(connection)
    checked(result, ExecStatus.TUPLES_OK)
    row = [result.get_value(0, column) for column in range(result.nfields)]
    return [None if value is None else value.decode() for value in row]


def checked(result: psycopg.pq.abc.PGresult, wanted: ExecStatus) -> None:
    """Raise what psycopg would raise for another result than the wanted one."""
    if result.status == wanted:
        return
    state = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    message = result.error_message.decode(errors="replace").strip()
    if state is None:
        raise psycopg.OperationalError(message or "the connection to the database is lost")
    raise psycopg.errors.lookup(state.decode())(message)
