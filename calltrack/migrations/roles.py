"""The two login roles beside the owner: neither owns a table, neither can bypass row-level security."""

from sqlalchemy import text
from sqlalchemy.engine import Connection

APP, SYSTEM = "calltrack_app", "calltrack_system"


class UnsafeRole(SystemExit):
    """The process would run with more rights than the walls between tenants allow."""


def ensure_roles(connection: Connection) -> None:
    """Create the roles where they are missing and let the present user act as them."""
    present = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
    for role in (APP, SYSTEM):
        if role not in present:
            connection.execute(text(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS"))
            connection.execute(text(f"GRANT {role} TO CURRENT_USER"))


def refuse_unsafe_role(connection: Connection) -> None:
    """Stop the process when row-level security would not hold for this connection.

    Raises:
        UnsafeRole: the role is a superuser, may bypass row-level security, or owns the tables.
    """
    row = connection.execute(
        text(
            """
            SELECT current_user AS name, r.rolsuper OR r.rolbypassrls AS above,
                   EXISTS (SELECT 1 FROM pg_class c WHERE c.relname = 'call' AND c.relowner = r.oid) AS owns
            FROM pg_roles r WHERE r.rolname = current_user
            """
        )
    ).one()
    if row.above or row.owns:
        raise UnsafeRole(
            f"The database role {row.name!r} could read every company's data. Let DATABASE_URL log in as "
            f"{APP} (see docs/configuration.md) and keep the owner's login for `calltrack migrate`."
        )
