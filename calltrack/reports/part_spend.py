"""What keywords and ad groups cost: their shares of their campaigns' costs, and what no part was told of.

All of it together is what the campaigns cost, to the minor unit: see `spend/shares.py`.
"""

from collections import defaultdict
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Date

from calltrack.reports.asking import Step, Stretch
from calltrack.reports.days import edges, whole_months
from calltrack.visits.ad_words import named_sql, same_text

WORD: Final = {"keyword": same_text("p.keyword"), "ad_group": named_sql("p")}
"""The word of a part by the dimension it belongs to; rows of reports are stored under the same one."""
_KIND: Final = {"keyword": "p.criterion_id <> ''", "ad_group": "p.criterion_id = ''"}


class PartCost(NamedTuple):
    """What parts of one word cost within a campaign that is matched with these visits."""

    campaign_key: str
    word: str
    spend_minor: int


def read_parts(
    session: Session, company_id: UUID, dimension: str, over: Stretch, words: tuple[str, ...] | None
) -> list[PartCost]:
    """Return the costs of a period by campaign and keyword (or ad group); `words`: of these only."""
    given = _values(company_id, over) | {"words": list(words) if words is not None else None}
    return [PartCost(*row) for row in session.execute(_SUMS[dimension], given)]


def read_part_steps(
    session: Session, company_id: UUID, dimension: str, over: Stretch, step: Step, words: tuple[str, ...]
) -> dict[tuple[str, date], int]:
    """Return what parts of these words cost, by campaign key and day, week (its Monday) or month."""
    given = {
        "company_id": company_id, "since": over.since, "until": over.until, "step": step,
        "words": list(words),
    }  # fmt: skip
    found: defaultdict[tuple[str, date], int] = defaultdict(int)
    for row in session.execute(_STEPS[dimension], given):
        found[row.campaign_key, row.start] += int(row.spend_minor)
    return dict(found)


def _values(company_id: UUID, over: Stretch) -> dict[str, Any]:
    ends = edges(over.since, over.until)
    return {
        "company_id": company_id, "months": whole_months(over.since, over.until),
        "since": [first for first, _ in ends], "until": [last for _, last in ends],
    }  # fmt: skip


def _sums(dimension: str) -> Any:
    # Sums of parts first, by their ids; then their names. OFFSET keeps each stretch a range of the index.
    days = ARRAY(Date())
    return text(
        f"""
        WITH cost AS (
            SELECT one.part_id, one.share_minor FROM unnest(:since, :until) AS stretch (since, until)
            CROSS JOIN LATERAL (
                SELECT part_id, share_minor FROM spend_part_day d
                WHERE d.company_id = (SELECT CAST(:company_id AS uuid))
                    AND d.day BETWEEN stretch.since AND stretch.until AND d.share_minor <> 0 OFFSET 0
            ) one
            UNION ALL
            SELECT m.part_id, m.share_minor FROM spend_part_month m
            WHERE m.company_id = (SELECT CAST(:company_id AS uuid)) AND m.month = ANY(:months)
        ), summed AS MATERIALIZED (
            SELECT part_id, sum(share_minor) AS spend_minor FROM cost GROUP BY part_id
        ), named AS (
            SELECT c.campaign_key, {WORD[dimension]} AS word, s.spend_minor
            FROM summed s
            JOIN spend_part p ON p.company_id = :company_id AND p.id = s.part_id AND {_KIND[dimension]}
            JOIN spend_campaign c ON c.company_id = p.company_id AND c.id = p.campaign_id
        )
        SELECT campaign_key, word, sum(spend_minor)::bigint FROM named
        WHERE CAST(:words AS text[]) IS NULL OR word = ANY(CAST(:words AS text[]))
        GROUP BY campaign_key, word
        """  # noqa: S608 - constants of this file
    ).bindparams(
        bindparam("months", type_=days), bindparam("since", type_=days), bindparam("until", type_=days)
    )


def _steps(dimension: str) -> Any:
    return text(
        f"""
        SELECT c.campaign_key, CAST(date_trunc(:step, d.day::timestamp) AS date) AS start,
               sum(d.share_minor) AS spend_minor
        FROM spend_part p
        JOIN spend_campaign c ON c.company_id = p.company_id AND c.id = p.campaign_id
        CROSS JOIN LATERAL (
            SELECT one.day, one.share_minor FROM spend_part_day one
            WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.part_id = p.id
                AND one.day BETWEEN :since AND :until OFFSET 0
        ) d
        WHERE p.company_id = :company_id AND {_KIND[dimension]}
            AND {WORD[dimension]} = ANY(CAST(:words AS text[]))
        GROUP BY 1, 2
        """  # noqa: S608 - constants of this file
    )


_SUMS: Final = {dimension: _sums(dimension) for dimension in WORD}
_STEPS: Final = {dimension: _steps(dimension) for dimension in WORD}
