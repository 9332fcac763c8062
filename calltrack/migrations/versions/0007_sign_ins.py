"""Signing in at ad platforms; what the last trial of a destination said.

Revision 0007.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.tenancy import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("destination", sa.Column("access_until", sa.DateTime(timezone=True)))
    op.add_column("destination", sa.Column("trial_at", sa.DateTime(timezone=True)))
    op.add_column("destination", sa.Column("trial_ok", sa.Boolean()))
    op.add_column(
        "destination", sa.Column("trial_said", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
    op.create_table(
        "sign_in_request",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("destination_id", sa.Uuid(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("granted", sa.LargeBinary(), nullable=False),
        sa.Column("access_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_sign_in_request_company_id_company")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_sign_in_request")),
    )
    protect("sign_in_request")


def downgrade() -> None:
    op.drop_table("sign_in_request")
    for name in ("trial_said", "trial_ok", "trial_at", "access_until"):
        op.drop_column("destination", name)
