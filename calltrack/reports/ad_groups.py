"""Ad groups that Google named and those that addresses name: which are one, and what they are called.

A visit whose click Google told is of an ad group by number. Another one says `google / cpc / summer > boxes`:
its campaign and utm_content. Where exactly one ad group of the campaigns matched with these words has that
name, or that number, both are one row; two of one name are not guessed apart.
"""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.visits.ad_words import BETWEEN, named_sql, same_text

# What an address may say for an ad group (`written`), and the ad group it means (`named`).
ALSO_WRITTEN: Final = f"""
    SELECT written, min(named) AS named FROM (
        SELECT replace(c.campaign_key, E'\\x1f', ' / ') || '{BETWEEN}' || said.word AS written,
               {named_sql("p")} AS named
        FROM spend_campaign c
        JOIN spend_part p ON p.company_id = c.company_id AND p.campaign_id = c.id AND p.criterion_id = ''
        CROSS JOIN LATERAL (VALUES ({same_text("p.ad_group")}), (p.ad_group_id)) AS said (word)
        WHERE c.company_id = :company_id AND c.campaign_key <> ''
    ) both_ways GROUP BY written HAVING count(DISTINCT named) = 1
"""  # noqa: S608 - constants of this file
_ALSO: Final = text(ALSO_WRITTEN)
_SAME: Final = text(
    f"SELECT written FROM ({ALSO_WRITTEN}) w WHERE named = :named"  # noqa: S608 - constants
)
_NAMES: Final = text(
    """
    SELECT asked.word, c.name AS campaign, coalesce(p.ad_group, k.ad_group, '') AS ad_group
    FROM (
        SELECT word, CAST(split_part(word, '/', 1) AS uuid) AS campaign_id, split_part(word, '/', 2) AS number
        FROM unnest(CAST(:words AS text[])) AS told (word) WHERE word ~ '^[0-9a-f]{32}/'
    ) asked
    JOIN spend_campaign c ON c.company_id = :company_id AND c.id = asked.campaign_id
    LEFT JOIN spend_part p ON p.company_id = c.company_id AND p.campaign_id = c.id
        AND p.ad_group_id = asked.number AND p.criterion_id = ''
    LEFT JOIN LATERAL (
        SELECT one.ad_group FROM spend_click one
        WHERE p.id IS NULL AND one.company_id = c.company_id AND one.campaign_id = c.id
            AND one.ad_group_id = asked.number LIMIT 1
    ) k ON true
    """
)
_MATCH_TYPES: Final = text(
    f"""
    SELECT word, string_agg(match_type, ', ' ORDER BY match_type) AS types FROM (
        SELECT DISTINCT {same_text("p.keyword")} AS word, p.match_type FROM spend_part p
        WHERE p.company_id = :company_id AND p.match_type <> ''
    ) told WHERE word = ANY(CAST(:words AS text[])) GROUP BY word
    """  # noqa: S608 - constants
)
_COMPARED: Final = text(f"SELECT {same_text('CAST(:word AS text)')}")


def same_words(session: Session, company_id: UUID, dimension: str, word: str) -> tuple[str, ...]:
    """Return all words by which rows of a keyword, ad group or other detail are stored, its own first."""
    if dimension == "keyword" and word.isprintable():
        return (str(session.scalar(_COMPARED, {"word": word})),)
    if dimension == "ad_group" and word:
        also = session.scalars(_SAME, {"company_id": company_id, "named": word})
        return (word, *sorted(also))
    return (word,)


def named_by_written(session: Session, company_id: UUID) -> Mapping[str, str]:
    """Return the ad groups Google named by what addresses say for them."""
    return {row.written: row.named for row in session.execute(_ALSO, {"company_id": company_id})}


def ad_group_names(session: Session, company_id: UUID, words: Collection[str]) -> Mapping[str, str]:
    """Return `Campaign > Ad group` of each of the words that is an ad group Google named."""
    rows = session.execute(_NAMES, {"company_id": company_id, "words": list(words)})
    return {row.word: f"{row.campaign}{BETWEEN}{row.ad_group or 'no name told'}" for row in rows}


def match_types(session: Session, company_id: UUID, words: Collection[str]) -> Mapping[str, str]:
    """Return how keywords are matched (`exact, phrase`) where a platform tells; by keyword."""
    rows = session.execute(_MATCH_TYPES, {"company_id": company_id, "words": list(words)})
    return {row.word: row.types for row in rows}


def name_written(word: str) -> str:
    """Return how `google / cpc / summer > boxes` is shown: campaign (else source) and ad group."""
    origin, _, content = word.partition(BETWEEN)
    if not content:
        return word
    source, _, rest = origin.partition(" / ")
    medium, _, campaign = rest.partition(" / ")
    return f"{campaign or ' / '.join(filter(None, (source, medium)))}{BETWEEN}{content}"
