"""The walls: row-level security forced on tenant tables, grants by name, nothing by default."""

from alembic import op

from calltrack.migrations.roles import APP, SYSTEM

TENANT = "NULLIF(current_setting('app.company_id', true), '')::uuid"


def protect(table: str) -> None:
    """Let the app's role see and write rows of the transaction's company only, the owner included."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO {APP} "
        f"USING (company_id = {TENANT}) WITH CHECK (company_id = {TENANT})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}")


def show_to_system(table: str, *columns: str) -> None:
    """Let the system role read named, non-personal columns of all companies."""
    op.execute(f"GRANT SELECT ({', '.join(columns)}) ON {table} TO {SYSTEM}")
    op.execute(f"CREATE POLICY system ON {table} FOR SELECT TO {SYSTEM} USING (true)")


def share(table: str, rights: str = "SELECT, INSERT, UPDATE") -> None:
    """Grant a table of no tenant to the app's role."""
    op.execute(f"GRANT {rights} ON {table} TO {APP}")
