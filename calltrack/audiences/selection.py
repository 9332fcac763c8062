"""The condition as SQL: which of a company's persons it holds for, in one statement over sets.

The same text serves one person, a thousand that were marked, and all of them: only the first list differs.
`rules.matches` says the same of one person in plain code; a property test keeps the two together.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from calltrack.audiences.conditions import (
    All,
    Any_,
    Bought,
    BoughtSinceLead,
    Lead,
    Leaf,
    Missed,
    Not,
    Segment,
    Touch,
    Tree,
    Value,
)
from calltrack.audiences.rules import SAME_DAY
from calltrack.stages.segment_rules import Sql, read_segment

SOME: Final = "SELECT id FROM person WHERE company_id = :company_id AND id = ANY(:ids)"
EVERYBODY: Final = "SELECT id FROM person WHERE company_id = :company_id"

# A call belongs to the person whose number called; a withheld number's conversion to the person it names.
_STREAMS: Final = """
    called AS (
        SELECT pc.person_id, ca.id, ca.started_at, ca.outcome, ca.is_bridged, ca.location_id
        FROM asked JOIN person_caller pc ON pc.company_id = :company_id AND pc.person_id = asked.id
        JOIN call ca ON ca.company_id = :company_id AND ca.caller_hash = pc.caller_hash),
    converted AS (
        SELECT ca.person_id, co.kind, co.occurred_at, co.value_minor, co.currency, co.via
        FROM called ca JOIN conversion co ON co.company_id = :company_id AND co.call_id = ca.id
        WHERE co.status = 'counted'
        UNION ALL
        SELECT co.person_id, co.kind, co.occurred_at, co.value_minor, co.currency, co.via
        FROM asked JOIN conversion co ON co.company_id = :company_id AND co.person_id = asked.id
        JOIN call ca ON ca.company_id = :company_id AND ca.id = co.call_id AND ca.caller_hash IS NULL
        WHERE co.status = 'counted')"""
# Facts by name, each a list with one row a person at most; the ones a condition does not ask are left out.
_FACTS: Final[dict[str, str]] = {
    "lead": """SELECT person_id, max(occurred_at) AS last_at FROM converted WHERE kind = 'lead'
        GROUP BY person_id""",
    "bought": """SELECT person_id, max(occurred_at) AS last_at FROM converted WHERE kind = 'purchase'
        GROUP BY person_id""",
    "since": """SELECT co.person_id, min(co.occurred_at) AS first_at FROM converted co
        JOIN lead ON lead.person_id = co.person_id
        WHERE co.kind = 'purchase' AND co.occurred_at >= lead.last_at - CAST(:same_day AS interval)
        GROUP BY co.person_id""",
    "paid": """SELECT person_id, currency, sum(coalesce(value_minor, 0)) AS minor FROM converted
        WHERE kind = 'purchase' GROUP BY person_id, currency""",
    "missed": """SELECT person_id, max(started_at) AS last_at FROM called
        WHERE outcome NOT IN ('blocked', 'over_limit') AND NOT is_bridged GROUP BY person_id""",
    "reached": """SELECT person_id, max(at) AS last_at FROM (
            SELECT person_id, started_at AS at FROM called WHERE is_bridged
            UNION ALL SELECT person_id, occurred_at FROM converted WHERE via = 'call_back') heard
        GROUP BY person_id""",
    "touch": """SELECT ca.person_id, ca.started_at AS at, a.source, a.medium, a.campaign
        FROM called ca JOIN attribution a ON a.company_id = :company_id AND a.call_id = ca.id AND a.is_current
        WHERE a.source <> ''
        UNION ALL
        SELECT pv.person_id, v.started_at, v.source, v.medium, v.campaign
        FROM asked JOIN person_visitor pv ON pv.company_id = :company_id AND pv.person_id = asked.id
        JOIN visit v ON v.company_id = :company_id AND v.visitor_id = pv.visitor_id""",
    "first_touch": """SELECT DISTINCT ON (person_id) * FROM touch ORDER BY person_id, at,
        source COLLATE "C", medium COLLATE "C", campaign COLLATE "C" """,
    "last_touch": """SELECT DISTINCT ON (person_id) * FROM touch ORDER BY person_id, at DESC,
        source COLLATE "C" DESC, medium COLLATE "C" DESC, campaign COLLATE "C" DESC""",
}
_NEEDS: Final = {"since": ("lead",), "first_touch": ("touch",), "last_touch": ("touch",)}
# Lists that are joined to each person; the others are asked by EXISTS.
_JOINED: Final = ("lead", "bought", "since", "missed", "reached", "first_touch", "last_touch")


@dataclass
class Selection:
    """A condition as SQL: the lists `WITH` needs, `where` over them, and its parameters."""

    where: str = "false"
    facts: set[str] = field(default_factory=set)
    values: dict[str, Any] = field(default_factory=dict)

    def lists(self, asked: str) -> str:
        """Return the lists of a WITH, the last one `hit (person_id)`: whom the condition holds for."""
        needed = self.facts | {inner for name in self.facts for inner in _NEEDS.get(name, ())}
        named = [f"{name} AS ({sql})" for name, sql in _FACTS.items() if name in needed]
        joins = [f"LEFT JOIN {name} ON {name}.person_id = asked.id" for name in _JOINED if name in self.facts]
        found = f"SELECT asked.id AS person_id FROM asked {' '.join(joins)} WHERE {self.where}"  # noqa: S608 - constants
        hit = f"hit AS ({found})"
        return ", ".join((f"asked AS MATERIALIZED ({asked})", _STREAMS, *named, hit))

    def give(self, value: Any) -> str:
        """Keep a value and return the name it is asked by."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def holds(self, fact: str, words: str) -> str:
        """Return words about a fact, false where the person has none of it."""
        self.facts.add(fact)
        return f"coalesce({words}, false)"


def select(tree: Tree) -> Selection:
    """Return the condition as SQL; the moment it is asked about is the parameter `now`."""
    selection = Selection(values={"same_day": SAME_DAY})
    selection.where = _where(tree, selection)
    return selection


def _where(tree: Tree, to: Selection) -> str:
    if isinstance(tree, All):
        return "(" + " AND ".join(_where(one, to) for one in tree.all) + ")"
    if isinstance(tree, Any_):
        return "(" + " OR ".join(_where(one, to) for one in tree.any) + ")"
    if isinstance(tree, Not):
        return f"NOT {_where(tree.not_, to)}"
    return _leaf(tree, to)


def _leaf(leaf: Leaf, to: Selection) -> str:
    if isinstance(leaf, Lead):
        words = to.holds("lead", _recent("lead.last_at", leaf.within_days, to))
        if leaf.older_than_days is None:
            return words
        aged = f"lead.last_at <= :now - {_interval(leaf.older_than_days, to)}"
        return f"({words} AND {to.holds('lead', aged)})"
    if isinstance(leaf, Bought):
        return to.holds("bought", _recent("bought.last_at", leaf.within_days, to))
    if isinstance(leaf, BoughtSinceLead):
        if leaf.within_days is None:
            return to.holds("since", "since.first_at IS NOT NULL")
        to.facts.add("lead")
        return to.holds("since", f"since.first_at <= lead.last_at + {_interval(leaf.within_days, to)}")
    if isinstance(leaf, Missed):
        to.facts.add("reached")
        waits = "(reached.last_at IS NULL OR reached.last_at < missed.last_at)"
        return to.holds("missed", f"{_recent('missed.last_at', leaf.within_days, to)} AND {waits}")
    if isinstance(leaf, Value):
        to.facts.add("paid")
        return (
            "EXISTS (SELECT FROM paid WHERE paid.person_id = asked.id"
            f" AND paid.currency = {to.give(leaf.currency)} AND paid.minor >= {to.give(leaf.at_least_minor)})"
        )
    if isinstance(leaf, Touch):
        return _touch(leaf, to)
    if isinstance(leaf, Segment):
        where = Sql(to.values).where(read_segment(leaf.condition))
        # The company's key stands before the condition: each person's journey is reached by its own.
        return (
            f"EXISTS (SELECT FROM journey j WHERE j.company_id = :company_id AND j.id = asked.id AND {where})"
        )
    ids = to.give(list(leaf.location_ids))
    return (
        "EXISTS (SELECT FROM called WHERE called.person_id = asked.id"
        f" AND called.location_id = ANY(CAST({ids} AS uuid[])))"
    )


def _touch(leaf: Touch, to: Selection) -> str:
    name = f"{leaf.which}_touch"
    pairs = (("source", leaf.source), ("medium", leaf.medium), ("campaign", leaf.campaign))
    words = [f"{name}.{column} = {to.give(value)}" for column, value in pairs if value]
    return to.holds(name, " AND ".join(words))


def _recent(column: str, days: int | None, to: Selection) -> str:
    return f"{column} > :now - {_interval(days, to)}" if days else f"{column} IS NOT NULL"


def _interval(days: int, to: Selection) -> str:
    return f"CAST({to.give(timedelta(days=days))} AS interval)"
