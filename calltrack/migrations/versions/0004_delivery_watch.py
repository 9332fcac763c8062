"""The verdict before sending, daily comparisons with the platforms, and notices.

Revision 0004.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.tenancy import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("preflight", "preflight_code", "preflight_reason"):
        op.add_column("delivery", sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("delivery", sa.Column("preflight_until", sa.DateTime(timezone=True)))
    op.add_column("delivery", sa.Column("preflight_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_delivery_preflight"), "delivery", "preflight IN ('', 'send', 'wait', 'never')"
    )
    op.create_index(
        "ix_delivery_trouble",
        "delivery",
        ["company_id", "state", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('rejected', 'unknown', 'parked', 'withheld')"),
    )
    _tally()
    _notice()


def downgrade() -> None:
    op.drop_table("notice")
    op.drop_table("delivery_tally")
    op.drop_index("ix_delivery_trouble", "delivery")
    op.drop_constraint(op.f("ck_delivery_preflight"), "delivery")
    for name in ("preflight_at", "preflight_until", "preflight_reason", "preflight_code", "preflight"):
        op.drop_column("delivery", name)


def _tally() -> None:
    op.create_table(
        "delivery_tally",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("destination_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=True),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("refused", sa.Integer(), nullable=True),
        sa.Column("difference", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "destination_id"],
            ["destination.company_id", "destination.id"],
            name=op.f("fk_delivery_tally_company_id_destination_id_destination"),
        ),
        sa.PrimaryKeyConstraint("company_id", "destination_id", "day", name=op.f("pk_delivery_tally")),
    )
    protect("delivery_tally")


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("level IN ('action', 'info')", name=op.f("ck_notice_level")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_notice_company_id_company")),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_notice")),
    )
    op.create_index(
        "ix_notice_open",
        "notice",
        ["company_id", "kind", "subject"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    protect("notice")
