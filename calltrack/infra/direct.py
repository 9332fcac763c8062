"""Plain psycopg connections for the hot surfaces: prepared statements, one round trip, no ORM."""

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool


def open_pool(
    url: str, *, size: int, wait_seconds: float, statement_timeout_ms: int, autocommit: bool = True
) -> ConnectionPool:
    """Return a pool of direct connections; autocommit makes each statement a transaction of its own.

    Args:
        url: the address as in `Settings.app_url`.
        size: most connections; one is opened in the background at once, the others when needed.
        wait_seconds: how long a request waits for a free connection before `psycopg_pool.PoolTimeout`.
        statement_timeout_ms: how long a statement may run, and half of it how long it may wait for a lock.
    """
    given = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
    options = (
        f"{given.pop('options', '') or ''} -c statement_timeout={statement_timeout_ms} "
        f"-c lock_timeout={statement_timeout_ms // 2} -c timezone=UTC"
    )
    return ConnectionPool(
        make_conninfo("", **given, options=options, connect_timeout=3, application_name="calltrack-edge"),
        min_size=min(2, size),
        max_size=size,
        timeout=wait_seconds,
        kwargs={"autocommit": autocommit, "prepare_threshold": 0},
        open=True,
    )
