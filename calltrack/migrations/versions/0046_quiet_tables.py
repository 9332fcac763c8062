"""The tables of a choice are cleaned once as much is dead as lives.

Revision 0046. Cleaning a table, and counting it for the planner, makes every connection plan all statements
on it anew; done each second it cost a visit a tenth of its processor time. Their plans go by keys whatever
the figures say (`edge_0029`).
"""

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

TABLES = ("number_slot", "number_mass")


def upgrade() -> None:
    for table in TABLES:
        op.execute(
            f"ALTER TABLE {table} SET"
            " (autovacuum_vacuum_scale_factor = 1, autovacuum_analyze_scale_factor = 20)"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0)")
        op.execute(f"ALTER TABLE {table} RESET (autovacuum_analyze_scale_factor)")
