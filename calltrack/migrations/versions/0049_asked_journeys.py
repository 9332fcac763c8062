"""Views over journeys of one source find its rows by their day.

Revision 0049.
"""

from alembic import op

revision = "0049"
down_revision = "0043"
branch_labels = None
depends_on = None

STATEMENTS = ("CREATE INDEX ix_journey_source_day ON journey (company_id, source, day) INCLUDE (medium)",)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX ix_journey_source_day")
