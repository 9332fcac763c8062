"""Persons by the day of their first touch: a segment's journeys are counted from their rows.

Revision 0040.
"""

from alembic import op

revision = "0040"
down_revision = "0036"
branch_labels = None
depends_on = None

INDEX = "CREATE INDEX ix_journey_person_day ON journey (company_id, day) WHERE is_person"


def upgrade() -> None:
    op.execute(INDEX)


def downgrade() -> None:
    op.execute("DROP INDEX ix_journey_person_day")
