"""Taps on a number that others were given since are kept like all taps: the newest 50 of a lease.

The site table may see whether a source number is fit.

Revision 0036.
"""

from importlib import import_module
from pathlib import Path

from alembic import op

from calltrack.migrations import edge_0024
from calltrack.migrations.roles import SYSTEM

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

TAPPED = (Path(edge_0024.__file__ or "").parent / "tapped.sql").read_text()
ALL = "ELSE taps || v_now END"
NEWEST = "ELSE (taps || v_now)[GREATEST(cardinality(taps) - 48, 1):] END"
CHOICE = import_module("calltrack.migrations.versions.0024_choice_of_numbers")


def upgrade() -> None:
    _replace(TAPPED.replace(ALL, NEWEST))
    op.execute(f"GRANT SELECT (health) ON tracking_number TO {SYSTEM}")


def downgrade() -> None:
    op.execute(f"REVOKE SELECT (health) ON tracking_number FROM {SYSTEM}")
    _replace(TAPPED)


def _replace(function: str) -> None:
    CHOICE._execute(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
