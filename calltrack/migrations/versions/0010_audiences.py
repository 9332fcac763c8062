"""Audiences: saved conditions, members, what each platform was told, and the triggers that mark persons.

Revision 0010.
"""

from alembic import op

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = (
    "audience", "audience_place", "audience_member", "audience_entry", "audience_request", "audience_event",
    "audience_dirty",
)  # fmt: skip
STATEMENTS = (
    """
    CREATE TABLE audience (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    condition JSONB NOT NULL,
    sentence TEXT NOT NULL,
    status TEXT NOT NULL,
    full_due_at TIMESTAMP WITH TIME ZONE,
    sweep_due_at TIMESTAMP WITH TIME ZONE,
    swept_until TIMESTAMP WITH TIME ZONE,
    checked_at TIMESTAMP WITH TIME ZONE,
    repaired INTEGER DEFAULT 0 NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_audience PRIMARY KEY (company_id, id),
    CONSTRAINT ck_audience_status CHECK (status IN ('active', 'paused', 'deleting', 'deleted')),
    CONSTRAINT fk_audience_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    """
    CREATE TABLE audience_place (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    audience_id UUID NOT NULL,
    destination_id UUID NOT NULL,
    list_id TEXT NOT NULL,
    status TEXT NOT NULL,
    status_reason TEXT DEFAULT '' NOT NULL,
    lease_token UUID,
    lease_until TIMESTAMP WITH TIME ZONE,
    held_until TIMESTAMP WITH TIME ZONE,
    unwell INTEGER DEFAULT 0 NOT NULL,
    batch INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    last_sent_at TIMESTAMP WITH TIME ZONE,
    last_confirmed_at TIMESTAMP WITH TIME ZONE,
    last_trouble TEXT DEFAULT '' NOT NULL,
    match_rate TEXT DEFAULT '' NOT NULL,
    invalid INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_audience_place PRIMARY KEY (company_id, id),
    CONSTRAINT fk_audience_place_company_id_audience_id_audience FOREIGN KEY(company_id, audience_id)
        REFERENCES audience (company_id, id),
    CONSTRAINT fk_audience_place_company_id_destination_id_destination FOREIGN KEY(company_id, destination_id)
        REFERENCES destination (company_id, id),
    CONSTRAINT ck_audience_place_status CHECK (status IN ('active', 'paused', 'leaving', 'removed'))
)
    """,
    "CREATE INDEX ix_audience_place_audience ON audience_place (company_id, audience_id)",
    "CREATE UNIQUE INDEX uq_audience_place_list ON audience_place (company_id, destination_id, list_id)"
    " WHERE status <> 'removed'",
    """
    CREATE TABLE audience_member (
    company_id UUID NOT NULL,
    audience_id UUID NOT NULL,
    person_id UUID NOT NULL,
    status TEXT NOT NULL,
    withheld TEXT DEFAULT '' NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    why TEXT NOT NULL,
    consent JSONB NOT NULL,
    CONSTRAINT pk_audience_member PRIMARY KEY (company_id, audience_id, person_id),
    CONSTRAINT fk_audience_member_company_id_audience_id_audience FOREIGN KEY(company_id, audience_id)
        REFERENCES audience (company_id, id),
    CONSTRAINT ck_audience_member_status CHECK (status IN ('in', 'withheld'))
)
    """,
    "CREATE INDEX ix_audience_member_person ON audience_member (company_id, person_id)",
    """
    CREATE TABLE audience_entry (
    company_id UUID NOT NULL,
    place_id UUID NOT NULL,
    caller_hash BYTEA NOT NULL,
    person_id UUID NOT NULL,
    wanted BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    told TEXT,
    told_at TIMESTAMP WITH TIME ZONE,
    identifier BYTEA,
    confirmed TEXT,
    request_id UUID,
    request_place INTEGER,
    recheck_id UUID,
    said TEXT DEFAULT '' NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_audience_entry PRIMARY KEY (company_id, place_id, caller_hash),
    CONSTRAINT fk_audience_entry_company_id_place_id_audience_place FOREIGN KEY(company_id, place_id)
        REFERENCES audience_place (company_id, id),
    CONSTRAINT ck_audience_entry_state CHECK (state IN ('due', 'sending', 'sent', 'settled', 'refused')),
    CONSTRAINT ck_audience_entry_told CHECK (told IN ('add', 'remove')),
    CONSTRAINT ck_audience_entry_confirmed CHECK (confirmed IN ('add', 'remove'))
)
 WITH (fillfactor = 70)
    """,
    "CREATE INDEX ix_audience_entry_due ON audience_entry (company_id, place_id, wanted, changed_at)"
    " WHERE state = 'due'",
    "CREATE INDEX ix_audience_entry_request ON audience_entry (company_id, request_id)",
    "CREATE INDEX ix_audience_entry_person ON audience_entry (company_id, person_id)",
    "CREATE INDEX ix_audience_entry_recheck ON audience_entry (company_id, recheck_id)"
    " WHERE recheck_id IS NOT NULL",
    """
    CREATE TABLE audience_request (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    place_id UUID NOT NULL,
    action TEXT NOT NULL,
    size INTEGER NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    request_hash BYTEA DEFAULT '' NOT NULL,
    status INTEGER,
    class TEXT,
    message TEXT DEFAULT '' NOT NULL,
    answer TEXT DEFAULT '' NOT NULL,
    platform_id TEXT,
    due_at TIMESTAMP WITH TIME ZONE,
    received INTEGER,
    invalid INTEGER,
    match_rate TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_audience_request PRIMARY KEY (company_id, id),
    CONSTRAINT fk_audience_request_company_id_place_id_audience_place FOREIGN KEY(company_id, place_id)
        REFERENCES audience_place (company_id, id),
    CONSTRAINT ck_audience_request_action CHECK (action IN ('add', 'remove'))
)
    """,
    "CREATE INDEX ix_audience_request_due ON audience_request (company_id, place_id, due_at)"
    " WHERE due_at IS NOT NULL",
    "CREATE INDEX ix_audience_request_place ON audience_request (company_id, place_id, started_at)",
    """
    CREATE TABLE audience_event (
    company_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    audience_id UUID NOT NULL,
    place_id UUID,
    person_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    what TEXT NOT NULL,
    why TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_audience_event PRIMARY KEY (company_id, id),
    CONSTRAINT fk_audience_event_company_id_audience_id_audience FOREIGN KEY(company_id, audience_id)
        REFERENCES audience (company_id, id),
    CONSTRAINT ck_audience_event_what CHECK (what IN ('joined', 'left', 'added', 'removed', 'refused'))
)
    """,
    "CREATE INDEX ix_audience_event_at ON audience_event (company_id, audience_id, at)",
    """
    CREATE TABLE audience_dirty (
    company_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    person_id UUID NOT NULL,
    marked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_audience_dirty PRIMARY KEY (company_id, id),
    CONSTRAINT fk_audience_dirty_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    "CREATE INDEX ix_audience_dirty_marked ON audience_dirty (company_id, marked_at)",
)
# What has no fact of its own: a known person's browser came back or changed its consent, a person vanished
# (erased, or joined with another), a number was taken from a person. The triggers run with the caller's
# rights, inside the tenant's walls, and write nothing for companies without an audience.
MARK_VISITOR = """
    CREATE FUNCTION audience_mark_visitor() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO audience_dirty (company_id, person_id)
        SELECT NEW.company_id, person_id FROM person_visitor
        WHERE company_id = NEW.company_id AND visitor_id = NEW.visitor_id
          AND EXISTS (SELECT FROM audience WHERE company_id = NEW.company_id AND status <> 'deleted');
        RETURN NULL;
    END $$
"""
MARK_GONE = """
    CREATE FUNCTION audience_mark_gone() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO audience_dirty (company_id, person_id)
        SELECT OLD.company_id, CASE TG_TABLE_NAME WHEN 'person' THEN (to_jsonb(OLD) ->> 'id')::uuid
                                                  ELSE (to_jsonb(OLD) ->> 'person_id')::uuid END
        WHERE EXISTS (SELECT FROM audience WHERE company_id = OLD.company_id AND status <> 'deleted');
        RETURN NULL;
    END $$
"""
TRIGGERS = (
    "CREATE TRIGGER audience_mark_visit AFTER INSERT ON visit FOR EACH ROW"
    " EXECUTE FUNCTION audience_mark_visitor()",
    "CREATE TRIGGER audience_mark_consent AFTER UPDATE OF consent ON visit FOR EACH ROW"
    " WHEN (NEW.consent IS DISTINCT FROM OLD.consent) EXECUTE FUNCTION audience_mark_visitor()",
    "CREATE TRIGGER audience_mark_person AFTER DELETE ON person FOR EACH ROW"
    " EXECUTE FUNCTION audience_mark_gone()",
    "CREATE TRIGGER audience_mark_caller AFTER DELETE ON person_caller FOR EACH ROW"
    " EXECUTE FUNCTION audience_mark_gone()",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    for table in TABLES:
        protect(table)
    show_to_system("audience", "company_id", "id", "status", "full_due_at", "sweep_due_at")
    show_to_system("audience_place", "company_id", "id", "destination_id", "status", "due_at", "held_until")
    show_to_system("audience_dirty", "company_id", "marked_at")
    for statement in (MARK_VISITOR, MARK_GONE, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    for trigger, table in (
        ("visit", "visit"),
        ("consent", "visit"),
        ("person", "person"),
        ("caller", "person_caller"),
    ):
        op.execute(f"DROP TRIGGER audience_mark_{trigger} ON {table}")
    op.execute("DROP FUNCTION audience_mark_visitor()")
    op.execute("DROP FUNCTION audience_mark_gone()")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
