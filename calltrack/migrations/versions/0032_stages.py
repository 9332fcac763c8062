"""Stages of persons: journeys and their sums, rules, segments; CRM ids, joined persons, touchpoints of any kind.

Revision 0032.
"""

from alembic import op

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLES = (
    "person_key", "person_join", "touchpoint", "journey", "journey_cell", "journey_dirty", "journey_state",
    "journey_rules", "journey_segment",
)  # fmt: skip
STATEMENTS = (
    """
    CREATE TABLE person_key (
    company_id UUID NOT NULL,
    key_hash BYTEA NOT NULL,
    person_id UUID NOT NULL,
    system TEXT NOT NULL,
    key BYTEA NOT NULL,
    linked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    linked_by TEXT NOT NULL,
    CONSTRAINT pk_person_key PRIMARY KEY (company_id, key_hash),
    CONSTRAINT fk_person_key_company_id_person FOREIGN KEY(company_id, person_id)
        REFERENCES person (company_id, id) ON DELETE CASCADE
)
    """,
    "CREATE INDEX ix_person_key_person ON person_key (company_id, person_id)",
    """
    CREATE TABLE person_join (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    kept_id UUID NOT NULL,
    absorbed_id UUID NOT NULL,
    absorbed_since TIMESTAMP WITH TIME ZONE NOT NULL,
    is_demo BOOLEAN DEFAULT false NOT NULL,
    via TEXT NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    joined_by TEXT DEFAULT '' NOT NULL,
    callers BYTEA[] NOT NULL,
    visitors UUID[] NOT NULL,
    keys BYTEA[] NOT NULL,
    undone_at TIMESTAMP WITH TIME ZONE,
    undone_by TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_person_join PRIMARY KEY (company_id, id),
    CONSTRAINT ck_person_join_via CHECK (via IN ('call', 'key', 'hand')),
    CONSTRAINT fk_person_join_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    "CREATE INDEX ix_person_join_kept ON person_join (company_id, kept_id)",
    "CREATE INDEX ix_person_join_absorbed ON person_join (company_id, absorbed_id)",
    """
    CREATE TABLE touchpoint (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    external_id TEXT DEFAULT '' NOT NULL,
    fingerprint BYTEA NOT NULL,
    kind TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    told_by TEXT NOT NULL,
    phone_hash BYTEA,
    email_hash BYTEA,
    key_hash BYTEA,
    visitor_id UUID,
    text BYTEA,
    CONSTRAINT pk_touchpoint PRIMARY KEY (company_id, id),
    CONSTRAINT fk_touchpoint_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    "CREATE UNIQUE INDEX uq_touchpoint_external ON touchpoint (company_id, external_id) WHERE external_id <> ''",
    "CREATE INDEX ix_touchpoint_phone ON touchpoint (company_id, phone_hash) WHERE phone_hash IS NOT NULL",
    "CREATE INDEX ix_touchpoint_email ON touchpoint (company_id, email_hash) WHERE email_hash IS NOT NULL",
    "CREATE INDEX ix_touchpoint_key ON touchpoint (company_id, key_hash) WHERE key_hash IS NOT NULL",
    "CREATE INDEX ix_touchpoint_visitor ON touchpoint (company_id, visitor_id) WHERE visitor_id IS NOT NULL",
    """
    CREATE TABLE journey (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    is_person BOOLEAN NOT NULL,
    is_demo BOOLEAN DEFAULT false NOT NULL,
    day DATE NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    source TEXT NOT NULL,
    medium TEXT NOT NULL,
    campaign TEXT NOT NULL,
    landing TEXT NOT NULL,
    stage SMALLINT NOT NULL,
    stage_at TIMESTAMP WITH TIME ZONE NOT NULL,
    history JSONB NOT NULL,
    lead_at TIMESTAMP WITH TIME ZONE,
    bought_at TIMESTAMP WITH TIME ZONE,
    last_call_at TIMESTAMP WITH TIME ZONE,
    last_bought_at TIMESTAMP WITH TIME ZONE,
    visits INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    missed INTEGER NOT NULL,
    short_calls INTEGER NOT NULL,
    longest_talk INTEGER NOT NULL,
    leads INTEGER NOT NULL,
    purchases INTEGER NOT NULL,
    value_minor BIGINT NOT NULL,
    waits BOOLEAN NOT NULL,
    is_won BOOLEAN NOT NULL,
    is_lost BOOLEAN NOT NULL,
    score SMALLINT NOT NULL,
    figures JSONB NOT NULL,
    path TEXT NOT NULL,
    stop_kind TEXT NOT NULL,
    stop_detail TEXT NOT NULL,
    CONSTRAINT pk_journey PRIMARY KEY (company_id, id),
    CONSTRAINT fk_journey_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    "CREATE INDEX ix_journey_last ON journey (company_id, last_at DESC, id) WHERE is_person",
    "CREATE INDEX ix_journey_call ON journey (company_id, last_call_at DESC) WHERE last_call_at IS NOT NULL",
    """
    CREATE TABLE journey_cell (
    company_id UUID NOT NULL,
    view TEXT NOT NULL,
    day DATE NOT NULL,
    a TEXT NOT NULL,
    b TEXT NOT NULL,
    c TEXT NOT NULL,
    persons INTEGER NOT NULL,
    value_minor BIGINT NOT NULL,
    CONSTRAINT pk_journey_cell PRIMARY KEY (company_id, view, day, a, b, c)
)
    """,
    """
    CREATE TABLE journey_dirty (
    company_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    subject_id UUID NOT NULL,
    marked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_journey_dirty PRIMARY KEY (company_id, id),
    CONSTRAINT fk_journey_dirty_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    "CREATE INDEX ix_journey_dirty_marked ON journey_dirty (company_id, marked_at)",
    """
    CREATE TABLE journey_state (
    company_id UUID NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    visits_until TIMESTAMP WITH TIME ZONE NOT NULL,
    again_phase TEXT DEFAULT '' NOT NULL,
    again_after UUID,
    again_due_at TIMESTAMP WITH TIME ZONE,
    again_done INTEGER DEFAULT 0 NOT NULL,
    again_began_at TIMESTAMP WITH TIME ZONE,
    again_ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_journey_state PRIMARY KEY (company_id),
    CONSTRAINT ck_journey_state_phase CHECK (again_phase IN ('', 'persons', 'visitors')),
    CONSTRAINT fk_journey_state_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    """
    CREATE TABLE journey_rules (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    rules JSONB NOT NULL,
    saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    saved_by TEXT NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_journey_rules PRIMARY KEY (company_id, id),
    CONSTRAINT uq_journey_rules_company_id_kind_number UNIQUE (company_id, kind, number),
    CONSTRAINT ck_journey_rules_kind CHECK (kind IN ('stages', 'score')),
    CONSTRAINT fk_journey_rules_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    """
    CREATE TABLE journey_segment (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    condition JSONB NOT NULL,
    alert_from INTEGER,
    created_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_journey_segment PRIMARY KEY (company_id, id),
    CONSTRAINT uq_journey_segment_company_id_name UNIQUE (company_id, name),
    CONSTRAINT fk_journey_segment_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
)
# Whoever gets or loses a number, a browser or a CRM id is looked at again, and so is the browser itself; a
# person that is erased or joined loses its journey. The triggers run with the caller's rights, inside the walls.
MARK_LINK = """
    CREATE FUNCTION journey_mark_link() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE v_old jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
            v_new jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    BEGIN
        INSERT INTO journey_dirty (company_id, subject_id)
        SELECT (coalesce(v_new, v_old) ->> 'company_id')::uuid, subject.id::uuid
        FROM (SELECT v_old ->> 'person_id' UNION SELECT v_new ->> 'person_id'
              UNION SELECT v_old ->> 'visitor_id' UNION SELECT v_new ->> 'visitor_id') AS subject (id)
        WHERE subject.id IS NOT NULL;
        RETURN NULL;
    END $$
"""
MARK_GONE = """
    CREATE FUNCTION journey_mark_gone() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO journey_dirty (company_id, subject_id) VALUES (OLD.company_id, OLD.id);
        RETURN NULL;
    END $$
"""
# How far a lead is has no fact of its own.
MARK_WORK = """
    CREATE FUNCTION journey_mark_work() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO journey_dirty (company_id, subject_id)
        SELECT pc.company_id, pc.person_id FROM call c
        JOIN person_caller pc ON pc.company_id = c.company_id AND pc.caller_hash = c.caller_hash
        WHERE c.company_id = NEW.company_id AND c.id = NEW.call_id;
        RETURN NULL;
    END $$
"""
# A person's journey changed: audiences that ask for a segment judge the person again.
MARK_AUDIENCE = """
    CREATE FUNCTION journey_mark_audience() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO audience_dirty (company_id, person_id)
        SELECT NEW.company_id, NEW.id
        WHERE EXISTS (SELECT FROM audience WHERE company_id = NEW.company_id AND status <> 'deleted'
                      AND jsonb_path_exists(condition, '$.**.fact ? (@ == "segment")'));
        RETURN NULL;
    END $$
"""
LINKS = ("person_caller", "person_visitor", "person_key")
TRIGGERS = (
    *(
        f"CREATE TRIGGER journey_mark_{table} AFTER INSERT OR DELETE OR UPDATE OF person_id ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION journey_mark_link()"
        for table in LINKS
    ),
    "CREATE TRIGGER journey_mark_person AFTER DELETE ON person FOR EACH ROW"
    " EXECUTE FUNCTION journey_mark_gone()",
    "CREATE TRIGGER journey_mark_audience AFTER INSERT OR UPDATE ON journey FOR EACH ROW"
    " WHEN (NEW.is_person) EXECUTE FUNCTION journey_mark_audience()",
    "CREATE TRIGGER journey_mark_work AFTER INSERT OR UPDATE OF status ON call_work FOR EACH ROW"
    " EXECUTE FUNCTION journey_mark_work()",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    for table in TABLES:
        protect(table)
    show_to_system("journey_dirty", "company_id", "marked_at")
    show_to_system("journey_segment", "company_id", "alert_from")
    show_to_system("journey_state", "company_id", "due_at", "again_due_at")
    for statement in (MARK_LINK, MARK_GONE, MARK_WORK, MARK_AUDIENCE, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    for table in LINKS:
        op.execute(f"DROP TRIGGER journey_mark_{table} ON {table}")
    op.execute("DROP TRIGGER journey_mark_person ON person")
    op.execute("DROP TRIGGER journey_mark_work ON call_work")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    for function in ("link", "gone", "work", "audience"):
        op.execute(f"DROP FUNCTION journey_mark_{function}()")
