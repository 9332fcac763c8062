"""Reports of a segment find the few calls that are no part of a journey without reading all calls of a time.

Revision 0045.
"""

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_call_odd ON call (company_id, started_at)"
        " WHERE outcome IS NULL OR outcome IN ('blocked', 'over_limit')"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_call_odd")
