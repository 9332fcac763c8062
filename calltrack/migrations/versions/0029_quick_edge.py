"""A lease keeps what a call reads of its visit; the choice takes fewer steps; old months can be dropped.

Rows of before keep nothing: what they lack is read from their visits, until nobody asks for them any more.

Revision 0029.
"""

from importlib import import_module
from pathlib import Path

from alembic import op

from calltrack.migrations import edge_0024, edge_0029
from calltrack.migrations.edge_0024 import giving as giving_before
from calltrack.migrations.edge_0029 import giving
from calltrack.migrations.roles import APP

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

LEASE = ("visitor_id UUID", "origin TEXT", "device TEXT", "is_returning BOOLEAN")
FILES = ("number", "open", "sign")
# With a parameter more a function of the same name is another one: the one before must go.
CHANGED = ("edge_give", "edge_number")
CHOICE = import_module("calltrack.migrations.versions.0024_choice_of_numbers")


def upgrade() -> None:
    op.execute("ALTER TABLE lease " + ", ".join(f"ADD COLUMN {column}" for column in LEASE))
    _drop(CHANGED)
    for function in (giving.GIVE, giving.CHOOSE, *_texts(edge_0029.__file__)):
        _execute(function)
    _execute((Path(edge_0029.__file__ or "").parent / "partitions.sql").read_text())
    _grant((*CHANGED, "drop_partition"))


def downgrade() -> None:
    _drop(("drop_partition",))
    names = ("edge_choose", "edge_give", "edge_number", "edge_open", "edge_sign")
    _drop(names)
    for function in (giving_before.GIVE, giving_before.CHOOSE, *_texts(edge_0024.__file__)):
        _execute(function)
    _grant(names)
    op.execute("ALTER TABLE lease " + ", ".join(f"DROP COLUMN {column.split()[0]}" for column in LEASE))


def _texts(package: str | None) -> list[str]:
    folder = Path(package or "").parent
    return [(folder / f"{name}.sql").read_text() for name in FILES]


def _drop(names: tuple[str, ...]) -> None:
    for name in names:
        for signature in CHOICE._signatures(name):
            op.execute(f"DROP FUNCTION {signature}")


def _grant(names: tuple[str, ...]) -> None:
    for name in names:
        for signature in CHOICE._signatures(name):
            op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
            op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {APP}")


def _execute(function: str) -> None:
    CHOICE._execute(function)
