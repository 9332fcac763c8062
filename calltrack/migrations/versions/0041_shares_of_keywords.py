"""What of a campaign's cost each keyword and ad group is, by day and month; reports by the click's keyword.

Revision 0041.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.tenancy import protect

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

READ = ("spend_part", "spend_part_day", "spend_day", "report_state")
# As `spend/shares.py` lays costs out.
SHARES = """
    UPDATE spend_part_day d SET share_minor = s.share
    FROM (
        SELECT company_id, part_id, day,
               round(whole * so_far / nullif(every, 0))
                   - round(whole * (so_far - cost) / nullif(every, 0)) AS share
        FROM (
            SELECT d.company_id, d.part_id, d.day, d.cost_micros AS cost, w.cost_minor AS whole,
                   sum(d.cost_micros) OVER (of_kind ORDER BY d.part_id) AS so_far,
                   greatest(w.cost_micros, sum(d.cost_micros) OVER of_kind) AS every
            FROM spend_part p
            JOIN spend_part_day d ON d.company_id = p.company_id AND d.part_id = p.id
            JOIN spend_day w
              ON w.company_id = p.company_id AND w.campaign_id = p.campaign_id AND w.day = d.day
            WINDOW of_kind AS (PARTITION BY p.company_id, p.campaign_id, d.day, p.criterion_id <> '')
        ) laid
    ) s
    WHERE d.company_id = s.company_id AND d.part_id = s.part_id AND d.day = s.day AND s.share <> 0
"""
MONTHS = """
    INSERT INTO spend_part_month (company_id, month, part_id, share_minor)
    SELECT company_id, date_trunc('month', day::timestamp)::date, part_id, sum(share_minor)
    FROM spend_part_day GROUP BY 1, 2, 3 HAVING sum(share_minor) <> 0
"""


def upgrade() -> None:
    op.add_column(
        "spend_part_day", sa.Column("share_minor", sa.BigInteger, server_default=sa.text("0"), nullable=False)
    )
    op.execute(
        """
        CREATE TABLE spend_part_month (
        company_id UUID NOT NULL,
        month DATE NOT NULL,
        part_id UUID NOT NULL,
        share_minor BIGINT NOT NULL,
        CONSTRAINT pk_spend_part_month PRIMARY KEY (company_id, month, part_id),
        CONSTRAINT fk_spend_part_month_company_id_part_id_spend_part FOREIGN KEY (company_id, part_id)
            REFERENCES spend_part (company_id, id) ON DELETE CASCADE
        )
        """
    )
    op.create_index("ix_spend_part_month_part", "spend_part_month", ["company_id", "part_id"])
    # The owner reads no tenant's rows while the walls are forced: they are down for this transaction alone.
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(SHARES)
    op.execute(MONTHS)
    # Who has no state is counted from the first day on: keywords and ad groups have other words now.
    op.execute("DELETE FROM report_state")
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    protect("spend_part_month")


def downgrade() -> None:
    op.drop_table("spend_part_month")
    op.drop_column("spend_part_day", "share_minor")
