"""Conversions: several orders of one call, each under its own name; how a word reached us; how it ended.

Revision 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

VIAS = "'rule', 'dashboard', 'api', 'crm', 'import', 'link', 'call_back'"
ENDS = "'', 'none', 'refund', 'cancel', 'rule', 'merge'"


def upgrade() -> None:
    op.add_column("conversion", sa.Column("external_id", sa.Text(), server_default="", nullable=False))
    op.add_column("conversion", sa.Column("via", sa.Text(), server_default="rule", nullable=False))
    op.add_column("conversion", sa.Column("ended_by", sa.Text(), server_default="", nullable=False))
    op.add_column("conversion_change", sa.Column("via", sa.Text(), server_default="rule", nullable=False))
    for table, who in (("conversion", "decided_by"), ("conversion_change", "changed_by")):
        op.execute(
            f"UPDATE {table} SET via = CASE WHEN {who} LIKE '%<%@%>' THEN 'dashboard' ELSE 'api' END "
            f"WHERE {who} <> 'rule'"
        )
        op.create_check_constraint(op.f(f"ck_{table}_via"), table, f"via IN ({VIAS})")
    op.execute(
        "UPDATE conversion SET ended_by = CASE WHEN via = 'rule' THEN 'rule' ELSE 'none' END "
        "WHERE status = 'retracted'"
    )
    op.create_check_constraint(op.f("ck_conversion_ended_by"), "conversion", f"ended_by IN ({ENDS})")
    op.drop_constraint(op.f("uq_conversion_company_id_call_id_kind"), "conversion")
    op.create_unique_constraint(
        op.f("uq_conversion_company_id_call_id_kind_external_id"),
        "conversion",
        ["company_id", "call_id", "kind", "external_id"],
    )
    op.create_index(
        "uq_conversion_external",
        "conversion",
        ["company_id", "kind", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id <> ''"),
    )


def downgrade() -> None:
    # Only one order of a call can stay in the older schema.
    op.execute(
        "DELETE FROM conversion c USING conversion e WHERE e.company_id = c.company_id "
        "AND e.call_id = c.call_id AND e.kind = c.kind AND e.id < c.id"
    )
    op.drop_index("uq_conversion_external", "conversion")
    op.drop_constraint(op.f("uq_conversion_company_id_call_id_kind_external_id"), "conversion")
    op.create_unique_constraint(
        op.f("uq_conversion_company_id_call_id_kind"), "conversion", ["company_id", "call_id", "kind"]
    )
    op.drop_column("conversion_change", "via")
    for column in ("ended_by", "via", "external_id"):
        op.drop_column("conversion", column)
