"""A choice joins figures instead of grouping rows.

Revision 0044.
"""

from calltrack.migrations.edge_0044.choice import CHOOSE
from calltrack.migrations.rewriting import restore, rewrite

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    rewrite({"edge_choose": CHOOSE})


def downgrade() -> None:
    restore({"edge_choose": CHOOSE})
