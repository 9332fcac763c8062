"""The whole story of a call: legs in detail, prices, polling, kept recordings, transcripts.

Revision 0014, on 0013.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    _polling()
    _recordings()
    _transcripts()
    for table in ("carrier_poll", "call_check", "kept_recording", "transcript"):
        protect(table)
    show_to_system("carrier_poll", "company_id", "account_id", "due_at")
    show_to_system("call_check", "company_id", "call_id", "due_at")
    show_to_system("kept_recording", "company_id", "due_at")
    show_to_system("transcript", "company_id", "due_at")


def _columns() -> dict[str, list[sa.Column[Any]]]:
    return {
        "call": [
            _text("answered_by"),
            _text("hung_up_by"),
            _text("stir"),
            sa.Column("sip_code", sa.Integer(), nullable=True),
            sa.Column("error_code", sa.Integer(), nullable=True),
            sa.Column("message_seconds", sa.Integer(), nullable=True),
            sa.Column("price_micros", sa.BigInteger(), nullable=True),
            _text("price_currency"),
            _text("line_type"),
        ],
        "leg": [
            sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
            sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("ring_seconds", sa.Integer(), nullable=True),
            sa.Column("is_joined", sa.Boolean(), server_default=sa.text("false"), nullable=False),
            sa.Column("sip_code", sa.Integer(), nullable=True),
            sa.Column("price_micros", sa.BigInteger(), nullable=True),
            _text("price_currency"),
        ],
        "recording": [
            sa.Column("channels", sa.Integer(), nullable=True),
            sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        ],
    }


def _polling() -> None:
    op.create_table(
        "carrier_poll",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("polled_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _text("problem"),
        sa.Column("is_refused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("found", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "account_id"],
            ["carrier_account.company_id", "carrier_account.id"],
            name=op.f("fk_carrier_poll_company_id_account_id_carrier_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "account_id", name=op.f("pk_carrier_poll")),
    )
    op.create_table(
        "call_check",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("step IN ('end', 'price', 'late_price')", name=op.f("ck_call_check_step")),
        _of_call("call_check"),
        sa.PrimaryKeyConstraint("company_id", "call_id", name=op.f("pk_call_check")),
    )
    _due_index("call_check")


def _recordings() -> None:
    op.create_table(
        "kept_recording",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("recording_sid", sa.Text(), nullable=False),
        sa.Column("at_carrier", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=True),
        _text("content_type"),
        sa.Column("file_key", sa.LargeBinary(), nullable=True),
        sa.Column("copied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delete_asked_at", sa.DateTime(timezone=True), nullable=True),
        _text("delete_asked_by"),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _text("problem"),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id", "recording_sid"],
            ["recording.company_id", "recording.call_id", "recording.recording_sid"],
            name=op.f("fk_kept_recording_company_id_call_id_recording_sid_recording"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "call_id", "recording_sid", name=op.f("pk_kept_recording")),
    )
    _due_index("kept_recording")


def _transcripts() -> None:
    op.create_table(
        "transcript",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _text("language"),
        sa.Column("words", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("spoken", sa.LargeBinary(), nullable=True),
        sa.Column("search", postgresql.TSVECTOR(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _text("problem"),
        sa.CheckConstraint("state IN ('waiting', 'made', 'failed')", name=op.f("ck_transcript_state")),
        _of_call("transcript"),
        sa.PrimaryKeyConstraint("company_id", "call_id", "source", name=op.f("pk_transcript")),
    )
    op.create_index("ix_transcript_search", "transcript", ["search"], postgresql_using="gin")
    _due_index("transcript")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False)


def _of_call(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["company_id", "call_id"],
        ["call.company_id", "call.id"],
        name=op.f(f"fk_{table}_company_id_call_id_call"),
        ondelete="CASCADE",
    )


def _due_index(table: str) -> None:
    op.create_index(
        f"ix_{table}_due", table, ["company_id", "due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )


def downgrade() -> None:
    for table in ("transcript", "kept_recording", "call_check", "carrier_poll"):
        op.drop_table(table)
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
