"""From a row to what it consists of: the words of other reports and of the call log. Pure."""

from typing import Final

from calltrack.kernel.origin import NONE, UNKNOWN
from calltrack.kernel.origin import NOT_KNOWN as NO_VISIT
from calltrack.reports.asking import Asked
from calltrack.reports.day_sql import NOT_KNOWN, OTHER
from calltrack.reports.queries import Key
from calltrack.reports.spend_queries import NO_PART, UNMATCHED

# What people look at next, by what they look at.
DEEPER: Final = {
    "source": "campaign",
    "medium": "source",
    "campaign": "keyword",
    "ad_group": "campaign",
    "keyword": "campaign",
    "landing_page": "campaign",
    "location": "campaign",
    "number": "campaign",
    "hour": "campaign",
}
_NO_WORD: Final = {"source": UNKNOWN, "medium": NONE, "campaign": NONE}


def words_of_row(asked: Asked, key: Key) -> dict[str, str] | None:
    """Return the filters that ask for one row; None for rows that put many things together."""
    if key[0] in (OTHER, UNMATCHED, NO_PART):
        return None
    if asked.dimension.is_detail:
        return {asked.dimension.id: NO_VISIT if key[0] == NOT_KNOWN else key[0] or NONE}
    words = dict(zip(asked.dimension.keys, key, strict=True))
    return {name: value or _NO_WORD[name] for name, value in words.items()}


def report_words(asked: Asked) -> dict[str, str]:
    """Return the question's own filters."""
    return asked.words()


def period_words(asked: Asked) -> dict[str, str]:
    """Return the period and what it is compared with."""
    told = {"period": asked.period, "compare": asked.compare}
    if asked.period == "days":
        told = {"since": asked.now.since.isoformat(), "until": asked.now.until.isoformat()}
        told["compare"] = asked.compare
    return told


def call_words(asked: Asked, words: dict[str, str]) -> dict[str, str]:
    """Return the filters of the call log that show the calls behind a row."""
    return words | {"since": asked.now.since.isoformat(), "until": asked.now.until.isoformat()}


def can_go_deeper(asked: Asked) -> bool:
    """Whether the next report can be asked for beside the filters: two details are not counted together."""
    return not (asked.within and DEEPER[asked.dimension.id] == "keyword")
