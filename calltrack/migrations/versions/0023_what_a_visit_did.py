"""What a visit did while it was shown a number, told on its lease: left the page, tapped, reached a contact page.

Revision 0023.
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

COLUMNS = (
    "left_at TIMESTAMP WITH TIME ZONE",
    "contact_at TIMESTAMP WITH TIME ZONE",
    "taps TIMESTAMP WITH TIME ZONE[] DEFAULT '{}' NOT NULL",
)


def upgrade() -> None:
    op.execute("ALTER TABLE lease " + ", ".join(f"ADD COLUMN {column}" for column in COLUMNS))


def downgrade() -> None:
    op.execute("ALTER TABLE lease " + ", ".join(f"DROP COLUMN {column.split()[0]}" for column in COLUMNS))
