"""A visit costs the database less: short statements, and of a large pool the numbers given longest ago.

Revision 0038.
"""

from importlib import import_module

from alembic import op

from calltrack.migrations.edge_0029 import giving as giving_before
from calltrack.migrations.edge_0037.regions import NOW
from calltrack.migrations.edge_0038 import giving
from calltrack.migrations.edge_0038.open import OPEN
from calltrack.migrations.roles import APP

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

CHOICE = import_module("calltrack.migrations.versions.0024_choice_of_numbers")


def upgrade() -> None:
    op.create_index("ix_number_slot_visitor", "number_slot", ["company_id", "visitor_id"])
    op.execute(
        "CREATE INDEX ix_number_slot_given ON number_slot (company_id, pool_id, given_at NULLS FIRST, number_id)"
    )
    op.drop_index("ix_number_slot_holder", "number_slot")
    for function in (giving.GIVE, giving.LATE, giving.CHOOSE, OPEN):
        CHOICE._execute(function)
    for signature in CHOICE._signatures("edge_choose_late"):
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {APP}")


def downgrade() -> None:
    for function in (NOW["edge_give"], giving_before.CHOOSE, NOW["edge_open"]):
        CHOICE._execute(function)
    for signature in CHOICE._signatures("edge_choose_late"):
        op.execute(f"DROP FUNCTION {signature}")
    op.create_index("ix_number_slot_holder", "number_slot", ["company_id", "pool_id", "visitor_id"])
    op.drop_index("ix_number_slot_given", "number_slot")
    op.drop_index("ix_number_slot_visitor", "number_slot")
