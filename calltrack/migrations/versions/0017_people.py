"""What people do about calls: tags, notes, work, missed calls, calls we begin, messages, automations.

Revision 0017.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = (
    "call_tag",
    "carrier_report",
    "message_thread",
    "location_contact",
    "own_phone",
    "message",
    "automation",
    "call_note",
    "call_tagged",
    "call_work",
    "missed_call",
    "outbound_call",
)
# Where the system role may see that something is due.
DUE = ("automation", "message", "outbound_call")


def upgrade() -> None:
    _make_people()
    _make_calls()
    _make_messages()
    for table in TABLES:
        protect(table)
    for table in DUE:
        show_to_system(table, "company_id", "due_at")


def _make_people() -> None:
    op.create_table(
        "call_tag",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_call_tag_company_id_company")),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_call_tag")),
        sa.UniqueConstraint("company_id", "key", name=op.f("uq_call_tag_company_id_key")),
    )
    op.create_table(
        "call_note",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"],
            ["call.company_id", "call.id"],
            name=op.f("fk_call_note_company_id_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_call_note")),
    )
    op.create_index("ix_call_note_call", "call_note", ["company_id", "call_id"], unique=False)
    op.create_table(
        "call_tagged",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("tagged_by", sa.Text(), nullable=False),
        sa.Column("tagged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"],
            ["call.company_id", "call.id"],
            name=op.f("fk_call_tagged_company_id_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "tag_id"],
            ["call_tag.company_id", "call_tag.id"],
            name=op.f("fk_call_tagged_company_id_tag_id_call_tag"),
        ),
        sa.PrimaryKeyConstraint("company_id", "call_id", "tag_id", name=op.f("pk_call_tagged")),
    )
    op.create_index("ix_call_tagged_tag", "call_tagged", ["company_id", "tag_id", "call_id"], unique=False)
    op.create_table(
        "call_work",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('open', 'contacted', 'quoted', 'won', 'lost')", name=op.f("ck_call_work_status")
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"],
            ["call.company_id", "call.id"],
            name=op.f("fk_call_work_company_id_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "call_id", name=op.f("pk_call_work")),
    )
    op.create_index("ix_call_work_status", "call_work", ["company_id", "status", "call_id"], unique=False)
    op.create_table(
        "missed_call",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("caller_hash", sa.LargeBinary(), nullable=True),
        sa.Column("missed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'reached', 'came_back', 'closed')", name=op.f("ck_missed_call_state")
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"],
            ["call.company_id", "call.id"],
            name=op.f("fk_missed_call_company_id_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "call_id", name=op.f("pk_missed_call")),
    )
    op.create_index("ix_missed_call_caller", "missed_call", ["company_id", "caller_hash"], unique=False)
    op.create_index("ix_missed_call_state", "missed_call", ["company_id", "state", "missed_at"], unique=False)
    op.create_table(
        "automation",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("words", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('alert', 'text_back', 'ask', 'ask_back')", name=op.f("ck_automation_kind")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'doing', 'done', 'skipped', 'failed')", name=op.f("ck_automation_state")
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"],
            ["call.company_id", "call.id"],
            name=op.f("fk_automation_company_id_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "call_id", "kind", name=op.f("pk_automation")),
    )
    op.create_index(
        "ix_automation_due",
        "automation",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def _make_calls() -> None:
    op.create_table(
        "carrier_report",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=True),
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_carrier_report_company_id_company")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_carrier_report")),
        sa.UniqueConstraint("company_id", "key", name=op.f("uq_carrier_report_company_id_key")),
    )
    op.create_index("ix_carrier_report_about", "carrier_report", ["company_id", "about"], unique=False)
    op.create_table(
        "outbound_call",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("to_number", sa.LargeBinary(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'intended'"), nullable=False),
        sa.Column("call_sid", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("digits", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("keyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("talk_seconds", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("caller_status", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("kind IN ('back', 'score', 'verify')", name=op.f("ck_outbound_call_kind")),
        sa.CheckConstraint(
            "state IN ('intended', 'placed', 'over', 'refused', 'unknown')",
            name=op.f("ck_outbound_call_state"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"],
            ["call.company_id", "call.id"],
            name=op.f("fk_outbound_call_company_id_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "number_id"],
            ["tracking_number.company_id", "tracking_number.id"],
            name=op.f("fk_outbound_call_company_id_number_id_tracking_number"),
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_outbound_call")),
    )
    op.create_index("ix_outbound_call_call", "outbound_call", ["company_id", "call_id"], unique=False)
    op.create_index(
        "ix_outbound_call_due",
        "outbound_call",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "uq_outbound_call_score",
        "outbound_call",
        ["company_id", "call_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'score'"),
    )
    op.create_table(
        "own_phone",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("code_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wrong_codes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("first_asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"],
            ["membership.company_id", "membership.user_id"],
            name=op.f("fk_own_phone_company_id_user_id_membership"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "user_id", name=op.f("pk_own_phone")),
    )


def _make_messages() -> None:
    op.create_table(
        "message_thread",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("party", sa.LargeBinary(), nullable=False),
        sa.Column("party_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unread", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("line_type", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("line_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_message_thread_company_id_company")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_message_thread")),
        sa.UniqueConstraint("company_id", "party_hash", name=op.f("uq_message_thread_company_id_party_hash")),
    )
    op.create_index("ix_message_thread_last", "message_thread", ["company_id", "last_at"], unique=False)
    op.create_table(
        "message",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=True),
        sa.Column("once", sa.Text(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("medium", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("campaign", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("media", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("problem", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('received', 'answer', 'text_back', 'outcome_link', 'forward')",
            name=op.f("ck_message_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('due', 'sending', 'queued', 'sent', 'delivered', 'undelivered', 'failed', 'refused', 'unknown', 'dropped', 'received')",
            name=op.f("ck_message_state"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "number_id"],
            ["tracking_number.company_id", "tracking_number.id"],
            name=op.f("fk_message_company_id_number_id_tracking_number"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "thread_id"],
            ["message_thread.company_id", "message_thread.id"],
            name=op.f("fk_message_company_id_thread_id_message_thread"),
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_message")),
        sa.UniqueConstraint("company_id", "once", name=op.f("uq_message_company_id_once")),
        sa.UniqueConstraint("company_id", "sid", name=op.f("uq_message_company_id_sid")),
    )
    op.create_index(
        "ix_message_due", "message", ["due_at"], unique=False, postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_index("ix_message_thread", "message", ["company_id", "thread_id", "at"], unique=False)
    op.create_table(
        "location_contact",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("mobile", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "location_id"],
            ["location.company_id", "location.id"],
            name=op.f("fk_location_contact_company_id_location_id_location"),
        ),
        sa.PrimaryKeyConstraint("company_id", "location_id", name=op.f("pk_location_contact")),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
