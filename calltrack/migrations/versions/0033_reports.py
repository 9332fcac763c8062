"""Report rows by day and month, what is to be counted anew, and reports sent by e-mail.

Revision 0033.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.tenancy import protect, show_to_system

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

MEASURES = """
        source TEXT NOT NULL,
        medium TEXT NOT NULL,
        campaign TEXT NOT NULL,
        detail TEXT NOT NULL,
        visits INTEGER NOT NULL,
        calls INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        answered INTEGER NOT NULL,
        talk_seconds BIGINT NOT NULL,
        with_source INTEGER NOT NULL,
        on_visit INTEGER NOT NULL,
        on_campaign INTEGER NOT NULL,
        on_source INTEGER NOT NULL,
        leads INTEGER NOT NULL,
        purchases INTEGER NOT NULL,
        value_minor BIGINT NOT NULL,
        other_currency INTEGER NOT NULL,
        value_squared DOUBLE PRECISION NOT NULL,
        largest_minor BIGINT NOT NULL,
"""


def upgrade() -> None:
    for table in ("report_day", "report_month"):
        op.execute(
            f"""
            CREATE TABLE {table} (
            company_id UUID NOT NULL,
            dimension TEXT NOT NULL,
            day DATE NOT NULL,
            place INTEGER NOT NULL,
            {MEASURES}
            CONSTRAINT pk_{table} PRIMARY KEY (company_id, dimension, day, place),
            CONSTRAINT fk_{table}_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
            )
            """
        )
        protect(table)
    op.execute(
        """
        CREATE TABLE report_due (
        company_id UUID NOT NULL,
        span TEXT NOT NULL,
        day DATE NOT NULL,
        marks BIGINT NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_report_due PRIMARY KEY (company_id, span, day),
        CONSTRAINT ck_report_due_span CHECK (span IN ('day', 'month')),
        CONSTRAINT fk_report_due_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
        )
        """
    )
    op.create_index("ix_report_due_due", "report_due", ["due_at"])
    protect("report_due")
    show_to_system("report_due", "company_id", "due_at")
    op.execute(
        """
        CREATE TABLE report_state (
        company_id UUID NOT NULL,
        timezone TEXT NOT NULL,
        currency TEXT NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        week_day DATE NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_report_state PRIMARY KEY (company_id),
        CONSTRAINT fk_report_state_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
        )
        """
    )
    op.create_index("ix_report_state_due", "report_state", ["due_at"])
    protect("report_state")
    show_to_system("report_state", "company_id", "due_at")
    op.execute(
        """
        CREATE TABLE report_mail (
        company_id UUID NOT NULL,
        id UUID NOT NULL,
        email BYTEA NOT NULL,
        email_hash BYTEA NOT NULL,
        dimension TEXT NOT NULL,
        every TEXT NOT NULL,
        hour INTEGER NOT NULL,
        filters JSONB DEFAULT '{}' NOT NULL,
        made_by TEXT NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        wakes_at TIMESTAMP WITH TIME ZONE,
        tries INTEGER DEFAULT 0 NOT NULL,
        sent_at TIMESTAMP WITH TIME ZONE,
        said TEXT DEFAULT '' NOT NULL,
        stopped_at TIMESTAMP WITH TIME ZONE,
        stopped_by TEXT DEFAULT '' NOT NULL,
        CONSTRAINT pk_report_mail PRIMARY KEY (company_id, id),
        CONSTRAINT ck_report_mail_every CHECK (every IN ('day', 'week', 'month')),
        CONSTRAINT ck_report_mail_hour CHECK (hour BETWEEN 0 AND 23),
        CONSTRAINT fk_report_mail_company_id_company FOREIGN KEY(company_id) REFERENCES company (id)
        )
        """
    )
    op.create_index(
        "ix_report_mail_wakes", "report_mail", ["wakes_at"], postgresql_where=sa.text("wakes_at IS NOT NULL")
    )
    protect("report_mail")
    show_to_system("report_mail", "company_id", "wakes_at")


def downgrade() -> None:
    for table in ("report_mail", "report_state", "report_due", "report_month", "report_day"):
        op.execute(f"DROP TABLE {table}")
