"""Erasures; calls whose caller was erased; calls we begin count for the caps; recordings kept as before.

Revision 0019.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from calltrack.migrations.roles import SYSTEM
from calltrack.migrations.tenancy import protect, show_to_system

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BEGUN = "id, number_id, state, created_at, ended_at"


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'asked'"), nullable=False),
        sa.Column("call_ids", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("counts", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("problem", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('asked', 'waiting', 'done')", name=op.f("ck_erasure_state")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_erasure_company_id_company")),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_erasure")),
    )
    op.create_index("ix_erasure_due", "erasure", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    protect("erasure")
    show_to_system("erasure", "company_id", "due_at")
    op.add_column("call", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"GRANT SELECT ({BEGUN}) ON outbound_call TO {SYSTEM}")
    # Recordings are deleted after 30 days from now on, and callers forgotten after 25 months. Whoever ran
    # without those limits keeps what there is until somebody chooses: an update deletes nothing.
    for name in ("recording_days", "history_days"):
        op.execute(
            f"UPDATE company SET settings = settings || '{{\"{name}\": 0}}' WHERE NOT settings ? '{name}'"
        )


def downgrade() -> None:
    op.execute(f"REVOKE SELECT ({BEGUN}) ON outbound_call FROM {SYSTEM}")
    op.drop_column("call", "erased_at")
    op.drop_table("erasure")
