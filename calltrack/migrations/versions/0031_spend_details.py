"""How spend accounts are read, restated figures, ad groups and keywords, clicks, entries, files, rates, matches.

Revision 0031.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None

ACCOUNT = (
    "status TEXT DEFAULT 'active' NOT NULL",
    "trouble TEXT DEFAULT '' NOT NULL",
    "unwell INTEGER DEFAULT 0 NOT NULL",
    "lease_token UUID",
    "lease_until TIMESTAMP WITH TIME ZONE",
    "first_day DATE",
    "night_on DATE",
    "waiting JSONB DEFAULT '{}' NOT NULL",
)
CAMPAIGN = "(company_id, campaign_id) REFERENCES spend_campaign (company_id, id) ON DELETE CASCADE"
TABLES = {
    "spend_change": f"""
        company_id UUID NOT NULL,
        campaign_id UUID NOT NULL,
        day DATE NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        old_cost_micros BIGINT NOT NULL,
        new_cost_micros BIGINT NOT NULL,
        old_clicks BIGINT NOT NULL,
        new_clicks BIGINT NOT NULL,
        old_impressions BIGINT NOT NULL,
        new_impressions BIGINT NOT NULL,
        CONSTRAINT pk_spend_change PRIMARY KEY (company_id, campaign_id, day, seen_at),
        CONSTRAINT fk_spend_change_company_id_campaign_id_spend_campaign FOREIGN KEY {CAMPAIGN}
        """,
    "spend_part": f"""
        company_id UUID NOT NULL,
        id UUID NOT NULL,
        campaign_id UUID NOT NULL,
        ad_group_id TEXT NOT NULL,
        ad_group TEXT NOT NULL,
        criterion_id TEXT DEFAULT '' NOT NULL,
        keyword TEXT DEFAULT '' NOT NULL,
        match_type TEXT DEFAULT '' NOT NULL,
        CONSTRAINT pk_spend_part PRIMARY KEY (company_id, id),
        CONSTRAINT uq_spend_part_company_id_campaign_id_ad_group_id_criterion_id
            UNIQUE (company_id, campaign_id, ad_group_id, criterion_id),
        CONSTRAINT fk_spend_part_company_id_campaign_id_spend_campaign FOREIGN KEY {CAMPAIGN}
        """,
    "spend_part_day": """
        company_id UUID NOT NULL,
        part_id UUID NOT NULL,
        day DATE NOT NULL,
        cost_micros BIGINT NOT NULL,
        cost_minor BIGINT,
        clicks BIGINT NOT NULL,
        impressions BIGINT NOT NULL,
        CONSTRAINT pk_spend_part_day PRIMARY KEY (company_id, part_id, day),
        CONSTRAINT fk_spend_part_day_company_id_part_id_spend_part FOREIGN KEY (company_id, part_id)
            REFERENCES spend_part (company_id, id) ON DELETE CASCADE
        """,
    "spend_click": f"""
        company_id UUID NOT NULL,
        visit_id UUID NOT NULL,
        campaign_id UUID NOT NULL,
        day DATE NOT NULL,
        ad_group_id TEXT NOT NULL,
        ad_group TEXT NOT NULL,
        keyword TEXT NOT NULL,
        match_type TEXT NOT NULL,
        CONSTRAINT pk_spend_click PRIMARY KEY (company_id, visit_id),
        CONSTRAINT fk_spend_click_company_id_campaign_id_spend_campaign FOREIGN KEY {CAMPAIGN}
        """,
    "spend_click_day": """
        company_id UUID NOT NULL,
        account_id UUID NOT NULL,
        day DATE NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        named INTEGER NOT NULL,
        CONSTRAINT pk_spend_click_day PRIMARY KEY (company_id, account_id, day),
        CONSTRAINT fk_spend_click_day_company_id_account_id_spend_account
            FOREIGN KEY (company_id, account_id) REFERENCES spend_account (company_id, id) ON DELETE CASCADE
        """,
    "spend_entry": f"""
        company_id UUID NOT NULL,
        id UUID NOT NULL,
        campaign_id UUID NOT NULL,
        first_day DATE NOT NULL,
        last_day DATE NOT NULL,
        cost_minor BIGINT NOT NULL,
        note TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        created_by TEXT NOT NULL,
        CONSTRAINT pk_spend_entry PRIMARY KEY (company_id, id),
        CONSTRAINT ck_spend_entry_days CHECK (last_day >= first_day),
        CONSTRAINT fk_spend_entry_company_id_campaign_id_spend_campaign FOREIGN KEY {CAMPAIGN}
        """,
    "spend_file": """
        company_id UUID NOT NULL,
        id UUID NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        sha256 BYTEA NOT NULL,
        header JSONB NOT NULL,
        lines JSONB NOT NULL,
        plan JSONB NOT NULL,
        account_id UUID,
        counts JSONB DEFAULT '{}' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        created_by TEXT NOT NULL,
        applied_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_spend_file PRIMARY KEY (company_id, id),
        CONSTRAINT ck_spend_file_state CHECK (state IN ('draft', 'applied')),
        CONSTRAINT fk_spend_file_company_id_company FOREIGN KEY(company_id) REFERENCES company (id),
        CONSTRAINT fk_spend_file_company_id_account_id_spend_account FOREIGN KEY (company_id, account_id)
            REFERENCES spend_account (company_id, id) ON DELETE SET NULL (account_id)
        """,
    "spend_watch": """
        company_id UUID NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE,
        visits_until TIMESTAMP WITH TIME ZONE NOT NULL,
        converted_to TEXT DEFAULT '' NOT NULL,
        CONSTRAINT pk_spend_watch PRIMARY KEY (company_id),
        CONSTRAINT fk_spend_watch_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
        """,
    "campaign_sighting": """
        company_id UUID NOT NULL,
        day DATE NOT NULL,
        campaign_key TEXT NOT NULL,
        id_kind TEXT NOT NULL,
        id_value TEXT NOT NULL,
        visits INTEGER NOT NULL,
        CONSTRAINT pk_campaign_sighting PRIMARY KEY (company_id, day, campaign_key, id_kind, id_value)
        """,
    "currency_rate": """
        company_id UUID NOT NULL,
        base TEXT NOT NULL,
        quote TEXT NOT NULL,
        day DATE NOT NULL,
        rate NUMERIC(24, 12) NOT NULL,
        CONSTRAINT pk_currency_rate PRIMARY KEY (company_id, base, quote, day),
        CONSTRAINT ck_currency_rate_rate CHECK (rate > 0),
        CONSTRAINT fk_currency_rate_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
        """,
}
INDEXES = (
    ("ix_spend_change_seen", "spend_change", ["company_id", "seen_at"]),
    ("ix_spend_part_day_day", "spend_part_day", ["company_id", "day"]),
    ("ix_spend_click_campaign", "spend_click", ["company_id", "campaign_id"]),
    ("ix_spend_entry_campaign", "spend_entry", ["company_id", "campaign_id"]),
)


def upgrade() -> None:
    for column in ACCOUNT:
        op.execute(f"ALTER TABLE spend_account ADD COLUMN {column}")
    op.execute(
        "ALTER TABLE spend_account ADD CONSTRAINT ck_spend_account_status"
        " CHECK (status IN ('active', 'paused', 'stopped'))"
    )
    for table, columns in TABLES.items():
        op.execute(f"CREATE TABLE {table} ({columns})")
        protect(table)
    show_to_system("spend_watch", "company_id", "due_at")
    for name, table, of in INDEXES:
        op.create_index(name, table, of)
    op.create_index(
        "ix_spend_watch_due", "spend_watch", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE spend_account DROP CONSTRAINT ck_spend_account_status")
    for column in ACCOUNT:
        op.execute(f"ALTER TABLE spend_account DROP COLUMN {column.split()[0]}")
