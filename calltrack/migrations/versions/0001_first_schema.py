"""The first schema: every room's tables, the walls between tenants, monthly partitions.

Revision 0001.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from calltrack.migrations.roles import APP, SYSTEM
from calltrack.migrations.tenancy import protect, share, show_to_system

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Tables of one company: company_id first in the primary key, row-level security forced.
TENANT_TABLES = (
    "membership", "api_key", "location", "site", "carrier_account", "audit_entry", "idempotency_key",
    "pool", "tracking_number", "number_slot", "lease", "site_target",
    "visit", "page_view", "call_event", "call", "leg", "recording",
    "person", "person_caller", "person_visitor", "attribution",
    "conversion", "conversion_change", "destination", "delivery", "delivery_attempt", "outbox",
)  # fmt: skip
# Tables of no company.
SHARED_TABLES = ("agency", "company", "user_account", "login_session", "number_claim", "unknown_call")
PARTITIONED = ("visit", "page_view", "call_event")
# What the system role may read of all companies: ids, routes and due times, nothing of a caller or visitor.
SYSTEM_COLUMNS = {
    "membership": ("company_id", "user_id", "role"),
    "location": (
        "company_id", "id", "name", "city", "forward_to", "ring_seconds", "announcement", "language", "whisper",
        "voicemail", "record",
    ),
    "site": ("company_id", "id", "key", "origins"),
    "carrier_account": ("company_id", "id", "carrier", "account_sid", "auth_token"),
    "pool": ("company_id", "id", "location_id", "lease_seconds", "cooldown_seconds"),
    "tracking_number": (
        "company_id", "id", "e164", "kind", "pool_id", "location_id", "carrier_account_id", "source", "medium",
        "campaign", "released_at",
    ),
    "site_target": ("company_id", "site_id", "target", "location_id", "pool_id"),
    "call": ("company_id", "id", "started_at", "ended_at", "changed_at"),
    "destination": ("company_id", "id", "kind", "status"),
    "delivery": ("company_id", "id", "destination_id", "state", "due_at", "request_id", "planned_at"),
    "outbox": ("company_id", "id", "kind", "due_at", "done_at", "recorded_at", "failures"),
}  # fmt: skip


def upgrade() -> None:
    _create_tables()
    for table in TENANT_TABLES:
        protect(table)
    for table, columns in SYSTEM_COLUMNS.items():
        show_to_system(table, *columns)
    for table in SHARED_TABLES:
        share(table)
    op.execute(f"GRANT DELETE ON login_session, number_claim, agency, company, user_account TO {APP}")
    op.execute(f"GRANT SELECT ON company, number_claim TO {SYSTEM}")
    op.execute(f"REVOKE UPDATE ON audit_entry FROM {APP}")
    op.execute(f"GRANT SELECT ON alembic_version TO {APP}, {SYSTEM}")
    _create_partitioning()


def _create_partitioning() -> None:
    for table in PARTITIONED:
        op.execute(f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT")
    op.execute(
        """
        CREATE FUNCTION first_id_of(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
            SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
        $$
        """
    )
    names = ", ".join(f"'{table}'" for table in PARTITIONED)
    op.execute(
        f"""
        CREATE FUNCTION make_partitions(since timestamptz, until timestamptz) RETURNS int
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
        DECLARE
            month timestamptz; parent text; child text; made int := 0;
        BEGIN
            FOR month IN SELECT generate_series(date_trunc('month', since), until, interval '1 month') LOOP
                FOREACH parent IN ARRAY ARRAY[{names}] LOOP
                    child := parent || to_char(month, '_YYYY_MM');
                    IF to_regclass(child) IS NULL THEN
                        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                            child, parent, first_id_of(month), first_id_of(month + interval '1 month'));
                        made := made + 1;
                    END IF;
                END LOOP;
            END LOOP;
            RETURN made;
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION make_partitions(timestamptz, timestamptz) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION make_partitions(timestamptz, timestamptz) TO {APP}, {SYSTEM}")


def downgrade() -> None:
    raise SystemExit("The first migration has no way back: restore a backup instead.")


def _create_tables() -> None:
    op.create_table(
        "agency",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
    )
    op.create_table(
        "call_event",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_sid", sa.Text(), nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_call_event")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_call_event_call", "call_event", ["company_id", "call_sid"], unique=False)
    op.create_table(
        "lease",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("shown_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shown_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_overflow", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("tapped_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_lease")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("ix_lease_number", "lease", ["company_id", "number_id", "shown_from"], unique=False)
    op.create_index("ix_lease_visit", "lease", ["company_id", "visit_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_outbox")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["company_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "page_view",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_page_view")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_page_view_visit", "page_view", ["company_id", "visit_id"], unique=False)
    op.create_table(
        "person",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_person")),
    )
    op.create_table(
        "unknown_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_sid", sa.Text(), nullable=False),
        sa.Column("call_sid", sa.Text(), nullable=False),
        sa.Column("to_number", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unknown_call")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
    )
    op.create_table(
        "visit",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visitor_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("click_ids", postgresql.JSONB(), nullable=False),
        sa.Column("ad_cookies", postgresql.JSONB(), nullable=False),
        sa.Column("referrer", sa.Text(), nullable=False),
        sa.Column("landing_url", sa.Text(), nullable=False),
        sa.Column("consent", postgresql.JSONB(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_visit")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_visit_visitor", "visit", ["company_id", "visitor_id"], unique=False)
    op.create_table(
        "company",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_company_agency_id_agency")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
    )
    op.create_index("ix_company_agency_id", "company", ["agency_id"], unique=False)
    op.create_table(
        "login_session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_login_session_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_login_session")),
    )
    op.create_index("ix_login_session_user_id", "login_session", ["user_id"], unique=False)
    op.create_table(
        "person_caller",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("caller_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "person_id"],
            ["person.company_id", "person.id"],
            name=op.f("fk_person_caller_company_id_person_id_person"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "caller_hash", name=op.f("pk_person_caller")),
    )
    op.create_index("ix_person_caller_person", "person_caller", ["company_id", "person_id"], unique=False)
    op.create_table(
        "person_visitor",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("visitor_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "person_id"],
            ["person.company_id", "person.id"],
            name=op.f("fk_person_visitor_company_id_person_id_person"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "visitor_id", name=op.f("pk_person_visitor")),
    )
    op.create_index("ix_person_visitor_person", "person_visitor", ["company_id", "person_id"], unique=False)
    op.create_table(
        "api_key",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('owner', 'manager', 'viewer')", name=op.f("ck_api_key_role")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_api_key_company_id_company")),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_api_key")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_audit_entry_company_id_company")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "carrier_account",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.Text(), server_default=sa.text("'twilio'"), nullable=False),
        sa.Column("account_sid", sa.Text(), nullable=False),
        sa.Column("auth_token", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_carrier_account_company_id_company")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_carrier_account")),
    )
    op.create_table(
        "destination",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("status_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("status IN ('active', 'paused', 'removed')", name=op.f("ck_destination_status")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_destination_company_id_company")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_destination")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_idempotency_key_company_id_company")
        ),
        sa.PrimaryKeyConstraint("company_id", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_table(
        "location",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("forward_to", sa.Text(), nullable=False),
        sa.Column("ring_seconds", sa.Integer(), server_default=sa.text("18"), nullable=False),
        sa.Column("announcement", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("language", sa.Text(), server_default=sa.text("'it-IT'"), nullable=False),
        sa.Column("whisper", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("voicemail", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("record", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_location_company_id_company")),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_location")),
    )
    op.create_table(
        "membership",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'manager', 'viewer')", name=op.f("ck_membership_role")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_membership_company_id_company")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_membership_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("company_id", "user_id", name=op.f("pk_membership")),
    )
    op.create_table(
        "number_claim",
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_number_claim_company_id_company")
        ),
        sa.PrimaryKeyConstraint("e164", name=op.f("pk_number_claim")),
    )
    op.create_table(
        "site",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("origins", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_site_company_id_company")),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_site")),
        sa.UniqueConstraint("company_id", "key", name=op.f("uq_site_company_id_key")),
    )
    op.create_index("ix_site_key", "site", ["key"], unique=False)
    op.create_table(
        "pool",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lease_seconds", sa.Integer(), server_default=sa.text("150"), nullable=False),
        sa.Column("cooldown_seconds", sa.Integer(), server_default=sa.text("60"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "location_id"],
            ["location.company_id", "location.id"],
            name=op.f("fk_pool_company_id_location_id_location"),
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_pool_company_id_company")),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_pool")),
    )
    op.create_table(
        "site_target",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "location_id"],
            ["location.company_id", "location.id"],
            name=op.f("fk_site_target_company_id_location_id_location"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "pool_id"],
            ["pool.company_id", "pool.id"],
            name=op.f("fk_site_target_company_id_pool_id_pool"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "site_id"],
            ["site.company_id", "site.id"],
            name=op.f("fk_site_target_company_id_site_id_site"),
        ),
        sa.PrimaryKeyConstraint("company_id", "site_id", "target", name=op.f("pk_site_target")),
    )
    op.create_table(
        "tracking_number",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=True),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("carrier_account_id", sa.Uuid(), nullable=False),
        sa.Column("carrier_number_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("source", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("medium", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("campaign", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind = 'static' OR pool_id IS NOT NULL", name=op.f("ck_tracking_number_pool")),
        sa.CheckConstraint("kind IN ('pool', 'overflow', 'static')", name=op.f("ck_tracking_number_kind")),
        sa.ForeignKeyConstraint(
            ["company_id", "location_id"],
            ["location.company_id", "location.id"],
            name=op.f("fk_tracking_number_company_id_location_id_location"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "pool_id"],
            ["pool.company_id", "pool.id"],
            name=op.f("fk_tracking_number_company_id_pool_id_pool"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_tracking_number_company_id_company")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_tracking_number")),
        sa.UniqueConstraint("company_id", "e164", name=op.f("uq_tracking_number_company_id_e164")),
    )
    op.create_index("ix_tracking_number_pool", "tracking_number", ["company_id", "pool_id"], unique=False)
    op.create_table(
        "call",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_sid", sa.Text(), nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("caller", sa.LargeBinary(), nullable=True),
        sa.Column("caller_hash", sa.LargeBinary(), nullable=True),
        sa.Column("caller_city", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("caller_country", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ring_seconds", sa.Integer(), nullable=True),
        sa.Column("duration_seconds", sa.Integer(), nullable=True),
        sa.Column("talk_seconds", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_bridged", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("was_spooled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "status IN ('ringing', 'in_progress', 'completed', 'busy', 'no_answer', 'failed', 'canceled')",
            name=op.f("ck_call_status"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "location_id"],
            ["location.company_id", "location.id"],
            name=op.f("fk_call_company_id_location_id_location"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "number_id"],
            ["tracking_number.company_id", "tracking_number.id"],
            name=op.f("fk_call_company_id_number_id_tracking_number"),
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_call")),
        sa.UniqueConstraint("company_id", "call_sid", name=op.f("uq_call_company_id_call_sid")),
    )
    op.create_index("ix_call_caller", "call", ["company_id", "caller_hash", "started_at"], unique=False)
    op.create_index("ix_call_changed", "call", ["company_id", "changed_at"], unique=False)
    op.create_index("ix_call_started", "call", ["company_id", "started_at"], unique=False)
    op.create_table(
        "number_slot",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id", "number_id"],
            ["tracking_number.company_id", "tracking_number.id"],
            name=op.f("fk_number_slot_company_id_number_id_tracking_number"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "number_id", name=op.f("pk_number_slot")),
        postgresql_with={
            "fillfactor": "50",
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "500",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    op.create_index(
        "ix_number_slot_idle", "number_slot", ["company_id", "pool_id", "busy_until"], unique=False
    )
    op.create_table(
        "attribution",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("p_nobody", sa.Double(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("p_campaign", sa.Double(), nullable=False),
        sa.Column("candidates", postgresql.JSONB(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"],
            ["call.company_id", "call.id"],
            name=op.f("fk_attribution_company_id_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_attribution")),
    )
    op.create_index(
        "ix_attribution_call",
        "attribution",
        ["company_id", "call_id"],
        unique=True,
        postgresql_where=sa.text("is_current"),
    )
    op.create_index("ix_attribution_visit", "attribution", ["company_id", "visit_id"], unique=False)
    op.create_table(
        "conversion",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("kind IN ('lead', 'purchase')", name=op.f("ck_conversion_kind")),
        sa.CheckConstraint("status IN ('counted', 'retracted')", name=op.f("ck_conversion_status")),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"],
            ["call.company_id", "call.id"],
            name=op.f("fk_conversion_company_id_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_conversion")),
        sa.UniqueConstraint(
            "company_id", "call_id", "kind", name=op.f("uq_conversion_company_id_call_id_kind")
        ),
    )
    op.create_index("ix_conversion_occurred", "conversion", ["company_id", "occurred_at"], unique=False)
    op.create_index("ix_conversion_person", "conversion", ["company_id", "person_id"], unique=False)
    op.create_table(
        "leg",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("leg_sid", sa.Text(), nullable=False),
        sa.Column("to_number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"],
            ["call.company_id", "call.id"],
            name=op.f("fk_leg_company_id_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "call_id", "leg_sid", name=op.f("pk_leg")),
    )
    op.create_table(
        "recording",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("recording_sid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id", "call_id"],
            ["call.company_id", "call.id"],
            name=op.f("fk_recording_company_id_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "call_id", "recording_sid", name=op.f("pk_recording")),
    )
    op.create_table(
        "conversion_change",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversion_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "action IN ('create', 'restate', 'retract')", name=op.f("ck_conversion_change_action")
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "conversion_id"],
            ["conversion.company_id", "conversion.id"],
            name=op.f("fk_conversion_change_company_id_conversion_id_conversion"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_conversion_change")),
        sa.UniqueConstraint(
            "company_id",
            "conversion_id",
            "sequence",
            name=op.f("uq_conversion_change_company_id_conversion_id_sequence"),
        ),
    )
    op.create_table(
        "delivery",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("destination_id", sa.Uuid(), nullable=False),
        sa.Column("conversion_id", sa.Uuid(), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("last_class", sa.Text(), nullable=True),
        sa.Column("explanation", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'accepted', 'confirmed', 'rejected', 'unknown', 'parked', 'withheld')",
            name=op.f("ck_delivery_state"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "conversion_id"],
            ["conversion.company_id", "conversion.id"],
            name=op.f("fk_delivery_company_id_conversion_id_conversion"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "destination_id"],
            ["destination.company_id", "destination.id"],
            name=op.f("fk_delivery_company_id_destination_id_destination"),
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "company_id",
            "destination_id",
            "change_id",
            name=op.f("uq_delivery_company_id_destination_id_change_id"),
        ),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_delivery_conversion", "delivery", ["company_id", "conversion_id"], unique=False)
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["company_id", "destination_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_delivery_request",
        "delivery",
        ["company_id", "request_id"],
        unique=False,
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.create_index(
        "ix_delivery_sweep",
        "delivery",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "delivery_attempt",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("class", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "delivery_id"],
            ["delivery.company_id", "delivery.id"],
            name=op.f("fk_delivery_attempt_company_id_delivery_id_delivery"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", "delivery_id", "number", name=op.f("pk_delivery_attempt")),
    )
