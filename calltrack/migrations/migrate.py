"""Bring a database to the newest schema; safe to run twice and by two processes at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection

from calltrack.migrations.roles import ensure_roles

LOCK = 0x63616C6C  # "call": the advisory lock that makes migrations take turns


def migrate(owner_url: str) -> None:
    """Create roles, apply missing migrations and make the partitions of the coming months."""
    engine = create_engine(owner_url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.commit()
            with connection.begin():
                ensure_roles(connection)
            with connection.begin():
                upgrade(connection)
            with connection.begin():
                connection.execute(
                    text("SELECT make_partitions(now() - interval '14 months', now() + interval '3 months')")
                )
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
            connection.commit()
    finally:
        engine.dispose()


def upgrade(connection: Connection) -> None:
    """Apply the missing migrations over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
