"""Budget plans, advice with its record, changes at platforms, pacing and on/off tests.

Revision 0034.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

PLAN = """
    CREATE TABLE budget_plan (
    company_id UUID NOT NULL,
    counts TEXT DEFAULT 'auto' NOT NULL,
    total_minor BIGINT,
    most_change INTEGER DEFAULT 3000 NOT NULL,
    late_share INTEGER DEFAULT 0 NOT NULL,
    limits JSONB DEFAULT '{}' NOT NULL,
    changed_by TEXT DEFAULT '' NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE,
    tries INTEGER DEFAULT 0 NOT NULL,
    looked_at TIMESTAMP WITH TIME ZONE,
    said TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_budget_plan PRIMARY KEY (company_id),
    CONSTRAINT ck_budget_plan_counts CHECK (counts IN ('auto', 'lead', 'purchase')),
    CONSTRAINT ck_budget_plan_total CHECK (total_minor > 0),
    CONSTRAINT fk_budget_plan_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
    )
"""
ADVICE = """
    CREATE TABLE budget_advice (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    week DATE NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    fingerprint TEXT NOT NULL,
    counts TEXT NOT NULL,
    result JSONB NOT NULL,
    after_week DATE,
    after JSONB,
    CONSTRAINT pk_budget_advice PRIMARY KEY (company_id, id),
    CONSTRAINT uq_budget_advice_company_id_week_fingerprint UNIQUE (company_id, week, fingerprint),
    CONSTRAINT fk_budget_advice_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
    )
"""
CHANGE = """
    CREATE TABLE budget_change (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    advice_id UUID,
    undoes_id UUID,
    state TEXT NOT NULL,
    currency TEXT NOT NULL,
    lines JSONB NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    confirmed_by TEXT DEFAULT '' NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    said TEXT DEFAULT '' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_budget_change PRIMARY KEY (company_id, id),
    CONSTRAINT ck_budget_change_state
        CHECK (state IN ('checked', 'refused', 'sending', 'unknown', 'done', 'failed', 'dropped')),
    CONSTRAINT fk_budget_change_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
    )
"""
PACE = """
    CREATE TABLE budget_pace (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    campaign_keys JSONB NOT NULL,
    amount_minor BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_budget_pace PRIMARY KEY (company_id, id),
    CONSTRAINT ck_budget_pace_amount CHECK (amount_minor > 0),
    CONSTRAINT fk_budget_pace_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
    )
"""
TEST = """
    CREATE TABLE budget_test (
    company_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    campaign_keys JSONB NOT NULL,
    counts TEXT NOT NULL,
    starts_on DATE NOT NULL,
    weeks INTEGER NOT NULL,
    off_weeks JSONB NOT NULL,
    lift DOUBLE PRECISION NOT NULL,
    made_by TEXT NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    stopped_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_budget_test PRIMARY KEY (company_id, id),
    CONSTRAINT ck_budget_test_weeks CHECK (weeks BETWEEN 2 AND 104),
    CONSTRAINT fk_budget_test_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
    )
"""
TABLES = ("budget_plan", "budget_advice", "budget_change", "budget_pace", "budget_test")


def upgrade() -> None:
    for statement in (PLAN, ADVICE, CHANGE, PACE, TEST):
        op.execute(statement)
    for table in TABLES:
        protect(table)
    op.create_index("ix_budget_advice_made", "budget_advice", ["company_id", "made_at"])
    op.create_index("ix_budget_change_asked", "budget_change", ["company_id", "asked_at"])
    for table in ("budget_plan", "budget_change"):
        due = sa.text("due_at IS NOT NULL")
        op.create_index(f"ix_{table}_due", table, ["due_at"], postgresql_where=due)
    show_to_system("budget_plan", "company_id", "due_at")
    show_to_system("budget_change", "company_id", "due_at")
    show_to_system("budget_pace", "company_id")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
