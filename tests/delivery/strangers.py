"""A new company beside a big one: PostgreSQL's statistics know the big one, and nothing of the new one."""

from typing import Literal
from uuid import UUID

from sqlalchemy import create_engine, text

from calltrack.conversions.contacts import SEALED
from tests.builders import make_company
from tests.conftest import NOON
from tests.delivery.world import World


def beside_a_big_company(world: World, owner_url: str, *, big: int, changes: int) -> list[UUID]:
    """Store a big company, gather statistics, then store the world's own; returns the world's changes."""
    neighbour = World(world.services, make_company(world.services), world.origin)
    neighbour.webhook()
    neighbour.conversions(1)
    _multiply(neighbour, big)
    _name_persons(neighbour)
    neighbour.door.close()
    analyze(owner_url)
    ids = world.conversions(changes, planned=False)
    _name_persons(world)
    return ids


def analyze(owner_url: str) -> None:
    """Gather statistics of every table, as autovacuum does some day; only the owner may."""
    owner = create_engine(owner_url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text("ANALYZE"))
    owner.dispose()


def gather_by_itself(owner_url: str, word: Literal["on", "off"]) -> None:
    """Let the server keep its statistics itself, or not: then it never learns of the new company."""
    owner = create_engine(owner_url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text(f"ALTER SYSTEM SET autovacuum = {word}"))
        connection.execute(text("SELECT pg_reload_conf()"))
    owner.dispose()


def _multiply(world: World, count: int) -> None:
    """Copy the company's only conversion, with all that belongs to it, in the database itself."""
    with world.services.db.tenant(world.company.id) as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        for table, changed in COPIED.items():
            session.execute(text(COPY.format(table=table, changed=changed)), {"count": count})


def _name_persons(world: World) -> None:
    """Give every call a caller and a person of its own, of whom a CRM told something."""
    company_id, vault = world.company.id, world.services.vault
    values = {
        "company_id": company_id,
        "phone": vault.seal(company_id, "person_caller.phone", "+393471234567"),
        "sealed": vault.seal(company_id, SEALED, CONTACT),
        "now": NOON,
    }
    with world.services.db.tenant(company_id) as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        for statement in PERSONS:
            session.execute(text(statement), values)


CONTACT = '{"email": "anna@example.com"}'
_ID = "left(one.{column}::text, 14) || substr(CAST(md5(n::text) AS uuid)::text, 15)"
COPIED = {
    table: ", ".join(f"'{column}', {_ID.format(column=column)}" for column in columns) + more
    for table, columns, more in (
        # A table of a few pages is rightly read as a whole. Given back, so that no route table holds them.
        ("tracking_number", ("id",), ", 'e164', '+4930' || (1000000 + n), 'released_at', now()"),
        ("visit", ("id", "visitor_id"), ""),
        ("call", ("id",), ", 'call_sid', 'CA' || md5(n::text)"),
        ("attribution", ("id", "call_id", "visit_id"), ""),
        ("conversion", ("id", "call_id"), ""),
        ("conversion_change", ("id", "conversion_id"), ""),
        ("delivery", ("id", "conversion_id", "change_id"), ""),
    )
}
COPY = """
    INSERT INTO {table} SELECT made.* FROM (SELECT * FROM {table} LIMIT 1) one, generate_series(1, :count) n,
    LATERAL jsonb_populate_record(CAST(NULL AS {table}), to_jsonb(one) || jsonb_build_object({changed})) made
"""
PERSONS = (
    "UPDATE call SET caller_hash = CAST(replace(id::text, '-', '') AS bytea)",
    "UPDATE conversion SET person_id = id",
    """INSERT INTO person (company_id, id, created_at, is_demo)
    SELECT company_id, id, :now, false FROM conversion""",
    """INSERT INTO person_caller (company_id, caller_hash, person_id, phone, linked_at)
    SELECT ca.company_id, ca.caller_hash, co.person_id, :phone, :now
    FROM call ca JOIN conversion co ON co.company_id = ca.company_id AND co.call_id = ca.id""",
    """INSERT INTO contact (company_id, call_id, sealed, told_at)
    SELECT company_id, call_id, :sealed, :now FROM conversion""",
    """INSERT INTO person_visitor (company_id, visitor_id, person_id, call_id, probability, linked_at)
    SELECT v.company_id, v.visitor_id, co.person_id, co.call_id, 0.9, :now
    FROM conversion co JOIN attribution a ON a.company_id = co.company_id AND a.call_id = co.call_id
    JOIN visit v ON v.company_id = a.company_id AND v.id = a.visit_id""",
)
