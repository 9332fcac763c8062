"""The flow from sources over first pages to stages: at most 12 named nodes, and "other" for the rest."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.kernel.origin import words_of
from calltrack.stages.cells import Among, Days, cells_of_view
from calltrack.stages.stage_words import STAGES

# With the five stages: twelve.
MOST_SOURCES: Final = 4
MOST_PAGES: Final = 3
# Stands for every source, or first page, that has no node of its own; can stand in no word.
OTHER: Final = "\x1d"
_FLOWS: Final = """
    WITH cells AS MATERIALIZED (
        SELECT a, b, left(c, 1) AS stage, sum(persons)::bigint AS persons {0} GROUP BY 1, 2, 3),
    sources AS (SELECT a FROM cells GROUP BY a ORDER BY sum(persons) DESC, a LIMIT :sources),
    pages AS (SELECT b FROM cells GROUP BY b ORDER BY sum(persons) DESC, b LIMIT :pages)
    SELECT coalesce(sources.a, :other) AS source, coalesce(pages.b, :other) AS page, stage,
           sum(persons)::bigint AS persons
    FROM cells LEFT JOIN sources USING (a) LEFT JOIN pages USING (b)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


@dataclass(frozen=True)
class Node:
    """A source, a first page or a stage. kind: source, page, stage; `key` is OTHER for the rest."""

    kind: str
    key: str
    persons: int

    @property
    def is_other(self) -> bool:
        """Whether it stands for the rest."""
        return self.key == OTHER

    @property
    def origin(self) -> tuple[str, str]:
        """Source and medium, of a source."""
        return words_of(self.key)[:2]


@dataclass(frozen=True)
class Flow:
    """So many journeys went from a node to the next one."""

    start: Node
    end: Node
    persons: int


@dataclass(frozen=True)
class Sankey:
    """Nodes by column, the largest first (stages in their order), flows, and how many journeys there are."""

    columns: tuple[tuple[Node, ...], ...]
    flows: tuple[Flow, ...]
    persons: int


def sankey(session: Session, company_id: UUID, days: Days, among: Among | None = None) -> Sankey:
    """Return the flow of all journeys of these days (or of some of them); every column adds up to all."""
    cells = cells_of_view(company_id, "flow", days, among)
    values = cells.values | {"other": OTHER, "sources": MOST_SOURCES, "pages": MOST_PAGES}
    rows = session.execute(cells.asked(_FLOWS.format(cells.sql)), values).all()
    counts: dict[tuple[str, str], int] = {}
    links: dict[tuple[tuple[str, str], tuple[str, str]], int] = {}
    for row in rows:
        path = (("source", row.source), ("page", row.page), ("stage", STAGES[int(row.stage)]))
        for one in path:
            counts[one] = counts.get(one, 0) + row.persons
        for link in pairwise(path):
            links[link] = links.get(link, 0) + row.persons
    nodes = {one: Node(*one, persons) for one, persons in counts.items()}
    columns = tuple(
        tuple(sorted((node for node in nodes.values() if node.kind == kind), key=_place))
        for kind in ("source", "page", "stage")
    )
    order = {node: place for column in columns for place, node in enumerate(column)}
    flows = [Flow(nodes[start], nodes[end], persons) for (start, end), persons in links.items()]
    flows.sort(key=lambda flow: (flow.start.kind != "source", order[flow.start], order[flow.end]))
    return Sankey(columns, tuple(flows), sum(node.persons for node in columns[2]))


def _place(node: Node) -> tuple[float, int, str]:
    if node.kind == "stage":
        return (STAGES.index(node.key), 0, "")
    return (float(node.is_other), -node.persons, node.key)
