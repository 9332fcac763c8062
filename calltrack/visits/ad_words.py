"""How the keyword and the ad group of a visit are told, in SQL: one rule for sums and for single calls.

Google names what was behind a click a day later (`spend_click`, which `spend/clicks.py` fills); where it did,
its word counts, else the utm words of the address. Both are compared as they are read: letters of any case
are the same, and so are blanks of any number.
"""

from typing import Final

BETWEEN: Final = " > "
"""Stands between a campaign of visits and its utm_content; an ad group that Google named is `hex/number`."""


def same_text(column: str) -> str:
    """Return the SQL of a text as it is compared: small letters, single blanks, none at its ends."""
    return rf"lower(btrim(regexp_replace({column}, '\s+', ' ', 'g')))"


def click_sql(visit: str) -> str:
    """Return the LATERAL subquery that finds what was told of the click of a visit: one row or none."""
    return f"""(
        SELECT one.campaign_id, one.ad_group_id, one.keyword FROM spend_click one
        WHERE {visit}.click_ids ? 'gclid'
            AND one.company_id = {visit}.company_id AND one.visit_id = {visit}.id
        LIMIT 1
    )"""  # noqa: S608 - names of tables from our own statements


def keyword_sql(visit: str, click: str) -> str:
    """Return the SQL of a visit's keyword: what Google names, else utm_term; empty where neither does."""
    return same_text(f"coalesce(nullif({click}.keyword, ''), {visit}.term)")


def ad_group_sql(visit: str, click: str) -> str:
    """Return the SQL of a visit's ad group: the one Google names, else its campaign and utm_content.

    Two campaigns with an ad group of one name have two ad groups, so the campaign is part of the word.
    """
    return f"""CASE
        WHEN {click}.ad_group_id NOT IN ('', '0') THEN {named_sql(click)}
        WHEN btrim({visit}.content) <> '' THEN
            {written_sql(f"{visit}.source", f"{visit}.medium", f"{visit}.campaign")}
            || {same_text(f"{visit}.content")}
        ELSE '' END"""


def named_sql(row: str) -> str:
    """Return the SQL of an ad group's word that the platform named: our campaign's id and its number."""
    return f"(replace({row}.campaign_id::text, '-', '') || '/' || {row}.ad_group_id)"


def written_sql(*words: str) -> str:
    """Return the SQL of what stands before utm_content: `google / cpc / summer > `."""
    return " || ' / ' || ".join(words) + f" || '{BETWEEN}'"
