"""Checks of an installation, e-mail addresses typed into forms, and the builds of the snippet ever served.

Revision 0027.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.tenancy import protect, share, show_to_system

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE install_check (
        company_id UUID NOT NULL,
        id UUID NOT NULL,
        site_id UUID NOT NULL,
        page TEXT NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE,
        fetched JSONB,
        seen JSONB DEFAULT '[]' NOT NULL,
        inside JSONB,
        due_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_install_check PRIMARY KEY (company_id, id),
        CONSTRAINT fk_install_check_company_id_site_id_site FOREIGN KEY(company_id, site_id)
            REFERENCES site (company_id, id) ON DELETE CASCADE
        )
        """
    )
    op.create_index(
        "ix_install_check_due", "install_check", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )
    protect("install_check")
    show_to_system("install_check", "company_id", "due_at")
    op.execute(
        """
        CREATE TABLE visitor_email (
        company_id UUID NOT NULL,
        id UUID NOT NULL,
        visitor_id UUID NOT NULL,
        visit_id UUID NOT NULL,
        email_hash BYTEA NOT NULL,
        email BYTEA NOT NULL,
        told_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_visitor_email PRIMARY KEY (company_id, id),
        CONSTRAINT uq_visitor_email_company_id_visitor_id_email_hash
            UNIQUE (company_id, visitor_id, email_hash)
        )
        """
    )
    op.create_index("ix_visitor_email_hash", "visitor_email", ["company_id", "email_hash"])
    protect("visitor_email")
    op.execute(
        """
        CREATE TABLE snippet_build (
        version TEXT NOT NULL,
        script BYTEA NOT NULL,
        first_served_at TIMESTAMP WITH TIME ZONE NOT NULL,
        last_served_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_snippet_build PRIMARY KEY (version)
        )
        """
    )
    share("snippet_build", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    for table in ("snippet_build", "visitor_email", "install_check"):
        op.execute(f"DROP TABLE {table}")
