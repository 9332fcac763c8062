"""The posterior is stored whole: sums per campaign and source, the credited level; whose phone is whose.

Verdicts of before keep their candidates and sentences. What they, calls and forms tell of phones is taken over.

Revision 0025.
"""

from alembic import op

from calltrack.migrations.tenancy import protect

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

COLUMNS = (
    "level TEXT DEFAULT 'unknown' NOT NULL",
    "rest DOUBLE PRECISION DEFAULT 0 NOT NULL",
    "p_source DOUBLE PRECISION DEFAULT 0 NOT NULL",
    "p_repeat DOUBLE PRECISION DEFAULT 0 NOT NULL",
    "by_campaign JSONB DEFAULT '{}' NOT NULL",
    "by_source JSONB DEFAULT '{}' NOT NULL",
)
READ = ("attribution", "call", "visitor_phone")
# Who had no thresholds of their own keeps what was in force; the campaign's was the visit's.
KEPT = """
    UPDATE company SET settings = jsonb_build_object(
        'credit_probability', 0.5, 'upload_probability', 0.5,
        'credit_campaign_probability', coalesce(settings -> 'credit_probability', '0.5'),
        'credit_source_probability', coalesce(settings -> 'credit_probability', '0.5')) || settings
"""
LINKS = """
    INSERT INTO phone_link (company_id, caller_hash, visitor_id, kind, told_by, p, known_from)
    SELECT a.company_id, c.caller_hash, (one ->> 'visitor_id')::uuid, 'call', c.id,
           least(sum((one ->> 'probability')::double precision), 1), c.started_at
    FROM attribution a
    JOIN call c ON c.company_id = a.company_id AND c.id = a.call_id AND c.caller_hash IS NOT NULL
    CROSS JOIN LATERAL jsonb_array_elements(a.candidates) one
    WHERE a.is_current AND one ->> 'visitor_id' IS NOT NULL
    GROUP BY a.company_id, c.caller_hash, one ->> 'visitor_id', c.id, c.started_at
    HAVING sum((one ->> 'probability')::double precision) >= 0.05
    UNION ALL
    SELECT company_id, phone_hash, visitor_id, 'form', id, 0.97, told_at FROM visitor_phone
"""
PHONES = """
    INSERT INTO known_phone (company_id, caller_hash, known_from)
    SELECT company_id, hash, min(at) FROM (
        SELECT company_id, caller_hash AS hash, started_at AS at FROM call WHERE caller_hash IS NOT NULL
        UNION ALL SELECT company_id, phone_hash, told_at FROM visitor_phone) heard
    GROUP BY company_id, hash
"""
DAYS = """
    INSERT INTO known_phones_day (company_id, day, phones)
    SELECT company_id, (known_from AT TIME ZONE 'UTC')::date, count(*) FROM known_phone GROUP BY 1, 2
"""


def upgrade() -> None:
    op.execute("ALTER TABLE attribution " + ", ".join(f"ADD COLUMN {column}" for column in COLUMNS))
    _make_tables()
    # The owner reads no tenant's rows while the walls are forced: they are down for this transaction alone.
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE attribution SET p_source = p_campaign, level = CASE WHEN visit_id IS NOT NULL THEN 'visit' "
        "WHEN source <> '' THEN 'campaign' ELSE 'unknown' END"
    )
    for statement in (KEPT, LINKS, PHONES, DAYS):
        op.execute(statement)
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table in ("phone_link", "known_phone", "known_phones_day"):
        protect(table)
    op.create_check_constraint(
        op.f("ck_attribution_level"), "attribution", "level IN ('visit', 'campaign', 'source', 'unknown')"
    )
    op.drop_index("ix_attribution_call", "attribution")
    op.execute(
        "CREATE UNIQUE INDEX ix_attribution_call ON attribution (company_id, call_id) INCLUDE (level) "
        "WHERE is_current"
    )
    op.create_index("ix_attribution_history", "attribution", ["company_id", "call_id"])
    op.create_index("ix_call_number", "call", ["company_id", "number_id", "started_at"])


def downgrade() -> None:
    op.drop_index("ix_call_number", "call")
    op.drop_index("ix_attribution_history", "attribution")
    op.drop_index("ix_attribution_call", "attribution")
    op.execute(
        "CREATE UNIQUE INDEX ix_attribution_call ON attribution (company_id, call_id) WHERE is_current"
    )
    for table in ("known_phones_day", "known_phone", "phone_link"):
        op.drop_table(table)
    # The older code reads sentences and objects only.
    op.execute("ALTER TABLE attribution NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE attribution SET candidates = '[]', reasons = '[]' WHERE by_campaign <> '{}'")
    op.execute("ALTER TABLE attribution FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE attribution " + ", ".join(f"DROP COLUMN {one.split()[0]}" for one in COLUMNS))


def _make_tables() -> None:
    op.execute(
        """
        CREATE TABLE phone_link (
        company_id UUID NOT NULL,
        caller_hash BYTEA NOT NULL,
        visitor_id UUID NOT NULL,
        kind TEXT NOT NULL,
        told_by UUID NOT NULL,
        p DOUBLE PRECISION NOT NULL,
        known_from TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_phone_link PRIMARY KEY (company_id, caller_hash, visitor_id, kind, told_by),
        CONSTRAINT ck_phone_link_kind CHECK (kind IN ('call', 'form', 'record'))
        )
        """
    )
    op.create_index("ix_phone_link_visitor", "phone_link", ["company_id", "visitor_id"])
    op.create_index("ix_phone_link_told_by", "phone_link", ["company_id", "told_by"])
    op.execute(
        """
        CREATE TABLE known_phone (
        company_id UUID NOT NULL,
        caller_hash BYTEA NOT NULL,
        known_from TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_known_phone PRIMARY KEY (company_id, caller_hash)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE known_phones_day (
        company_id UUID NOT NULL,
        day DATE NOT NULL,
        phones INTEGER NOT NULL,
        CONSTRAINT pk_known_phones_day PRIMARY KEY (company_id, day)
        )
        """
    )
