"""Visitors are found by the call that linked them: each call asked for all of its company's.

Revision 0018.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_person_visitor_call", "person_visitor", ["company_id", "call_id"])


def downgrade() -> None:
    op.drop_index("ix_person_visitor_call", "person_visitor")
