"""A pool prefers numbers near its customers, and can be changed: open pages hold numbers as they were told.

Revision 0037.
"""

import sqlalchemy as sa
from alembic import op

from calltrack.migrations.edge_0037.places import CHANGED, Place

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

POOL = (
    "near TEXT[] DEFAULT '{}' NOT NULL",
    "longer_seconds INTEGER DEFAULT 0 NOT NULL",
    "longer_before TIMESTAMP WITH TIME ZONE DEFAULT '2000-01-01 00:00:00+00' NOT NULL",
)


def upgrade() -> None:
    op.execute("ALTER TABLE pool " + ", ".join(f"ADD COLUMN {column}" for column in POOL))
    op.execute("ALTER TABLE number_slot ADD COLUMN is_far BOOLEAN DEFAULT false NOT NULL")
    for name, places in CHANGED.items():
        _rewrite(name, places)


def downgrade() -> None:
    for name, places in CHANGED.items():
        _rewrite(name, tuple(Place(place.after, place.before, place.times) for place in places))
    op.execute("ALTER TABLE number_slot DROP COLUMN is_far")
    op.execute("ALTER TABLE pool " + ", ".join(f"DROP COLUMN {column.split()[0]}" for column in POOL))


def _rewrite(name: str, places: tuple[Place, ...]) -> None:
    """Change places of a function and keep all else of it as it is, its rights included."""
    connection = op.get_bind()
    found = connection.scalars(
        sa.text("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = :name"), {"name": name}
    )
    function = found.one()
    for place in places:
        if function.count(place.before) != place.times:
            raise ValueError(f"{name}: not there {place.times} times: {place.before}")
        function = function.replace(place.before, place.after)
    connection.exec_driver_sql(function.replace("%", "%%"))
