"""Since when a destination has failed without a single success.

Revision 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("destination", sa.Column("failing_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("destination", "failing_since")
