"""What a report's rows cost: spend is known by campaign, of some by ad group, keyword or number."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.kernel.origin import NONE, UNKNOWN, words_of
from calltrack.reports.asking import Asked, Step, Stretch
from calltrack.reports.figures import Figures
from calltrack.reports.number_spend import numbers_alone
from calltrack.reports.part_spend import PartCost, read_part_steps, read_parts
from calltrack.reports.queries import Key

UNMATCHED: Final = "\x1f$"
"""The row of spend whose campaigns nobody matched with visits yet."""
NO_PART: Final = "\x1f-"
"""The row of spend of which the platform told no keyword (or ad group), or that is of no single number."""

_SPEND: Final = text(
    """
    SELECT c.campaign_key, CAST(date_trunc(:step, d.day::timestamp) AS date) AS start,
           coalesce(sum(d.cost_minor), 0) AS spend_minor,
           count(*) FILTER (WHERE d.cost_minor IS NULL AND d.cost_micros <> 0) AS unpriced_days
    FROM spend_day d
    JOIN spend_campaign c ON c.company_id = d.company_id AND c.id = d.campaign_id
    WHERE d.company_id = :company_id AND d.day BETWEEN :since AND :until
    GROUP BY 1, 2
    """
)


def read_spend(
    session: Session, company_id: UUID, asked: Asked, over: Stretch, step: Step
) -> tuple[dict[Key, Figures], dict[date, Figures]]:
    """Return the spend of each row, and of each step of the period; both are empty where none is known."""
    rows: defaultdict[Key, Figures] = defaultdict(Figures)
    if not asked.has_spend:
        return {}, {}
    if asked.within:
        return _of_words(session, company_id, asked, over, step)
    given = {"company_id": company_id, "since": over.since, "until": over.until, "step": step}
    told = session.execute(_SPEND, given).mappings().all()
    by_number = asked.dimension.id == "number"
    keys = {row["campaign_key"] for row in told} if by_number else set()
    numbers = numbers_alone(session, company_id, keys, over)
    sums: defaultdict[Key, list[int]] = defaultdict(lambda: [0, 0])
    of_steps: defaultdict[date, list[int]] = defaultdict(lambda: [0, 0])
    keyed = _keys(told, asked, numbers)
    for row in told:
        key = keyed[row["campaign_key"]]
        if key is None:
            continue
        # Whole numbers first: figures by the thousand take longer to add than to read.
        for sum_ in (sums[key], of_steps[row["start"]]):
            sum_[0] += int(row["spend_minor"])
            sum_[1] += int(row["unpriced_days"])
    rows.update({key: Figures(spend_minor=cost, unpriced_days=days) for key, (cost, days) in sums.items()})
    steps = {start: Figures(spend_minor=cost, unpriced_days=days) for start, (cost, days) in of_steps.items()}
    if asked.dimension.is_detail and not by_number:
        _take_parts_out(rows, read_parts(session, company_id, asked.dimension.id, over, None), asked)
    return {key: spent for key, spent in rows.items() if not spent.is_empty}, steps


def _keys(
    told: Iterable[Mapping[Any, Any]], asked: Asked, numbers: Mapping[str, str]
) -> dict[str, Key | None]:
    """Return the row each campaign's cost stands in; None where the filters leave it out."""
    found: dict[str, Key | None] = {}
    for key in {row["campaign_key"] for row in told}:
        words = _words(key)
        if not _fits(words, asked):
            found[key] = None
        elif asked.dimension.is_detail:
            found[key] = (numbers.get(key, NO_PART),)
        else:
            found[key] = tuple(words[name] for name in asked.dimension.keys)
    return found


def _take_parts_out(rows: defaultdict[Key, Figures], parts: Iterable[PartCost], asked: Asked) -> None:
    """Give each keyword (or ad group) its cost out of the row that holds those of whole campaigns."""
    for part in parts:
        if _fits(_words(part.campaign_key), asked):
            spent = Figures(spend_minor=part.spend_minor)
            rows[(part.word,)] += spent
            rows[(NO_PART,)] = rows[(NO_PART,)].less(spent)


def _of_words(
    session: Session, company_id: UUID, asked: Asked, over: Stretch, step: Step
) -> tuple[dict[Key, Figures], dict[date, Figures]]:
    """Return the same of one keyword or ad group: by its campaigns, or alone."""
    rows: defaultdict[Key, Figures] = defaultdict(Figures)
    steps: defaultdict[date, Figures] = defaultdict(Figures)
    by, words = (asked.within or ("", ""))[0], tuple(asked.details)
    for part in read_parts(session, company_id, by, over, words):
        named: Mapping[str, str] = {**_words(part.campaign_key), "detail": part.word}
        if _fits(named, asked):
            rows[tuple(named[name] for name in asked.dimension.keys)] += Figures(spend_minor=part.spend_minor)
    for (key, start), cost in read_part_steps(session, company_id, by, over, step, words).items():
        if _fits(_words(key), asked):
            steps[start] += Figures(spend_minor=cost)
    return dict(rows), dict(steps)


def _words(key: str) -> Mapping[str, str]:
    source, medium, campaign = words_of(key) if key else (UNMATCHED, "", "")
    medium = UNMATCHED if source == UNMATCHED else medium
    return {"source": source, "medium": medium, "campaign": campaign}


def _fits(words: Mapping[str, Any], asked: Asked) -> bool:
    wanted = {
        "source": "" if asked.source == UNKNOWN else asked.source or None,
        "medium": "" if asked.medium == NONE else asked.medium or None,
        "campaign": "" if asked.campaign == NONE else asked.campaign or None,
    }
    return all(value is None or words[name] == value for name, value in wanted.items())
