"""The house stands as docs say: imports point down, and the database keeps companies apart."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Connection, ForeignKeyConstraint, UniqueConstraint, text

from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.migrations.roles import APP, SYSTEM
from calltrack.models import Base
from calltrack.wiring import Services
from tests.slow_first import SLOW
from workers.subscriptions import SUBSCRIPTIONS

HOUSE = Path(__file__).parent.parent
# From the roof to the ground: each line may import the lines below it, and itself, never its neighbours.
LADDER = [
    ["workers", "wsgi"],
    ["calltrack.commands"],
    ["calltrack.migrations"],
    ["calltrack.models"],
    ["calltrack.sandbox"],
    ["calltrack.dashboard", "calltrack.api"],
    ["calltrack.erasure"],
    ["calltrack.automations"],
    ["calltrack.budgets"],
    ["calltrack.reports"],
    ["calltrack.spend"],
    ["calltrack.audiences"],
    ["calltrack.stages"],
    ["calltrack.delivery"],
    ["calltrack.conversions", "calltrack.destinations"],
    ["calltrack.journeys"],
    ["calltrack.attribution"],
    ["calltrack.messages"],
    ["calltrack.calls"],
    ["calltrack.callflows"],
    ["calltrack.installation"],
    ["calltrack.numbers"],
    ["calltrack.visits"],
    ["calltrack.accounts"],
    ["calltrack.wiring"],
    ["calltrack.telephony"],
    ["calltrack.config"],
    ["calltrack.infra"],
    ["calltrack.kernel", "calltrack.snippet"],
]
HEIGHT = {room: len(LADDER) - step for step, rooms in enumerate(LADDER) for room in rooms}
# Single files beside the rooms (voice, edge, app, ...) put rooms together into one surface each.
ROOF = {
    f"calltrack.{path.stem}": len(LADDER)
    for path in (HOUSE / "calltrack").glob("*.py")
    if f"calltrack.{path.stem}" not in HEIGHT and path.stem != "__init__"
}


def sources() -> Iterator[tuple[str, Path]]:
    for folder in ("calltrack", "workers"):
        for path in sorted((HOUSE / folder).rglob("*.py")):
            yield ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__"), path


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def room_of(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "calltrack" else parts[0]


def imports_of(module: str, path: Path) -> set[str]:
    found = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # `from calltrack import config` names the room in the list, not in the path.
            bare = node.module == "calltrack"
            found |= {f"calltrack.{name.name}" for name in node.names} if bare else {node.module}
    return {name for name in found if name.split(".")[0] in ("calltrack", "workers", "wsgi")}


def test_every_room_has_its_place_on_the_ladder() -> None:
    rooms = {room_of(module) for module, _ in sources()} - {"calltrack"}
    assert rooms - set(HEIGHT) - set(ROOF) == set(), (
        "write the new room into LADDER, at the height it lives on"
    )


def test_imports_point_down() -> None:
    heights = HEIGHT | ROOF
    wrong = [
        f"{module} imports {name}"
        for module, path in sources()
        for name in imports_of(module, path)
        if room_of(module) not in ROOF
        and room_of(module) != room_of(name)
        and heights.get(room_of(module), 0) <= heights.get(room_of(name), 99)
    ]
    assert wrong == [], "a lower room records a fact; workers/subscriptions.py says who reacts"


def test_only_telephony_knows_the_carriers_client() -> None:
    wrong = []
    for module, path in sources():
        for node in nodes_of(path):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module)
            if (
                any(name.split(".")[0] == "twilio" for name in names)
                and room_of(module) != "calltrack.telephony"
            ):
                wrong.append(f"{module} imports twilio")
    assert wrong == []


def test_rules_ask_for_neither_the_time_nor_the_database() -> None:
    forbidden = re.compile(
        r"datetime\.now|utc_now\(|time\.time\(|import sqlalchemy|from sqlalchemy|Session\b"
    )
    rules = [path for _, path in sources() if path.name.endswith("rules.py")]
    assert [path.name for path in rules]
    assert [str(path) for path in rules if forbidden.search(path.read_text())] == []


def called(function: ast.expr) -> str:
    """The name of a function, with the one it is taken from; nothing for what is longer."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return f"{function.value.id}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""


def test_what_begins_first_among_the_tests_is_there() -> None:
    assert [name for name in SLOW if not (HOUSE / "tests" / name).exists()] == []


def recorded_kinds() -> set[str]:
    """The kinds of facts that code records: by `outbox.record(...)`, or by the voice room's own SQL."""
    found = set()
    for _, path in sources():
        for node in nodes_of(path):
            if isinstance(node, ast.Call) and called(node.func) in ("outbox.record", "_record"):
                words = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                found |= {word for word in words if isinstance(word, str)}
        found |= set(re.findall(r"INSERT INTO outbox .*?'(\w+\.\w+)'", path.read_text(), re.DOTALL))
    return found


def test_every_fact_that_is_recorded_has_its_line_in_subscriptions_and_no_other() -> None:
    assert set(SUBSCRIPTIONS) == recorded_kinds()


TENANT_TABLES = sorted(name for name, table in Base.metadata.tables.items() if "company_id" in table.columns)
# Which company owns a number must be seen before the company is known: a table of no tenant.
SHARED_TABLES = {"number_claim"}


@pytest.mark.parametrize("name", [name for name in TENANT_TABLES if name not in SHARED_TABLES])
def test_company_id_leads_every_key_of_a_tenants_table(name: str) -> None:
    table = Base.metadata.tables[name]
    assert next(iter(table.primary_key.columns)).name == "company_id"
    for index in table.indexes:
        assert not index.unique or next(iter(index.columns)).name == "company_id", index.name
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            walled = constraint.referred_table.name in (*TENANT_TABLES, "company")
            assert not walled or constraint.column_keys[0] == "company_id", constraint.name
        elif isinstance(constraint, UniqueConstraint):
            assert next(iter(constraint.columns)).name == "company_id", constraint.name


@pytest.fixture
def catalogue(postgres: EmbeddedPostgres, services: Services) -> Iterator[Connection]:
    with services.db.engine.connect() as connection:
        yield connection


def test_every_tenants_table_is_walled_in(catalogue: Connection) -> None:
    rows = catalogue.execute(
        text(
            """
            SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced,
                   bool_or(p.polname = 'tenant'
                           AND pg_get_expr(p.polqual, p.polrelid) LIKE '%app.company_id%'
                           AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%app.company_id%') AS bound
            FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id' AND NOT a.attisdropped
            LEFT JOIN pg_policy p ON p.polrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            GROUP BY c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity
            """
        )
    ).all()
    found = {row.relname: row for row in rows if row.relname not in SHARED_TABLES}
    assert set(found) == set(TENANT_TABLES) - SHARED_TABLES
    assert [name for name, row in found.items() if not row.forced] == []
    assert [name for name, row in found.items() if not row.bound] == []


def test_partitions_cannot_be_read_past_their_walled_parent(catalogue: Connection) -> None:
    open_ = catalogue.scalars(
        text(
            """
            SELECT c.relname FROM pg_class c, unnest(ARRAY[:app, :system]) AS role
            WHERE c.relispartition AND c.relkind = 'r' AND has_table_privilege(role, c.oid, 'SELECT')
            """
        ),
        {"app": APP, "system": SYSTEM},
    ).all()
    assert open_ == []


@pytest.mark.parametrize("role", [APP, SYSTEM])
def test_the_roles_cannot_climb_the_walls(catalogue: Connection, role: str) -> None:
    row = catalogue.execute(
        text(
            """
            SELECT r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb,
                   (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid) AS owned,
                   (SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid) AS memberships
            FROM pg_roles r WHERE r.rolname = :role
            """
        ),
        {"role": role},
    ).one()
    assert tuple(row) == (False, False, False, False, 0, 0)
