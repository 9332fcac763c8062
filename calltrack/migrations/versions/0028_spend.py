"""Spend by day, and what each campaign earned by day.

Revision 0028.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE spend_account (
        company_id UUID NOT NULL,
        id UUID NOT NULL,
        platform TEXT NOT NULL,
        external_id TEXT NOT NULL,
        name TEXT NOT NULL,
        currency TEXT NOT NULL,
        timezone TEXT NOT NULL,
        destination_id UUID,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE,
        read_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_spend_account PRIMARY KEY (company_id, id),
        CONSTRAINT uq_spend_account_company_id_platform_external_id UNIQUE (company_id, platform, external_id),
        CONSTRAINT ck_spend_account_platform
            CHECK (platform IN ('google_ads', 'meta', 'microsoft', 'file', 'manual')),
        CONSTRAINT fk_spend_account_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
        )
        """
    )
    op.create_index(
        "ix_spend_account_due", "spend_account", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )
    protect("spend_account")
    show_to_system("spend_account", "company_id", "id", "due_at")
    op.execute(
        """
        CREATE TABLE spend_campaign (
        company_id UUID NOT NULL,
        id UUID NOT NULL,
        account_id UUID NOT NULL,
        external_id TEXT NOT NULL,
        name TEXT NOT NULL,
        campaign_key TEXT DEFAULT '' NOT NULL,
        matched_by TEXT DEFAULT '' NOT NULL,
        budget_id TEXT DEFAULT '' NOT NULL,
        budget_micros BIGINT,
        is_budget_shared BOOLEAN DEFAULT false NOT NULL,
        CONSTRAINT pk_spend_campaign PRIMARY KEY (company_id, id),
        CONSTRAINT uq_spend_campaign_company_id_account_id_external_id
            UNIQUE (company_id, account_id, external_id),
        CONSTRAINT fk_spend_campaign_company_id_account_id_spend_account FOREIGN KEY(company_id, account_id)
            REFERENCES spend_account (company_id, id) ON DELETE CASCADE
        )
        """
    )
    op.create_index("ix_spend_campaign_key", "spend_campaign", ["company_id", "campaign_key"])
    protect("spend_campaign")
    op.execute(
        """
        CREATE TABLE spend_day (
        company_id UUID NOT NULL,
        campaign_id UUID NOT NULL,
        day DATE NOT NULL,
        cost_micros BIGINT NOT NULL,
        cost_minor BIGINT,
        clicks BIGINT DEFAULT 0 NOT NULL,
        impressions BIGINT DEFAULT 0 NOT NULL,
        read_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_spend_day PRIMARY KEY (company_id, campaign_id, day),
        CONSTRAINT fk_spend_day_company_id_campaign_id_spend_campaign FOREIGN KEY(company_id, campaign_id)
            REFERENCES spend_campaign (company_id, id) ON DELETE CASCADE
        )
        """
    )
    op.create_index("ix_spend_day_day", "spend_day", ["company_id", "day"])
    protect("spend_day")
    op.execute(
        """
        CREATE TABLE campaign_credit_day (
        company_id UUID NOT NULL,
        day DATE NOT NULL,
        kind TEXT NOT NULL,
        campaign_key TEXT NOT NULL,
        conversions DOUBLE PRECISION NOT NULL,
        value_minor DOUBLE PRECISION NOT NULL,
        CONSTRAINT pk_campaign_credit_day PRIMARY KEY (company_id, day, kind, campaign_key),
        CONSTRAINT ck_campaign_credit_day_kind CHECK (kind IN ('lead', 'purchase'))
        )
        """
    )
    op.create_index(
        "ix_campaign_credit_day_key", "campaign_credit_day", ["company_id", "campaign_key", "day"]
    )
    protect("campaign_credit_day")


def downgrade() -> None:
    for table in ("campaign_credit_day", "spend_day", "spend_campaign", "spend_account"):
        op.execute(f"DROP TABLE {table}")
