"""Credit of a year is read from whole months, kept as they were added up.

Revision 0047.
"""

from alembic import op

from calltrack.migrations.tenancy import protect

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE credit_month (
        company_id UUID NOT NULL,
        level TEXT NOT NULL,
        kind TEXT NOT NULL,
        days INTEGER NOT NULL,
        month DATE NOT NULL,
        counted_days INTEGER NOT NULL,
        counted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        channels TEXT[] NOT NULL,
        conversions DOUBLE PRECISION NOT NULL,
        nulls DOUBLE PRECISION NOT NULL,
        value_minor BIGINT NOT NULL,
        uncredited DOUBLE PRECISION NOT NULL,
        uncredited_value DOUBLE PRECISION NOT NULL,
        packed BYTEA NOT NULL,
        CONSTRAINT pk_credit_month PRIMARY KEY (company_id, level, kind, days, month),
        CONSTRAINT fk_credit_month_company_id_company FOREIGN KEY (company_id) REFERENCES company (id)
    )
"""


def upgrade() -> None:
    op.execute(TABLE)
    protect("credit_month")


def downgrade() -> None:
    op.execute("DROP TABLE credit_month")
