"""Looking at everybody goes slice by slice and is taken up where it stopped.

Revision 0011.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE audience ADD COLUMN looked_until UUID, ADD COLUMN look_found INTEGER DEFAULT 0 NOT NULL"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE audience DROP COLUMN looked_until, DROP COLUMN look_found")
