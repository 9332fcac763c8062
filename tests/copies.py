"""Many rows at once: copies of one that a test stored, made by the database itself."""

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

# The n-th copy's ids differ from the first one's in the same way in every table: they still belong together.
_FRESH = "left(one.{0}::text, 14) || substr(CAST(md5(n::text) AS uuid)::text, 15)"
_COPY = r"""
    INSERT INTO {table} SELECT made.* FROM (SELECT * FROM {table} WHERE {where} LIMIT 1) one,
    generate_series(1, :count) n,
    LATERAL jsonb_populate_record(CAST(NULL AS {table}), to_jsonb(one) || jsonb_build_object({changed})) made
"""


def copy_row(
    session: Session, table: str, count: int, *fresh: str, where: str = "true", **changed: str
) -> None:
    """Copy a row so many times; `fresh` columns get an id each, others what their SQL says of `n`."""
    values = {name: _FRESH.format(name).replace("::", r"\:\:") for name in fresh} | changed
    given = ", ".join(f"'{name}', {sql}" for name, sql in values.items())
    session.execute(text(_COPY.format(table=table, where=where, changed=given)), {"count": count})


def gather_statistics(owner_url: str) -> None:
    """Let the planner know what the tables hold, as autovacuum does within a minute; only the owner may."""
    owner = create_engine(owner_url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text("ANALYZE"))
    owner.dispose()
