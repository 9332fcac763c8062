"""Provisioning of numbers: orders, uses, orphans, health against the carrier, rest, giving back.

Revision 0016.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.roles import SYSTEM
from calltrack.migrations.tenancy import protect, show_to_system

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("number_order", "number_use", "number_orphan", "number_check")
COLUMNS = {
    "hooks": "TEXT DEFAULT 'own' NOT NULL",
    "type": "TEXT DEFAULT '' NOT NULL",
    "rent_minor": "INTEGER",
    "rent_currency": "TEXT DEFAULT '' NOT NULL",
    "health": "TEXT DEFAULT 'unknown' NOT NULL",
    "findings": "JSONB DEFAULT '[]' NOT NULL",
    "checked_at": "TIMESTAMP WITH TIME ZONE",
    "rests_until": "TIMESTAMP WITH TIME ZONE",
    "leave_at": "TIMESTAMP WITH TIME ZONE",
    "leave_by": "TEXT DEFAULT '' NOT NULL",
    "leave_said": "TEXT DEFAULT '' NOT NULL",
}
STATEMENTS = (
    "ALTER TABLE tracking_number "
    + ", ".join(f"ADD COLUMN {name} {kind}" for name, kind in COLUMNS.items())
    + ", ADD CONSTRAINT ck_tracking_number_hooks CHECK (hooks IN ('own', 'application'))"
    + ", ADD CONSTRAINT ck_tracking_number_health CHECK (health IN ('unknown', 'well', 'flawed', 'unfit'))",
    """
    CREATE INDEX ix_tracking_number_leaving ON tracking_number (company_id, leave_at)
    WHERE leave_at IS NOT NULL AND released_at IS NULL
    """,
    """
    CREATE TABLE number_order (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    e164 TEXT NOT NULL,
    country TEXT NOT NULL,
    type TEXT NOT NULL,
    number_id UUID NOT NULL,
    use JSONB NOT NULL,
    hooks TEXT NOT NULL,
    address_sid TEXT,
    bundle_sid TEXT,
    rent_minor INTEGER NOT NULL,
    rent_currency TEXT NOT NULL,
    state TEXT NOT NULL,
    said TEXT DEFAULT '' NOT NULL,
    carrier_number_id TEXT DEFAULT '' NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    ordered_by TEXT NOT NULL,
    ordered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_number_order PRIMARY KEY (company_id, id),
    CONSTRAINT ck_number_order_state CHECK (state IN ('intended', 'lost', 'bought', 'in_service', 'refused')),
    CONSTRAINT fk_number_order_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    """
    CREATE UNIQUE INDEX uq_number_order_open ON number_order (company_id, e164)
    WHERE state IN ('intended', 'lost', 'bought')
    """,
    "CREATE INDEX ix_number_order_due ON number_order (company_id, due_at) WHERE due_at IS NOT NULL",
    """
    CREATE TABLE number_use (
    company_id UUID NOT NULL,
    number_id UUID NOT NULL,
    used_from TIMESTAMP WITH TIME ZONE NOT NULL,
    used_until TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    pool_id UUID,
    location_id UUID NOT NULL,
    source TEXT NOT NULL,
    medium TEXT NOT NULL,
    campaign TEXT NOT NULL,
    ended_by TEXT NOT NULL,
    CONSTRAINT pk_number_use PRIMARY KEY (company_id, number_id, used_from),
    CONSTRAINT fk_number_use_company_id_number_id_tracking_number FOREIGN KEY(company_id, number_id)
        REFERENCES tracking_number (company_id, id)
)
    """,
    """
    CREATE TABLE number_orphan (
    company_id UUID NOT NULL,
    e164 TEXT NOT NULL,
    id UUID NOT NULL,
    carrier_number_id TEXT NOT NULL,
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_number_orphan PRIMARY KEY (company_id, e164),
    CONSTRAINT fk_number_orphan_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
    """
    CREATE TABLE number_check (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    checked_at TIMESTAMP WITH TIME ZONE,
    problem TEXT DEFAULT '' NOT NULL,
    is_refused BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_number_check PRIMARY KEY (company_id),
    CONSTRAINT fk_number_check_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
)
    """,
)
# A pool's overflow number has no slot that could be taken away: the function itself leaves out what is unfit.
LEASE = "edge_lease(uuid, uuid, uuid, boolean, uuid, uuid, boolean)"
BEFORE = "kind = 'overflow' AND released_at IS NULL"
AFTER = f"{BEFORE} AND leave_at IS NULL AND health <> 'unfit'"


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    for table in TABLES:
        protect(table)
    show_to_system("number_order", "company_id", "id", "state", "due_at")
    op.execute(f"GRANT SELECT (leave_at) ON tracking_number TO {SYSTEM}")
    _rewrite(BEFORE, AFTER)


def downgrade() -> None:
    _rewrite(AFTER, BEFORE)
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE tracking_number " + ", ".join(f"DROP COLUMN {name}" for name in COLUMNS))


def _rewrite(old: str, new: str) -> None:
    """Change one condition of the function and keep all else as it is, its rights included."""
    connection = op.get_bind()
    text = connection.scalar(
        sa.text("SELECT pg_get_functiondef(CAST(:name AS regprocedure))"), {"name": LEASE}
    )
    assert text is not None
    assert text.count(old) == 1
    connection.exec_driver_sql(text.replace(old, new).replace("%", "%%"))
