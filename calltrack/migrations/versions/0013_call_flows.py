"""Call flows: versions, assignments, and what of a flow a call came through.

Revision 0013.
"""

from alembic import op

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("call_flow", "call_flow_version", "flow_assignment")
STATEMENTS = (
    """
    CREATE TABLE call_flow (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    current_version UUID NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_call_flow PRIMARY KEY (company_id, id),
    CONSTRAINT fk_call_flow_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    """
    CREATE TABLE call_flow_version (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    flow_id UUID NOT NULL,
    number INTEGER NOT NULL,
    definition JSONB NOT NULL,
    saved_by TEXT NOT NULL,
    saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    replaced_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_call_flow_version PRIMARY KEY (company_id, id),
    CONSTRAINT fk_call_flow_version_company_id_flow_id_call_flow FOREIGN KEY(company_id, flow_id)
        REFERENCES call_flow (company_id, id)
)
    """,
    "CREATE UNIQUE INDEX uq_call_flow_version_number ON call_flow_version (company_id, flow_id, number)",
    """
    CREATE TABLE flow_assignment (
    company_id UUID NOT NULL,
    scope TEXT NOT NULL,
    subject_id UUID NOT NULL,
    flow_id UUID NOT NULL,
    assigned_by TEXT NOT NULL,
    assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_flow_assignment PRIMARY KEY (company_id, scope, subject_id),
    CONSTRAINT ck_flow_assignment_scope CHECK (scope IN ('number', 'pool', 'location', 'company')),
    CONSTRAINT fk_flow_assignment_company_id_company FOREIGN KEY(company_id) REFERENCES company (id),
    CONSTRAINT fk_flow_assignment_company_id_flow_id_call_flow FOREIGN KEY(company_id, flow_id)
        REFERENCES call_flow (company_id, id)
)
    """,
    "CREATE INDEX ix_flow_assignment_flow ON flow_assignment (company_id, flow_id)",
    "ALTER TABLE call ADD COLUMN keys TEXT[] DEFAULT '{}' NOT NULL",
    "ALTER TABLE call ADD COLUMN flow_path TEXT[] DEFAULT '{}' NOT NULL",
    "ALTER TABLE call ADD COLUMN flow_version UUID",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    for table in TABLES:
        protect(table)
    # The route table of the voice process holds the flows of all companies, as it holds their lines.
    show_to_system("call_flow", "company_id", "id", "current_version", "deleted_at")
    show_to_system("call_flow_version", "company_id", "id", "flow_id", "definition", "replaced_at")
    show_to_system("flow_assignment", "company_id", "scope", "subject_id", "flow_id")


def downgrade() -> None:
    op.execute("ALTER TABLE call DROP COLUMN keys, DROP COLUMN flow_path, DROP COLUMN flow_version")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
