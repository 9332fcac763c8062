"""That two are two stays said when one of them becomes part of somebody else.

Revision 0048.
"""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

PEOPLE = ("one_id", "other_id")
TABLES = ("person_suggestion", "person")
COMPANY = "fk_person_suggestion_company_id_company"


def upgrade() -> None:
    for name in PEOPLE:
        op.execute(f"ALTER TABLE person_suggestion DROP CONSTRAINT {_person(name)}")
    op.execute(
        f"ALTER TABLE person_suggestion ADD CONSTRAINT {COMPANY} FOREIGN KEY (company_id)"
        " REFERENCES company (id)"
    )


def downgrade() -> None:
    op.execute(f"ALTER TABLE person_suggestion DROP CONSTRAINT {COMPANY}")
    # The owner is to see all companies' rows for once.
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for name in PEOPLE:
        op.execute(
            "DELETE FROM person_suggestion s WHERE NOT EXISTS (SELECT FROM person p"
            f" WHERE p.company_id = s.company_id AND p.id = s.{name})"
        )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for name in PEOPLE:
        op.execute(
            f"ALTER TABLE person_suggestion ADD CONSTRAINT {_person(name)} FOREIGN KEY (company_id, {name})"
            " REFERENCES person (company_id, id) ON DELETE CASCADE"
        )


def _person(name: str) -> str:
    return f"fk_person_suggestion_company_id_{name}_person"
