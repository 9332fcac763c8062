"""Views over journeys of one source find its rows by their day; a webhook is told who entered a segment;
workers check changes of budgets.

Revision 0049.
"""

from alembic import op

from calltrack.migrations.roles import SYSTEM
from calltrack.migrations.tenancy import protect, show_to_system

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE INDEX ix_journey_source_day ON journey (company_id, source, day) INCLUDE (medium)",
    "ALTER TABLE journey_segment ADD COLUMN webhook_id UUID",
    """
    ALTER TABLE journey_segment ADD CONSTRAINT fk_journey_segment_company_id_webhook_id_destination
    FOREIGN KEY (company_id, webhook_id) REFERENCES destination (company_id, id)
    """,
    """
    CREATE TABLE segment_event (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    segment_id UUID NOT NULL,
    person_id UUID NOT NULL,
    destination_id UUID NOT NULL,
    body BYTEA NOT NULL,
    state TEXT DEFAULT 'waiting' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    attempts INTEGER DEFAULT 0 NOT NULL,
    said TEXT DEFAULT '' NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    tried_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_segment_event PRIMARY KEY (company_id, id),
    CONSTRAINT ck_segment_event_state CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'withheld')),
    CONSTRAINT fk_segment_event_company_id_segment_id_journey_segment FOREIGN KEY(company_id, segment_id)
        REFERENCES journey_segment (company_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_segment_event_company_id_person_id_person FOREIGN KEY(company_id, person_id)
        REFERENCES person (company_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_segment_event_company_id_destination_id_destination FOREIGN KEY(company_id, destination_id)
        REFERENCES destination (company_id, id)
)
    """,
    "CREATE INDEX ix_segment_event_due ON segment_event (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX ix_segment_event_segment ON segment_event (company_id, segment_id, id)",
    "CREATE INDEX ix_segment_event_person ON segment_event (company_id, person_id)",
    "ALTER TABLE budget_change ADD COLUMN request JSONB DEFAULT '{}' NOT NULL",
    "ALTER TABLE budget_change ADD COLUMN tries INTEGER DEFAULT 0 NOT NULL",
    "ALTER TABLE budget_change ADD COLUMN checked_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE budget_change DROP CONSTRAINT ck_budget_change_state",
    """
    ALTER TABLE budget_change ADD CONSTRAINT ck_budget_change_state CHECK (state IN ('checking', 'checked',
        'refused', 'unanswered', 'sending', 'unknown', 'done', 'failed', 'dropped'))
    """,
    """
    CREATE UNIQUE INDEX ix_budget_change_checking ON budget_change (company_id, account_id)
    WHERE state = 'checking'
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    protect("segment_event")
    show_to_system("segment_event", "company_id", "destination_id", "due_at")
    op.execute(f"GRANT SELECT (webhook_id) ON journey_segment TO {SYSTEM}")


def downgrade() -> None:
    # The owner sees no row of a table whose security is forced.
    op.execute("ALTER TABLE budget_change NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM budget_change WHERE state IN ('checking', 'unanswered')")
    op.execute("ALTER TABLE budget_change FORCE ROW LEVEL SECURITY")
    op.execute("DROP INDEX ix_budget_change_checking")
    op.execute("ALTER TABLE budget_change DROP CONSTRAINT ck_budget_change_state")
    op.execute(
        "ALTER TABLE budget_change ADD CONSTRAINT ck_budget_change_state"
        " CHECK (state IN ('checked', 'refused', 'sending', 'unknown', 'done', 'failed', 'dropped'))"
    )
    for column in ("request", "tries", "checked_at"):
        op.execute(f"ALTER TABLE budget_change DROP COLUMN {column}")
    op.execute("DROP TABLE segment_event")
    op.execute(f"REVOKE SELECT (webhook_id) ON journey_segment FROM {SYSTEM}")
    op.execute("ALTER TABLE journey_segment DROP COLUMN webhook_id")
    op.execute("DROP INDEX ix_journey_source_day")
