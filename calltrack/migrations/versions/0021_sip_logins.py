"""What telephone systems ask of us before they take a call: a user and a password each, sealed.

Revision 0021.
"""

from alembic import op

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE sip_login (
        company_id UUID NOT NULL,
        host TEXT NOT NULL,
        id UUID NOT NULL,
        username TEXT NOT NULL,
        password BYTEA NOT NULL,
        changed_by TEXT NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_sip_login PRIMARY KEY (company_id, host),
        CONSTRAINT fk_sip_login_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
        )
        """
    )
    protect("sip_login")
    show_to_system("sip_login", "company_id", "host", "username", "password")


def downgrade() -> None:
    op.execute("DROP TABLE sip_login")
