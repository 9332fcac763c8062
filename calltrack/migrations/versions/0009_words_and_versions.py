"""Conversions: what was said about a call, the versions of a company's rules, the verdict on each call.

Revision 0009.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from calltrack.migrations.tenancy import protect

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

VIAS = "'rule', 'dashboard', 'api', 'crm', 'import', 'link', 'call_back'"
TABLES = ("outcome_word", "rule_version", "call_verdict")


def upgrade() -> None:
    op.create_table(
        "outcome_word",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('purchase', 'lead', 'none', 'refund', 'cancelled')", name=op.f("ck_outcome_word_kind")
        ),
        sa.CheckConstraint(f"via IN ({VIAS})", name=op.f("ck_outcome_word_via")),
        _of_call("outcome_word"),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_outcome_word")),
    )
    op.create_index("ix_outcome_word_call", "outcome_word", ["company_id", "call_id"])
    op.create_index(
        "ix_outcome_word_external",
        "outcome_word",
        ["company_id", "external_id"],
        postgresql_where=sa.text("external_id <> ''"),
    )
    op.create_table(
        "rule_version",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tree", postgresql.JSONB(), nullable=False),
        sa.Column("applies_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("again_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("again_judged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("again_changed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("again_done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_rule_version_company_id_company")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_rule_version")),
        sa.UniqueConstraint("company_id", "number", name=op.f("uq_rule_version_company_id_number")),
    )
    op.create_table(
        "call_verdict",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mark IN ('lead', 'purchase', 'nothing')", name=op.f("ck_call_verdict_mark")),
        _of_call("call_verdict"),
        sa.PrimaryKeyConstraint("company_id", "call_id", name=op.f("pk_call_verdict")),
    )
    for table in TABLES:
        protect(table)


def _of_call(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["company_id", "call_id"],
        ["call.company_id", "call.id"],
        name=op.f(f"fk_{table}_company_id_call_id_call"),
        ondelete="CASCADE",
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
