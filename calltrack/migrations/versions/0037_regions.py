"""Visits and callers have a region, where one is known; a lease keeps its visit's.

Rows of before have none. A call's is found again from its events (`calltrack replay-calls`), a visit's is not.

Revision 0037.
"""

from importlib import import_module

from alembic import op

from calltrack.migrations.edge_0037 import regions
from calltrack.migrations.roles import APP

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

COLUMNS = (("visit", "region"), ("lease", "region"), ("call", "caller_region"))
CHOICE = import_module("calltrack.migrations.versions.0024_choice_of_numbers")


def upgrade() -> None:
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")
    _remake(regions.NOW)


def downgrade() -> None:
    _remake(regions.BEFORE)
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")


def _remake(functions: dict[str, str]) -> None:
    """Make these functions anew: with a parameter more one of the same name would be another one."""
    for name, function in functions.items():
        for signature in CHOICE._signatures(name):
            op.execute(f"DROP FUNCTION {signature}")
        CHOICE._execute(function)
    for name in functions:
        for signature in CHOICE._signatures(name):
            op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
            op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {APP}")
