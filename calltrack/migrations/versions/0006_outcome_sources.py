"""Outcomes from outside: the inbox, contacts, imported files, the CRM's address and one-click links.

Revision 0006.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    "outcome_inbox", "outcome_key", "outcome_subject", "contact", "outcome_import", "outcome_import_part",
    "outcome_door",
)  # fmt: skip


def upgrade() -> None:
    _inbox()
    _imports()
    op.create_table(
        "contact",
        _id("company_id"), _id("call_id"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("email_hash", sa.LargeBinary()),
        _time("told_at"),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"], ["call.company_id", "call.id"],
            name="fk_contact_company_id_call_id_call", ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "call_id", name="pk_contact"),
    )  # fmt: skip
    op.create_index("ix_contact_email", "contact", ["company_id", "email_hash"])
    op.create_table(
        "outcome_door",
        _id("company_id"),
        sa.Column("hook_hash", sa.LargeBinary()),
        sa.Column("hook_token", sa.LargeBinary()),
        sa.Column("mapping", postgresql.JSONB(), nullable=False),
        sa.Column("link_secret", sa.LargeBinary()),
        _time("hook_used_at", nullable=True),
        _time("changed_at"),
        sa.PrimaryKeyConstraint("company_id", name="pk_outcome_door"),
    )
    for table in TABLES:
        protect(table)
    show_to_system("outcome_inbox", "company_id", "id", "state", "due_at")
    show_to_system("outcome_import", "company_id", "id", "state", "due_at")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _inbox() -> None:
    op.create_table(
        "outcome_inbox",
        _id("company_id"), _id("id"), _text("via"), _text("told_by"), _text("outcome"), _text("order_id"),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        _time("received_at"), _text("state"), _text("reason"),
        sa.Column("tries", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _time("tried_at"), _time("due_at", nullable=True),
        sa.Column("call_id", sa.Uuid()),
        _time("settled_at", nullable=True),
        sa.Column("settled_by", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(
            "state IN ('unmatched', 'matched', 'dismissed')", name=op.f("ck_outcome_inbox_state")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name="pk_outcome_inbox"),
    )  # fmt: skip
    op.create_index("ix_outcome_inbox_subject", "outcome_inbox", ["company_id", "subject", "id"])
    op.create_index("ix_outcome_inbox_state", "outcome_inbox", ["company_id", "state", "id"])
    _due("outcome_inbox")
    op.create_table(
        "outcome_key",
        _id("company_id"),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        _id("inbox_id"),
        sa.ForeignKeyConstraint(
            ["company_id", "inbox_id"], ["outcome_inbox.company_id", "outcome_inbox.id"],
            name="fk_outcome_key_company_id_inbox_id_outcome_inbox", ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "key", "inbox_id", name="pk_outcome_key"),
    )  # fmt: skip
    op.create_index("ix_outcome_key_inbox", "outcome_key", ["company_id", "inbox_id"])
    op.create_table(
        "outcome_subject",
        _id("company_id"),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        _time("changed_at"),
        sa.PrimaryKeyConstraint("company_id", "subject", name="pk_outcome_subject"),
    )


def _imports() -> None:
    op.create_table(
        "outcome_import",
        _id("company_id"), _id("id"), _text("name"), _text("state"), _time("created_at"), _text("created_by"),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        _text("encoding"), _text("delimiter"),
        sa.Column("header", postgresql.JSONB(), nullable=False),
        sa.Column("plan", postgresql.JSONB(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("next_part", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        _time("due_at", nullable=True), _time("finished_at", nullable=True),
        sa.Column("problem", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'trying', 'tried', 'applying', 'applied', 'failed')",
            name=op.f("ck_outcome_import_state"),
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name="pk_outcome_import"),
    )  # fmt: skip
    _due("outcome_import")
    op.create_table(
        "outcome_import_part",
        _id("company_id"), _id("import_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.Column("results", sa.LargeBinary()),
        sa.ForeignKeyConstraint(
            ["company_id", "import_id"], ["outcome_import.company_id", "outcome_import.id"],
            name="fk_outcome_import_part_company_id_import_id_outcome_import", ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "import_id", "number", name="pk_outcome_import_part"),
    )  # fmt: skip


def _id(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=False)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _due(table: str) -> None:
    op.create_index(f"ix_{table}_due", table, ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
