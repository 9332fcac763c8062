"""Guard: block lists, marks of nuisance calls, shared reports; what the voice process counts by.

Revision 0015.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from calltrack.migrations.roles import SYSTEM
from calltrack.migrations.tenancy import protect, share, show_to_system

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blocked_caller",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("caller", sa.LargeBinary(), nullable=False),
        sa.Column("caller_hash", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('number', 'prefix')", name=op.f("ck_blocked_caller_kind")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_blocked_caller_company_id_company")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_blocked_caller")),
        sa.UniqueConstraint(
            "company_id", "caller_hash", name=op.f("uq_blocked_caller_company_id_caller_hash")
        ),
    )
    op.create_table(
        "call_spam",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("action", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("told_by", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mark IN ('clean', 'suspect', 'spam')", name=op.f("ck_call_spam_mark")),
        sa.CheckConstraint("action IN ('', 'challenge', 'reject', 'cut')", name=op.f("ck_call_spam_action")),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"],
            ["call.company_id", "call.id"],
            name=op.f("fk_call_spam_company_id_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "call_id", name=op.f("pk_call_spam")),
    )
    op.create_table(
        "spam_report",
        sa.Column("caller_hash", sa.LargeBinary(), nullable=False),
        sa.Column("reporter_hash", sa.LargeBinary(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller_hash", "reporter_hash", name=op.f("pk_spam_report")),
    )
    op.create_index("ix_spam_report_at", "spam_report", ["reported_at"])
    protect("blocked_caller")
    protect("call_spam")
    share("spam_report", "SELECT, INSERT, UPDATE, DELETE")
    # The voice process decides from memory: keyed hashes, and how much was put through today.
    show_to_system("blocked_caller", "company_id", "kind", "caller_hash", "length", "expires_at")
    show_to_system("leg", "company_id", "call_id")
    show_to_system("notice", "company_id", "kind", "resolved_at")
    op.execute(f"GRANT SELECT (number_id, duration_seconds) ON call TO {SYSTEM}")
    op.execute(f"GRANT SELECT ON spam_report TO {SYSTEM}")


def downgrade() -> None:
    op.execute(f"REVOKE SELECT (number_id, duration_seconds) ON call FROM {SYSTEM}")
    for table, columns in (("leg", "company_id, call_id"), ("notice", "company_id, kind, resolved_at")):
        op.execute(f"DROP POLICY system ON {table}")
        op.execute(f"REVOKE SELECT ({columns}) ON {table} FROM {SYSTEM}")
    for table in ("spam_report", "call_spam", "blocked_caller"):
        op.drop_table(table)
