"""What tells how likely a visit is to call: device, returning, time seen, contact page, a copied number; forms.

The edge's functions take more words now. Those of before stay beside them: during a deploy the old code runs on.

Revision 0022.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.roles import APP
from calltrack.migrations.tenancy import protect

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

COLUMNS = {
    "visit": (
        "device TEXT DEFAULT '' NOT NULL",
        "is_returning BOOLEAN DEFAULT false NOT NULL",
        "visible_ms INTEGER DEFAULT 0 NOT NULL",
        "saw_contact BOOLEAN DEFAULT false NOT NULL",
    ),
    "page_view": ("kind TEXT DEFAULT '' NOT NULL",),
    "lease": ("copied_at TIMESTAMP WITH TIME ZONE",),
}
# No visitor is seen longer than since he was last seen, whatever his browser says; two seconds for the way.
VISIBLE = (
    "LEAST(86400000, visible_ms + GREATEST(0, LEAST(p_visible_ms, "
    "2000 + 1000 * EXTRACT(EPOCH FROM v_now - last_seen_at)::int)))"
)
CONTACT = "saw_contact = saw_contact OR p_kind = 'contact'"
BEFORE = {
    "edge_visit": "edge_visit(uuid, uuid, uuid, uuid, uuid[], uuid[], uuid[], boolean[], text, text, text, text, "
    "text, text, text, text, jsonb, jsonb, jsonb, text, text, text, text, text)",
    "edge_beat": "edge_beat(uuid, uuid, uuid, uuid, uuid[], text)",
    "edge_tap": "edge_tap(uuid, uuid, uuid, text)",
}
AFTER = (
    BEFORE["edge_visit"].removesuffix(")") + ", text, text)",
    BEFORE["edge_beat"].removesuffix(")") + ", text, integer)",
    BEFORE["edge_tap"].removesuffix(")") + ", boolean)",
)
CHANGES = {
    "edge_visit": (
        ("p_title text, OUT", "p_title text, p_device text, p_kind text, OUT"),
        ("SET last_seen_at = v_now,", f"SET last_seen_at = v_now, {CONTACT},"),
        ("landing_url, consent, user_agent)", "landing_url, consent, user_agent, device, is_returning, saw_contact)"),
        ("p_consent, p_user_agent);",
         "p_consent, p_user_agent, p_device, v_previous IS NOT NULL, p_kind = 'contact');"),
        ("at, page, title)", "at, page, title, kind)"),
        ("v_now, p_page, p_title);", "v_now, p_page, p_title, p_kind);"),
    ),
    "edge_beat": (
        ("p_page text, OUT", "p_page text, p_kind text, p_visible_ms integer, OUT"),
        ("UPDATE visit SET last_seen_at = v_now\n",
         f"UPDATE visit SET last_seen_at = v_now, {CONTACT}, visible_ms = {VISIBLE}\n"),
        ("user_agent, is_demo)\n", "user_agent, is_demo, device, is_returning, saw_contact)\n"),
        ("user_agent, is_demo\n", "user_agent, is_demo, device, true, p_kind = 'contact'\n"),
        ("at, page, title)", "at, page, title, kind)"),
        ("v_now, p_page, ''\n", "v_now, p_page, '', p_kind\n"),
    ),
    "edge_tap": (
        ("p_ending text)", "p_ending text, p_is_copy boolean)"),
        ("SET tapped_at = clock_timestamp()",
         "SET tapped_at = CASE WHEN p_is_copy THEN tapped_at ELSE clock_timestamp() END, "
         "copied_at = CASE WHEN p_is_copy THEN clock_timestamp() ELSE copied_at END"),
    ),
}  # fmt: skip


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        op.execute(f"ALTER TABLE {table} " + ", ".join(f"ADD COLUMN {column}" for column in columns))
    op.execute(
        """
        CREATE TABLE visitor_phone (
        company_id UUID NOT NULL,
        id UUID NOT NULL,
        visitor_id UUID NOT NULL,
        visit_id UUID NOT NULL,
        phone_hash BYTEA NOT NULL,
        phone BYTEA NOT NULL,
        told_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_visitor_phone PRIMARY KEY (company_id, id),
        CONSTRAINT uq_visitor_phone_company_id_visitor_id_phone_hash
            UNIQUE (company_id, visitor_id, phone_hash)
        )
        """
    )
    op.create_index("ix_visitor_phone_hash", "visitor_phone", ["company_id", "phone_hash"])
    protect("visitor_phone")
    for name, signature in BEFORE.items():
        _beside(signature, CHANGES[name])
    for signature in AFTER:
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {APP}")


def downgrade() -> None:
    for signature in AFTER:
        op.execute(f"DROP FUNCTION {signature}")
    op.execute("DROP TABLE visitor_phone")
    for table, columns in COLUMNS.items():
        names = (column.split()[0] for column in columns)
        op.execute(f"ALTER TABLE {table} " + ", ".join(f"DROP COLUMN {name}" for name in names))


def _beside(signature: str, changes: tuple[tuple[str, str], ...]) -> None:
    """Make a function of more words out of one that stays."""
    connection = op.get_bind()
    text = connection.scalar(
        sa.text("SELECT pg_get_functiondef(CAST(:name AS regprocedure))"), {"name": signature}
    )
    assert text is not None
    for old, new in changes:
        assert text.count(old) == 1, (signature, old)
        text = text.replace(old, new)
    connection.exec_driver_sql(text.replace("%", "%%"))
