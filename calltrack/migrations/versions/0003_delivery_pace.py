"""Deliveries: a platform that is unwell is held as a whole; the place of each event in its request.

Revision 0003.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.roles import SYSTEM

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("destination", sa.Column("settings_changed_at", sa.DateTime(timezone=True)))
    op.add_column("destination", sa.Column("held_until", sa.DateTime(timezone=True)))
    op.add_column("destination", sa.Column("unwell", sa.Integer(), server_default="0", nullable=False))
    op.add_column("delivery", sa.Column("request_place", sa.Integer()))
    op.add_column("delivery", sa.Column("request_size", sa.Integer()))
    op.execute(f"GRANT SELECT (held_until) ON destination TO {SYSTEM}")


def downgrade() -> None:
    op.drop_column("delivery", "request_size")
    op.drop_column("delivery", "request_place")
    op.drop_column("destination", "unwell")
    op.drop_column("destination", "held_until")
    op.drop_column("destination", "settings_changed_at")
