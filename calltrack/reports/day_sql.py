"""The statements that count a day from its visits, calls and conversions, and a month from its days."""

from typing import Final

from sqlalchemy import text

from calltrack.visits.ad_words import ad_group_sql, click_sql, keyword_sql
from calltrack.visits.page_words import page_sql

# Cannot stand in a word of a visit: control characters are removed from touches.
OTHER: Final = "\x1f+"
"""The row of a day (or month) that holds what its many smallest rows brought."""
NOT_KNOWN: Final = "\x1f?"
"""The detail of calls whose visit nobody knows for sure."""
MOST_A_DAY: Final = 3_000
MOST_A_MONTH: Final = 10_000

SUMS: Final = (
    "visits", "calls", "ended", "answered", "talk_seconds", "with_source", "on_visit", "on_campaign",
    "on_source", "leads", "purchases", "value_minor", "other_currency", "value_squared",
)  # fmt: skip
MEASURES: Final = (*SUMS, "largest_minor")
_ADDED: Final = ", ".join(
    [*(f"sum({name}) AS {name}" for name in SUMS), "max(largest_minor) AS largest_minor"]
)
_WORDS: Final = "source, medium, campaign, detail"

_PAGE: Final = page_sql("v.landing_url")
_KEYWORD: Final = keyword_sql("v", "k")
_AD_GROUP: Final = ad_group_sql("v", "k")
_OF_VISIT: Final = f"""
    CASE WHEN v.id IS NULL THEN :not_known ELSE {_KEYWORD} END AS keyword,
    CASE WHEN v.id IS NULL THEN :not_known ELSE {_AD_GROUP} END AS ad_group,
    CASE WHEN v.id IS NULL THEN :not_known ELSE {_PAGE} END AS landing
"""
_CLICK: Final = f"LEFT JOIN LATERAL {click_sql('v')} k ON true"


def _hour(moment: str) -> str:
    """Return the SQL of the hour of the week, 000 (Monday from midnight) to 167, in the company's zone."""
    local = f"({moment} AT TIME ZONE :zone)"
    hours = f"(extract(isodow FROM {local})::int - 1) * 24 + extract(hour FROM {local})::int"
    return f"lpad(({hours})::text, 3, '0')"


# LATERAL and `(SELECT ...)` reach each row by its whole key, whatever the statistics say: see
# `delivery/plan.py`. The bounds let PostgreSQL plan for the months of the day's visits only.
_VERDICT: Final = """
    LEFT JOIN LATERAL (
        SELECT one.source, one.medium, one.campaign, one.level, one.visit_id FROM attribution one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.call_id = c.id AND one.is_current
        LIMIT 1
    ) a ON true
"""
_JUDGED: Final = f"""
    {_VERDICT}
    LEFT JOIN LATERAL (
        SELECT one.company_id, one.id, one.source, one.medium, one.campaign, one.term, one.content,
               one.click_ids, one.landing_url
        FROM visit one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.id = a.visit_id
            AND one.id >= :oldest AND one.id <= :newest
        LIMIT 1
    ) v ON true
    {_CLICK}
"""  # noqa: S608 - constants of this file
_CALL: Final = """
    CROSS JOIN LATERAL (
        SELECT one.id, one.location_id, one.number_id FROM call one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.id = o.call_id LIMIT 1
    ) c
"""
FIND_VISITS: Final = text(
    f"""
    SELECT DISTINCT a.visit_id FROM (
        SELECT id FROM call
        WHERE company_id = :company_id AND started_at >= :since AND started_at < :until
        UNION
        SELECT call_id FROM conversion WHERE company_id = :company_id AND status = 'counted'
            AND occurred_at >= :since AND occurred_at < :until
    ) c {_VERDICT} WHERE a.visit_id IS NOT NULL
    """  # noqa: S608 - constants of this file
)


def moments(
    *, day: bool = False, words: bool = True, of_visit: str = "", of_call: str = "", of_conversion: str = ""
) -> str:
    """Return the SELECT of all visits, calls and conversions of a time, one row each, with their words.

    With `day` each names its day of the company's zone; without `words` the keyword, ad group and page are
    left empty, and no visit is looked up beside a call; the others are further conditions: on a visit `v`, a
    call `c`, and the columns of a conversion.
    """
    judged, click, of_judged, own = (
        (_JUDGED, _CLICK, _OF_VISIT, (_KEYWORD, _AD_GROUP, _PAGE))
        if words
        else (_VERDICT, "", "'' AS keyword, '' AS ad_group, '' AS landing", ("''", "''", "''"))
    )

    def on(moment: str, name: str = "") -> str:
        return f" ({moment} AT TIME ZONE :zone)::date{name}," if day else ""

    return f"""
        SELECT v.source, v.medium, v.campaign, {own[0]} AS keyword, {own[1]} AS ad_group,
               {own[2]} AS landing, '' AS location,
               '' AS number, {_hour("v.started_at")} AS hour,{on("v.started_at", " AS day")}
               1 AS visits, 0 AS calls, 0 AS ended, 0 AS answered, 0 AS talk_seconds, 0 AS with_source,
               0 AS on_visit, 0 AS on_campaign, 0 AS on_source, 0 AS leads, 0 AS purchases,
               0::bigint AS value_minor, 0 AS other_currency, 0::float8 AS value_squared,
               0::bigint AS largest_minor
        FROM visit v {click}
        WHERE v.company_id = :company_id AND v.id >= :first AND v.id < :last {of_visit}
        UNION ALL
        SELECT coalesce(a.source, ''), coalesce(a.medium, ''), coalesce(a.campaign, ''), {of_judged},
               replace(c.location_id::text, '-', ''), replace(c.number_id::text, '-', ''),
               {_hour("c.started_at")},{on("c.started_at")}
               0, 1, (coalesce(c.outcome NOT IN ('blocked', 'over_limit'), false))::int,
               (c.outcome IS NOT DISTINCT FROM 'answered')::int, c.talk_seconds,
               (coalesce(a.source, '') <> '')::int, (a.level IS NOT DISTINCT FROM 'visit')::int,
               (a.level IS NOT DISTINCT FROM 'campaign')::int, (a.level IS NOT DISTINCT FROM 'source')::int,
               0, 0, 0, 0, 0, 0
        FROM call c {judged}
        WHERE c.company_id = :company_id AND c.started_at >= :since AND c.started_at < :until {of_call}
        UNION ALL
        SELECT coalesce(a.source, ''), coalesce(a.medium, ''), coalesce(a.campaign, ''), {of_judged},
               replace(c.location_id::text, '-', ''), replace(c.number_id::text, '-', ''),
               {_hour("o.occurred_at")},{on("o.occurred_at")}
               0, 0, 0, 0, 0, 0, 0, 0, 0, (o.kind = 'lead')::int, (o.kind = 'purchase')::int,
               CASE WHEN o.worth THEN o.value_minor ELSE 0 END,
               (o.kind = 'purchase' AND coalesce(o.value_minor, 0) > 0 AND o.currency <> :currency)::int,
               CASE WHEN o.worth THEN o.value_minor::float8 * o.value_minor ELSE 0 END,
               CASE WHEN o.worth THEN o.value_minor ELSE 0 END
        FROM (
            SELECT *, kind = 'purchase' AND value_minor IS NOT NULL AND currency = :currency AS worth
            FROM conversion WHERE company_id = :company_id AND status = 'counted'
                AND occurred_at >= :since AND occurred_at < :until {of_conversion}
        ) o
        {_CALL} {judged}
    """  # noqa: S608 - constants of this room


_MOMENTS: Final = moments()
# What each dimension is made of; a campaign's row has no detail.
DETAILS: Final = {
    "campaign": "",
    "keyword": "keyword",
    "ad_group": "ad_group",
    "landing_page": "landing",
    "location": "location",
    "number": "number",
    "hour": "hour",
}
ALONE: Final = "_alone"
"""Ends the name of a dimension's rows that are summed over all campaigns: there are far fewer of them."""
_DETAILED: Final = {name: column for name, column in DETAILS.items() if column}
STORED: Final = (*DETAILS, *(f"{name}{ALONE}" for name in _DETAILED))
_SETS: Final = ", ".join(
    [
        "(source, medium, campaign)",
        *(f"(source, medium, campaign, {column})" for column in _DETAILED.values()),
        *(f"({column})" for column in _DETAILED.values()),
    ]
)
_NAMES: Final = " ".join(
    f"WHEN grouping({column}) = 0 THEN CASE WHEN grouping(source) = 0 THEN '{name}' ELSE '{name}{ALONE}' END"
    for name, column in _DETAILED.items()
)
_DETAIL: Final = " ".join(f"WHEN grouping({column}) = 0 THEN {column}" for column in _DETAILED.values())


def _capped(rows: str, key: str) -> str:
    """Return an INSERT's rows: the largest of each dimension as they are, the rest in one row."""
    return f"""
        placed AS (
            SELECT *, row_number() OVER (
                PARTITION BY {key} ORDER BY leads + purchases DESC, calls DESC, visits DESC, {_WORDS}
            ) AS place FROM {rows}
        ), kept AS (
            SELECT {key}, least(place, :most + 1) AS place,
                   CASE WHEN place > :most THEN :other ELSE source END AS source,
                   CASE WHEN place > :most THEN :other ELSE medium END AS medium,
                   CASE WHEN place > :most THEN '' ELSE campaign END AS campaign,
                   CASE WHEN place > :most THEN :other ELSE detail END AS detail, {", ".join(MEASURES)}
            FROM placed
        )
        SELECT CAST(:company_id AS uuid), {key}, CAST(:day AS date), place, {_WORDS}, {_ADDED}
        FROM kept GROUP BY {key}, place, {_WORDS}
    """  # noqa: S608 - constants of this file


_COLUMNS: Final = f"company_id, dimension, day, place, {_WORDS}, {', '.join(MEASURES)}"
INSERT_DAY: Final = text(
    f"""
    INSERT INTO report_day ({_COLUMNS})
    WITH moments AS ({_MOMENTS}), summed AS (
        SELECT CASE {_NAMES} ELSE 'campaign' END AS dimension, coalesce(source, '') AS source,
               coalesce(medium, '') AS medium, coalesce(campaign, '') AS campaign,
               CASE {_DETAIL} ELSE '' END AS detail, {_ADDED}
        FROM moments GROUP BY GROUPING SETS ({_SETS})
    ), named AS (
        -- Visits are of no location and no number.
        SELECT * FROM summed WHERE detail <> '' OR dimension !~ '^(location|number)'
    ), {_capped("named", "dimension")}
    """  # noqa: S608 - constants of this file
)
# What is kept of visits that were dropped with age: they cannot be counted again.
OLD_VISITS: Final = text(
    f"""
    SELECT jsonb_agg(to_jsonb(one)) FROM (
        SELECT dimension, {_WORDS}, visits FROM report_day
        WHERE company_id = :company_id AND dimension = ANY(:all) AND day = :day AND visits > 0
            AND NOT EXISTS (
                SELECT FROM visit WHERE company_id = :company_id AND id >= :first AND id < :last)
    ) one
    """  # noqa: S608 - constants of this file
)
KEEP_VISITS: Final = text(
    f"""
    WITH old AS (
        SELECT * FROM jsonb_to_recordset(CAST(:old AS jsonb)) AS one (
            dimension text, source text, medium text, campaign text, detail text, visits int)
    ), met AS (
        UPDATE report_day kept SET visits = kept.visits + old.visits FROM old
        WHERE kept.company_id = :company_id AND kept.day = :day AND kept.dimension = old.dimension
            AND (kept.source, kept.medium, kept.campaign, kept.detail)
                = (old.source, old.medium, old.campaign, old.detail)
        RETURNING kept.dimension, kept.source, kept.medium, kept.campaign, kept.detail
    )
    INSERT INTO report_day ({_COLUMNS})
    SELECT CAST(:company_id AS uuid), dimension, CAST(:day AS date),
           row_number() OVER (PARTITION BY dimension ORDER BY {_WORDS}) + coalesce((
               SELECT max(place) FROM report_day there WHERE there.company_id = :company_id
                   AND there.day = :day AND there.dimension = alone.dimension), 0),
           {_WORDS}, visits, {", ".join("0" for _ in MEASURES[1:])}
    FROM (
        SELECT * FROM old WHERE (dimension, {_WORDS}) NOT IN (SELECT dimension, {_WORDS} FROM met)
    ) alone
    """  # noqa: S608 - constants of this file
)
INSERT_MONTH: Final = text(
    f"""
    INSERT INTO report_month ({_COLUMNS})
    WITH summed AS (
        SELECT dimension, {_WORDS}, {_ADDED} FROM report_day
        WHERE company_id = :company_id AND dimension = :dimension AND day >= :day AND day <= :last_day
        GROUP BY dimension, {_WORDS}
    ), {_capped("summed", "dimension")}
    """  # noqa: S608 - constants of this file
)

# Each conversion's parts add up to 1: what no campaign has stands under the empty key. Verdicts of before
# there were sums name one campaign and how sure it is. A name that fits into no index's row (2,704 bytes)
# is no campaign's either: whoever writes it into an address must not stop the day.
INSERT_CREDIT: Final = text(
    r"""
    INSERT INTO campaign_credit_day (company_id, day, kind, campaign_key, conversions, value_minor)
    WITH counted AS (
        SELECT o.id, o.kind,
               CASE WHEN o.currency = :currency THEN coalesce(o.value_minor, 0) ELSE 0 END AS value_minor,
               CASE WHEN a.by_campaign <> '{}' THEN a.by_campaign
                    WHEN a.campaign <> '' THEN jsonb_build_object(
                        a.source || E'\x1f' || a.medium || E'\x1f' || a.campaign, a.p_campaign)
               END AS by_campaign
        FROM conversion o
        LEFT JOIN LATERAL (
            SELECT * FROM attribution one WHERE one.company_id = (SELECT CAST(:company_id AS uuid))
                AND one.call_id = o.call_id AND one.is_current LIMIT 1
        ) a ON true
        WHERE o.company_id = :company_id AND o.status = 'counted'
            AND o.occurred_at >= :since AND o.occurred_at < :until
    ), parts AS (
        SELECT c.id, c.kind, c.value_minor, one.key, greatest(one.value::float8, 0) AS p
        FROM counted c CROSS JOIN LATERAL jsonb_each_text(c.by_campaign) one
        WHERE split_part(one.key, E'\x1f', 3) <> '' AND octet_length(one.key) <= 2000
    ), shares AS (
        SELECT id, kind, value_minor, key, p / greatest(1, sum(p) OVER (PARTITION BY id)) AS share FROM parts
    ), every AS (
        SELECT kind, key, share, share * value_minor AS value_minor FROM shares WHERE share > 0
        UNION ALL
        SELECT c.kind, '', left_over.share, left_over.share * c.value_minor
        FROM counted c CROSS JOIN LATERAL (
            SELECT greatest(1 - coalesce(sum(s.share), 0), 0) AS share FROM shares s WHERE s.id = c.id
        ) left_over
        WHERE left_over.share > 1e-12
    )
    SELECT CAST(:company_id AS uuid), CAST(:day AS date), kind, key, sum(share), sum(value_minor)
    FROM every GROUP BY kind, key
    """
)
