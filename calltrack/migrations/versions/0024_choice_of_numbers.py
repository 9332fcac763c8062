"""A number is chosen by the calls it may still get; when all are on screen one is shared (decision 0020).

The words of 0022 stay for the processes of the release before and mean the new functions; those of 0002 go.

Revision 0024.
"""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.edge_0024 import giving, pages
from calltrack.migrations.roles import APP
from calltrack.migrations.tenancy import protect

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

SUMS = tuple(f"sum_{place}" for place in range(1, 6))
OWN = tuple(f"own_{place}" for place in range(1, 6))
SLOT = (
    "seen_at TIMESTAMP WITH TIME ZONE DEFAULT '2000-01-01 00:00:00+00' NOT NULL",
    "visitor_id UUID",
    "given_at TIMESTAMP WITH TIME ZONE",
    "alone_since TIMESTAMP WITH TIME ZONE",
    "source TEXT DEFAULT '' NOT NULL",
    "campaign TEXT DEFAULT '' NOT NULL",
    "weight DOUBLE PRECISION DEFAULT 0 NOT NULL",
    "saw_contact BOOLEAN DEFAULT false NOT NULL",
    "copied BOOLEAN DEFAULT false NOT NULL",
    "called BOOLEAN DEFAULT false NOT NULL",
    "held_at DOUBLE PRECISION DEFAULT 0 NOT NULL",
    "summed_at DOUBLE PRECISION DEFAULT 0 NOT NULL",
    *(f"{name} DOUBLE PRECISION DEFAULT 0 NOT NULL" for name in (*SUMS, *OWN)),
)
LEASE = ("called_at TIMESTAMP WITH TIME ZONE", "counted_until TIMESTAMP WITH TIME ZONE")
MASS = f"""
    CREATE TABLE number_mass (
    company_id UUID NOT NULL,
    pool_id UUID NOT NULL,
    origin TEXT NOT NULL,
    number_id UUID NOT NULL,
    summed_at DOUBLE PRECISION NOT NULL,
    {", ".join(f"{name} DOUBLE PRECISION NOT NULL" for name in SUMS)},
    CONSTRAINT pk_number_mass PRIMARY KEY (company_id, pool_id, origin, number_id),
    CONSTRAINT fk_number_mass_company_id_number_id_number_slot FOREIGN KEY(company_id, number_id)
        REFERENCES number_slot (company_id, number_id) ON DELETE CASCADE
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0)
"""
# The latest holders as far as they are known; `calltrack numbers --recount` counts those before them.
HOLDERS = """
    UPDATE number_slot s SET seen_at = l.last_seen_at, given_at = l.shown_from, alone_since = l.shown_from,
        visitor_id = v.visitor_id, source = v.source || E'\\x1f' || v.medium,
        campaign = v.source || E'\\x1f' || v.medium || E'\\x1f' || v.campaign, weight = 1,
        held_at = date_part('epoch', l.last_seen_at)
    FROM lease l JOIN visit v ON v.company_id = l.company_id AND v.id = l.visit_id
    WHERE l.company_id = s.company_id AND l.id = s.lease_id
"""
# Pools that nobody set otherwise: on screen for 75 seconds, no rest that is not worth it.
POOLS = (
    "ALTER TABLE pool ALTER lease_seconds SET DEFAULT 75, ALTER cooldown_seconds SET DEFAULT 0",
    "UPDATE pool SET lease_seconds = 75, cooldown_seconds = 0 WHERE lease_seconds = 150 AND cooldown_seconds = 60",
)
READ = ("pool", "number_slot", "lease", "visit")


def upgrade() -> None:
    op.execute("ALTER TABLE number_slot " + ", ".join(f"ADD COLUMN {column}" for column in SLOT))
    op.execute("ALTER TABLE lease " + ", ".join(f"ADD COLUMN {column}" for column in LEASE))
    op.execute(MASS)
    op.create_index("ix_number_mass_number", "number_mass", ["company_id", "number_id"])
    protect("number_mass")
    op.drop_index("ix_number_slot_idle", "number_slot")
    op.create_index("ix_number_slot_holder", "number_slot", ["company_id", "pool_id", "visitor_id"])
    # An owner that is no superuser sees no company's rows while row-level security is forced.
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for statement in (*POOLS, HOLDERS):
        op.execute(statement)
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for function in (giving.SEEN, giving.GIVE, giving.CHOOSE, giving.SHARE, *pages.NEW):
        _execute(function)
    for name in NEW:
        for signature in _signatures(name):
            op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
            op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {APP}")
    for signature in pages.UNUSED:
        op.execute(f"DROP FUNCTION {signature}")
    for function in pages.EARLIER:
        _execute(function)


NEW = (
    "edge_seen", "edge_give", "edge_choose", "edge_share", "edge_number", "edge_open", "edge_sign", "edge_tapped",
)  # fmt: skip


def downgrade() -> None:
    for name in (*NEW, "edge_visit", "edge_beat", "edge_tap"):
        for signature in _signatures(name):
            op.execute(f"DROP FUNCTION {signature}")
    _make_those_of_before()
    op.drop_index("ix_number_slot_holder", "number_slot")
    op.create_index("ix_number_slot_idle", "number_slot", ["company_id", "pool_id", "busy_until"])
    op.execute("DROP TABLE number_mass")
    op.execute("ALTER TABLE pool ALTER lease_seconds SET DEFAULT 150, ALTER cooldown_seconds SET DEFAULT 60")
    for table, columns in (("lease", LEASE), ("number_slot", SLOT)):
        op.execute(f"ALTER TABLE {table} " + ", ".join(f"DROP COLUMN {one.split()[0]}" for one in columns))


def _make_those_of_before() -> None:
    """Make the functions of 0022 as they came to be: from those of 0002, changed by 0016."""
    first, numbers, signals = (
        import_module(f"calltrack.migrations.versions.{name}")
        for name in ("0002_edge_functions", "0016_numbers", "0022_signals")
    )
    for function in (first.LEASE, first.VISIT, first.BEAT, first.TAP):
        _execute(function)
    numbers._rewrite(numbers.BEFORE, numbers.AFTER)
    for name, signature in signals.BEFORE.items():
        signals._beside(signature, signals.CHANGES[name])
    for signature in (*first.SIGNATURES, *signals.AFTER):
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {APP}")


def _execute(function: str) -> None:
    op.get_bind().exec_driver_sql(function.replace("%", "%%"))


def _signatures(name: str) -> list[str]:
    found = op.get_bind().scalars(
        sa.text("SELECT oid::regprocedure::text FROM pg_proc WHERE proname = :name"), {"name": name}
    )
    return list(found)
