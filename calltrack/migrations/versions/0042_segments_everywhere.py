"""Segments: persons by the day of their first touch, and who entered one. Rules that join persons, suggestions.

Revision 0042.
"""

from alembic import op

from calltrack.migrations.roles import SYSTEM
from calltrack.migrations.tenancy import protect, show_to_system

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

TABLES = ("person_rules", "person_suggestion", "segment_member")
STATEMENTS = (
    "CREATE INDEX ix_journey_person_day ON journey (company_id, day) WHERE is_person",
    """
    CREATE TABLE person_rules (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    number INTEGER NOT NULL,
    rules JSONB NOT NULL,
    saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    saved_by TEXT NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    doing TEXT DEFAULT '' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    asked_by TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_person_rules PRIMARY KEY (company_id, id),
    CONSTRAINT uq_person_rules_company_id_number UNIQUE (company_id, number),
    CONSTRAINT ck_person_rules_doing CHECK (doing IN ('', 'join', 'part')),
    CONSTRAINT fk_person_rules_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    "CREATE INDEX ix_person_rules_due ON person_rules (due_at) WHERE due_at IS NOT NULL",
    """
    CREATE TABLE person_suggestion (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    one_id UUID NOT NULL,
    other_id UUID NOT NULL,
    via TEXT NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decision TEXT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_person_suggestion PRIMARY KEY (company_id, id),
    CONSTRAINT uq_person_suggestion_company_id_one_id_other_id UNIQUE (company_id, one_id, other_id),
    CONSTRAINT ck_person_suggestion_decision CHECK (decision IN ('open', 'apart')),
    CONSTRAINT fk_person_suggestion_company_id_one_id_person FOREIGN KEY(company_id, one_id)
        REFERENCES person (company_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_person_suggestion_company_id_other_id_person FOREIGN KEY(company_id, other_id)
        REFERENCES person (company_id, id) ON DELETE CASCADE
)
    """,
    "CREATE INDEX ix_person_suggestion_other ON person_suggestion (company_id, other_id)",
    "ALTER TABLE journey_segment ADD COLUMN tell_to TEXT DEFAULT 'off' NOT NULL",
    "ALTER TABLE journey_segment ADD COLUMN watched_since TIMESTAMP WITH TIME ZONE",
    """
    ALTER TABLE journey_segment ADD CONSTRAINT ck_journey_segment_tell_to
    CHECK (tell_to IN ('off', 'owners', 'managers'))
    """,
    """
    CREATE TABLE segment_member (
    company_id UUID NOT NULL,
    segment_id UUID NOT NULL,
    person_id UUID NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_segment_member PRIMARY KEY (company_id, segment_id, person_id),
    CONSTRAINT fk_segment_member_company_id_segment_id_journey_segment FOREIGN KEY(company_id, segment_id)
        REFERENCES journey_segment (company_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_segment_member_company_id_person_id_person FOREIGN KEY(company_id, person_id)
        REFERENCES person (company_id, id) ON DELETE CASCADE
)
    """,
    "CREATE INDEX ix_segment_member_person ON segment_member (company_id, person_id)",
    "ALTER TABLE person_join ADD COLUMN rules_number INTEGER",
    """
    CREATE INDEX ix_person_join_rules ON person_join (company_id, rules_number)
    WHERE rules_number IS NOT NULL AND undone_at IS NULL
    """,
    "ALTER TABLE person_join DROP CONSTRAINT ck_person_join_via",
    """
    ALTER TABLE person_join ADD CONSTRAINT ck_person_join_via
    CHECK (via IN ('call', 'key', 'email', 'phone', 'hand'))
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    for table in TABLES:
        protect(table)
    show_to_system("person_rules", "company_id", "due_at")
    op.execute(f"GRANT SELECT (tell_to) ON journey_segment TO {SYSTEM}")


def downgrade() -> None:
    # Whom the new signs joined stays joined; a call is the nearest of the old words.
    op.execute("ALTER TABLE person_join DROP CONSTRAINT ck_person_join_via")
    op.execute("UPDATE person_join SET via = 'call' WHERE via IN ('email', 'phone')")
    op.execute(
        "ALTER TABLE person_join ADD CONSTRAINT ck_person_join_via CHECK (via IN ('call', 'key', 'hand'))"
    )
    op.execute("ALTER TABLE person_join DROP COLUMN rules_number")
    op.execute(f"REVOKE SELECT (tell_to) ON journey_segment FROM {SYSTEM}")
    for column in ("tell_to", "watched_since"):
        op.execute(f"ALTER TABLE journey_segment DROP COLUMN {column}")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP INDEX ix_journey_person_day")
