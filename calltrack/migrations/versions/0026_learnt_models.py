"""Learnt models of attribution, when the next lesson is due, calibration by week, calls judged anew.

Revision 0026.
"""

from alembic import op

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLES = {
    "attribution_model": """
        company_id UUID NOT NULL,
        version TEXT NOT NULL,
        learnt_at TIMESTAMP WITH TIME ZONE NOT NULL,
        since TIMESTAMP WITH TIME ZONE,
        until TIMESTAMP WITH TIME ZONE,
        calls INTEGER NOT NULL,
        visits INTEGER NOT NULL,
        numbers INTEGER NOT NULL,
        numbers_in_use INTEGER NOT NULL,
        parameters JSONB NOT NULL,
        held JSONB NOT NULL,
        before TEXT NOT NULL,
        state TEXT NOT NULL,
        served_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_attribution_model PRIMARY KEY (company_id, version),
        CONSTRAINT ck_attribution_model_state CHECK (state IN ('serving', 'pinned', 'waiting', 'retired')),
        CONSTRAINT fk_attribution_model_company_id_company FOREIGN KEY (company_id) REFERENCES company (id)
    """,
    "attribution_task": """
        company_id UUID NOT NULL,
        kind TEXT NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        tries INTEGER DEFAULT 0 NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        said TEXT DEFAULT '' NOT NULL,
        CONSTRAINT pk_attribution_task PRIMARY KEY (company_id, kind),
        CONSTRAINT ck_attribution_task_kind CHECK (kind IN ('lesson', 'calibration')),
        CONSTRAINT fk_attribution_task_company_id_company FOREIGN KEY (company_id) REFERENCES company (id)
    """,
    "attribution_calibration": """
        company_id UUID NOT NULL,
        week DATE NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        model TEXT NOT NULL,
        calls INTEGER NOT NULL,
        known INTEGER NOT NULL,
        never_shown INTEGER NOT NULL,
        outcomes JSONB NOT NULL,
        CONSTRAINT pk_attribution_calibration PRIMARY KEY (company_id, week),
        CONSTRAINT fk_attribution_calibration_company_id_company
            FOREIGN KEY (company_id) REFERENCES company (id)
    """,
    "rejudging": """
        company_id UUID NOT NULL,
        id UUID NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        asked_by TEXT NOT NULL,
        since TIMESTAMP WITH TIME ZONE NOT NULL,
        model TEXT NOT NULL,
        tells BOOLEAN NOT NULL,
        place_at TIMESTAMP WITH TIME ZONE,
        place_id UUID,
        judged INTEGER DEFAULT 0 NOT NULL,
        changed_visit INTEGER DEFAULT 0 NOT NULL,
        changed_campaign INTEGER DEFAULT 0 NOT NULL,
        changed_source INTEGER DEFAULT 0 NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE,
        done_at TIMESTAMP WITH TIME ZONE,
        stopped_by TEXT DEFAULT '' NOT NULL,
        CONSTRAINT pk_rejudging PRIMARY KEY (company_id, id),
        CONSTRAINT fk_rejudging_company_id_company FOREIGN KEY (company_id) REFERENCES company (id)
    """,
    "rejudged_call": """
        company_id UUID NOT NULL,
        rejudging_id UUID NOT NULL,
        call_id UUID NOT NULL,
        before_id UUID,
        after_id UUID NOT NULL,
        visit BOOLEAN NOT NULL,
        campaign BOOLEAN NOT NULL,
        source BOOLEAN NOT NULL,
        CONSTRAINT pk_rejudged_call PRIMARY KEY (company_id, rejudging_id, call_id),
        CONSTRAINT fk_rejudged_call_company_id_rejudging_id_rejudging
            FOREIGN KEY (company_id, rejudging_id) REFERENCES rejudging (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_rejudged_call_company_id_call_id_call
            FOREIGN KEY (company_id, call_id) REFERENCES call (company_id, id) ON DELETE CASCADE
    """,
}
INDEXES = (
    "UNIQUE INDEX uq_attribution_model_serving ON attribution_model (company_id) "
    "WHERE state IN ('serving', 'pinned')",
    "INDEX ix_attribution_task_due ON attribution_task (due_at)",
    "INDEX ix_rejudging_due ON rejudging (due_at) WHERE due_at IS NOT NULL",
    "UNIQUE INDEX uq_rejudging_open ON rejudging (company_id) WHERE done_at IS NULL",
    "INDEX ix_rejudged_call_call ON rejudged_call (company_id, call_id)",
)


def upgrade() -> None:
    for name, columns in TABLES.items():
        op.execute(f"CREATE TABLE {name} ({columns})")
        protect(name)
    for index in INDEXES:
        op.execute(f"CREATE {index}")
    show_to_system("attribution_task", "company_id", "kind", "due_at")
    show_to_system("rejudging", "company_id", "id", "due_at")


def downgrade() -> None:
    for name in reversed(TABLES):
        op.execute(f"DROP TABLE {name}")
