"""Alembic's entry: runs the migrations over the connection `migrate.py` hands in."""

from alembic import context

from calltrack.models import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
