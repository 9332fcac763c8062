"""A pool prefers numbers near its customers, and can be changed: open pages hold numbers as they were told.

Revision 0039.
"""

from alembic import op

from calltrack.migrations.edge_0039.places import CHANGED
from calltrack.migrations.rewriting import restore, rewrite

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

POOL = (
    "near TEXT[] DEFAULT '{}' NOT NULL",
    "longer_seconds INTEGER DEFAULT 0 NOT NULL",
    "longer_before TIMESTAMP WITH TIME ZONE DEFAULT '2000-01-01 00:00:00+00' NOT NULL",
)


def upgrade() -> None:
    op.execute("ALTER TABLE pool " + ", ".join(f"ADD COLUMN {column}" for column in POOL))
    op.execute("ALTER TABLE number_slot ADD COLUMN is_far BOOLEAN DEFAULT false NOT NULL")
    _remake_index("is_far, given_at NULLS FIRST")
    rewrite(CHANGED)


def downgrade() -> None:
    restore(CHANGED)
    _remake_index("given_at NULLS FIRST")
    op.execute("ALTER TABLE number_slot DROP COLUMN is_far")
    op.execute("ALTER TABLE pool " + ", ".join(f"DROP COLUMN {column.split()[0]}" for column in POOL))


def _remake_index(order: str) -> None:
    op.drop_index("ix_number_slot_given", "number_slot")
    op.execute(f"CREATE INDEX ix_number_slot_given ON number_slot (company_id, pool_id, {order}, number_id)")
