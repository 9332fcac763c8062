"""Pages on which one of our numbers stands written, and numbers that are called from nowhere.

Revision 0020.
"""

from alembic import op

from calltrack.migrations.tenancy import protect

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE number_sighting (
        company_id UUID NOT NULL,
        number_id UUID NOT NULL,
        page TEXT NOT NULL,
        first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        times INTEGER NOT NULL,
        CONSTRAINT pk_number_sighting PRIMARY KEY (company_id, number_id, page),
        CONSTRAINT fk_number_sighting_company_id_number_id_tracking_number FOREIGN KEY(company_id, number_id)
            REFERENCES tracking_number (company_id, id) ON DELETE CASCADE
        )
        """
    )
    protect("number_sighting")


def downgrade() -> None:
    op.execute("DROP TABLE number_sighting")
