"""Counts the rows that the product's own statements visit, as PostgreSQL itself reports them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event


@dataclass
class Visited:
    """How many rows each statement visited, those included that a filter threw away; by statement."""

    by_statement: dict[str, int] = field(default_factory=dict)
    plans: dict[str, Any] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """Return how many rows the worst statement visited."""
        return max(self.by_statement.values(), default=0)

    def worse_than(self, limit: int) -> dict[str, int]:
        """Return the statements that visited more rows than `limit`."""
        return {words: rows for words, rows in self.by_statement.items() if rows > limit}


@contextmanager
def explained(engine: Engine) -> Iterator[Visited]:
    """Run every statement of the block under EXPLAIN ANALYZE first, undo that, and count what it visited."""
    found = Visited()

    def explain(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        verb = statement.split(maxsplit=1)[0].upper()
        if many or verb not in ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE") or "set_config" in statement:
            return
        with cursor.connection.cursor() as beside:
            beside.execute("SAVEPOINT explained")
            beside.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters)
            (answer,) = beside.fetchone()
            beside.execute("ROLLBACK TO SAVEPOINT explained")
        rows = _visited(answer[0]["Plan"])
        if rows >= found.by_statement.get(statement, 0):
            found.by_statement[statement], found.plans[statement] = rows, answer[0]["Plan"]

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", explain)


def _visited(plan: dict[str, Any]) -> int:
    own = 0.0
    if "Scan" in plan["Node Type"] and ("Relation Name" in plan or "Index Name" in plan):
        seen = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        own = sum(plan.get(name, 0) for name in seen) * plan["Actual Loops"]
    joined = sum(plan.get(name, 0) for name in ("Rows Removed by Join Filter", "Rows Removed by Filter"))
    if "Scan" not in plan["Node Type"]:
        own = joined * plan["Actual Loops"]
    return round(own) + sum(_visited(inner) for inner in plan.get("Plans", ()))


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that the block sends."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
