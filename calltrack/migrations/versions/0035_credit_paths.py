"""Paths to conversions by day, for credit over many touches.

Revision 0035.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TABLES = {
    "credit_look": """
        company_id UUID NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        timezone TEXT DEFAULT '' NOT NULL,
        looked_until TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_credit_look PRIMARY KEY (company_id),
        CONSTRAINT fk_credit_look_company_id_company FOREIGN KEY (company_id) REFERENCES company (id)
    """,
    "credit_day": """
        company_id UUID NOT NULL,
        day DATE NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE,
        leased_until TIMESTAMP WITH TIME ZONE,
        tries INTEGER DEFAULT 0 NOT NULL,
        took_ms INTEGER DEFAULT 0 NOT NULL,
        counted_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_credit_day PRIMARY KEY (company_id, day),
        CONSTRAINT fk_credit_day_company_id_company FOREIGN KEY (company_id) REFERENCES company (id)
    """,
    "credit_answer": """
        company_id UUID NOT NULL,
        level TEXT NOT NULL,
        kind TEXT NOT NULL,
        days INTEGER NOT NULL,
        since DATE NOT NULL,
        until DATE NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        counted_at TIMESTAMP WITH TIME ZONE,
        took_ms INTEGER NOT NULL,
        answer BYTEA NOT NULL,
        CONSTRAINT pk_credit_answer PRIMARY KEY (company_id, level, kind, days, since, until),
        CONSTRAINT fk_credit_answer_company_id_company FOREIGN KEY (company_id) REFERENCES company (id)
    """,
    "credit_paths": """
        company_id UUID NOT NULL,
        level TEXT NOT NULL,
        kind TEXT NOT NULL,
        days INTEGER NOT NULL,
        day DATE NOT NULL,
        channels TEXT[] NOT NULL,
        conversions DOUBLE PRECISION NOT NULL,
        nulls DOUBLE PRECISION NOT NULL,
        value_minor BIGINT NOT NULL,
        uncredited DOUBLE PRECISION NOT NULL,
        uncredited_value DOUBLE PRECISION NOT NULL,
        packed BYTEA NOT NULL,
        CONSTRAINT pk_credit_paths PRIMARY KEY (company_id, level, kind, days, day),
        CONSTRAINT ck_credit_paths_level CHECK (level IN ('source', 'campaign')),
        CONSTRAINT ck_credit_paths_kind CHECK (kind IN ('lead', 'purchase')),
        CONSTRAINT fk_credit_paths_company_id_day_credit_day FOREIGN KEY (company_id, day)
            REFERENCES credit_day (company_id, day) ON DELETE CASCADE
    """,
}


def upgrade() -> None:
    for name, columns in TABLES.items():
        op.execute(f"CREATE TABLE {name} ({columns})")
        protect(name)
    op.create_index("ix_credit_look_due", "credit_look", ["due_at"])
    for column, index in (("due_at", "ix_credit_day_due"), ("leased_until", "ix_credit_day_leased")):
        op.create_index(index, "credit_day", [column], postgresql_where=sa.text(f"{column} IS NOT NULL"))
    show_to_system("credit_look", "company_id", "due_at")
    show_to_system("credit_day", "company_id", "due_at", "leased_until")


def downgrade() -> None:
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE {name}")
