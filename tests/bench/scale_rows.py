"""Rows of the large company: drawn here, copied portion by portion, turned into every table's rows by SQL.

A visit in ten calls, each call becomes a lead and a purchase, each of which is delivered once. Visitors come
back: every second visit is of somebody who came in the weeks before. The database's owner writes as a replica
does, without triggers and foreign keys, for facts of a past that was looked at already.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

CHUNK: Final = 250_000
CAMPAIGNS, TERMS, PAGES, GROUPS = 60, 2_000, 500, 200
NEW_VISITORS: Final = 0.55
# How long after a visit the same browser comes again, in the middle.
BACK_AFTER: Final = timedelta(days=9)
# Pages and leases of visits are read some weeks back, handled facts are kept for a week.
DETAILS_BACK: Final = timedelta(days=90)
FACTS_BACK: Final = timedelta(days=8)


@dataclass(frozen=True)
class Drawn:
    """All visits in time order, as columns; `root` is the first visit of the same browser."""

    at: np.ndarray
    root: np.ndarray
    first_call: np.ndarray
    campaign: np.ndarray
    term: np.ndarray
    page: np.ndarray

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Yield begin and end of each portion, by place."""
        for begin in range(0, len(self.at), CHUNK):
            yield begin, min(begin + CHUNK, len(self.at))

    def lines(self, begin: int, end: int) -> str:
        """Return a portion as COPY reads it; the first of each portion comes with the one before it."""
        text = io.StringIO()
        columns = (
            np.arange(begin, end), self.at[begin:end], self.root[begin:end], self.at[self.root[begin:end]],
            self.first_call[begin:end].astype(int), self.campaign[begin:end], self.term[begin:end],
            self.page[begin:end],
        )  # fmt: skip
        for row in zip(*(column.tolist() for column in columns), strict=True):
            text.write("\t".join(map(str, row)) + "\n")
        return text.getvalue()


def draw(visits: int, days: int, until: datetime) -> Drawn:
    """Draw so many visits over the days before `until`, always the same ones."""
    chance = np.random.default_rng(6)
    seconds = days * 86_400
    at = np.sort(chance.integers(60_000, seconds * 1000, visits)) + int(until.timestamp() - seconds) * 1000
    place = np.arange(visits)
    back = np.maximum(chance.exponential(BACK_AFTER.total_seconds() * visits / seconds, visits), 1)
    root = np.where(chance.random(visits) < NEW_VISITORS, place, place - back.astype(int))
    root = np.where(root < 0, place, root)
    while (root[root] != root).any():
        root = root[root]
    calls = np.flatnonzero(place % 10 == 5)
    _, firsts = np.unique(root[calls], return_index=True)
    first_call = np.zeros(visits, bool)
    first_call[calls[firsts]] = True
    return Drawn(
        at, root, first_call,
        np.minimum(chance.zipf(1.3, visits), CAMPAIGNS) - 1, np.minimum(chance.zipf(1.2, visits), TERMS) - 1,
        np.minimum(chance.zipf(1.3, visits), PAGES) - 1,
    )  # fmt: skip


RAW: Final = """
    CREATE TEMP TABLE IF NOT EXISTS raw (i BIGINT, ms BIGINT, root BIGINT, root_ms BIGINT, first_call INT,
        campaign INT, term INT, page INT)
"""
# A UUIDv7 of a millisecond; the word and the place tell ids of one moment apart. Simple enough to be inlined.
ID: Final = """
    CREATE OR REPLACE FUNCTION pg_temp.id_of(ms bigint, word text, place bigint) RETURNS uuid
    LANGUAGE sql IMMUTABLE AS $$
        SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(place::text || word), 1, 3)
                || '8' || substr(md5(place::text || word), 4, 15))::uuid
    $$
"""
_SEED: Final = f"""
    CREATE TEMP TABLE seed AS
    SELECT *, source || E'\\x1f' || medium || E'\\x1f' || word AS key,
           lag(visit) OVER before AS other_visit, lag(visitor) OVER before AS other_visitor,
           lag(source || E'\\x1f' || medium || E'\\x1f' || word) OVER before AS other_key
    FROM (
        SELECT i, ms, root_ms, to_timestamp(ms / 1000.0) AS at, root,
               first_call = 1 AS is_first_call, i % 10 = 5 AS is_call, term, page,
               CASE WHEN page % 3 > 0 THEN 0.9 ELSE 0.6 END AS p,
               pg_temp.id_of(ms, 'v', i) AS visit,
               pg_temp.id_of(root_ms, 'b', root) AS visitor,
               (ARRAY['google','google','bing','facebook','google','direct'])[campaign % 6 + 1] AS source,
               (ARRAY['cpc','cpc','cpc','paid_social','organic','none'])[campaign % 6 + 1] AS medium,
               CASE WHEN campaign % 6 > 3 THEN '' ELSE 'campaign-' || campaign END AS word,
               'term number ' || term AS term_word, 'group-' || term % {GROUPS} AS content_word,
               'https://www.prova.test/pages/' || page AS address
        FROM raw
    ) rows WINDOW before AS (ORDER BY i)
"""
_CALLS: Final = """
    CREATE TEMP TABLE ring AS
    SELECT *, at + interval '1 minute' AS rang, page % 5 = 0 AS is_missed,
           pg_temp.id_of(ms + 60000, 'c', i) AS call,
           pg_temp.id_of(ms + 60000, 'a', i) AS verdict,
           pg_temp.id_of(ms + 240000, 'l', i) AS lead,
           pg_temp.id_of(ms + 240000, 's', i) AS sale,
           pg_temp.id_of(root_ms, 'person', root) AS person,
           sha256(convert_to(root || 'caller', 'UTF8')) AS hash
    FROM seed WHERE is_call
"""
_VISIT: Final = """
    INSERT INTO visit (company_id, id, visitor_id, site_id, started_at, last_seen_at, source, medium,
        campaign, term, content, click_ids, ad_cookies, referrer, landing_url, consent, user_agent, device,
        is_returning, visible_ms, saw_contact)
    SELECT :company, visit, visitor, :site, at, at + interval '2 minutes', source, medium, word, term_word,
        content_word, CASE WHEN medium = 'cpc' THEN jsonb_build_object('gclid', 'Cj0KCQ' || md5(i::text))
                      ELSE '{}' END, '{}',
        'https://www.google.com/', address || CASE WHEN medium = 'cpc' THEN '?gclid=' || md5(i::text) ELSE
            '' END,
        '{"ad": true, "measure": true}', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0',
        'mobile', root <> i, 45000, page % 7 = 0
    FROM seed ORDER BY i
"""
_PAGE: Final = """
    INSERT INTO page_view (company_id, id, visit_id, at, page, title)
    SELECT :company, pg_temp.id_of(ms + n * 20000, 'p' || n::text, i), visit,
           at + n * interval '20 seconds', CASE n WHEN 0 THEN address ELSE 'https://www.prova.test/prices'
               END, ''
    FROM seed CROSS JOIN generate_series(0, CASE WHEN i % 3 = 0 THEN 1 ELSE 0 END) AS n
    WHERE at >= :details_since ORDER BY i
"""
_LEASE: Final = """
    INSERT INTO lease (company_id, id, number_id, visit_id, shown_from, last_seen_at, shown_until, tapped_at,
        taps, called_at, visitor_id, origin, device, is_returning)
    SELECT :company, pg_temp.id_of(ms, 'n', i), (CAST(:numbers AS uuid[]))[(i + i / 10) % :number_count + 1],
           visit, at,
           at + interval '2 minutes', at + interval '270 seconds',
           CASE WHEN is_call AND page % 4 = 1 THEN at + interval '55 seconds' END,
           CASE WHEN is_call AND page % 4 = 1 THEN ARRAY[at + interval '55 seconds'] ELSE '{}' END,
           CASE WHEN is_call THEN at + interval '1 minute' END, visitor, key, 'mobile', root <> i
    FROM seed WHERE at >= :details_since ORDER BY i
"""
_CALL: Final = """
    INSERT INTO call (company_id, id, call_sid, number_id, location_id, caller, caller_hash, caller_country,
        status, outcome, started_at, answered_at, ended_at, ring_seconds, duration_seconds, talk_seconds,
        is_bridged, changed_at)
    SELECT :company, call, 'CA' || md5('sid' || i),
        (CAST(:numbers AS uuid[]))[(i + i / 10) % :number_count + 1],
        :location,
        :phone, hash, 'IT', CASE WHEN is_missed THEN 'no_answer' ELSE 'completed' END,
        CASE WHEN is_missed THEN 'missed' ELSE 'answered' END, rang,
        CASE WHEN NOT is_missed THEN rang + interval '8 seconds' END, rang + interval '3 minutes', 8, 180,
        CASE WHEN is_missed THEN 0 ELSE 172 END, NOT is_missed, rang + interval '3 minutes'
    FROM ring ORDER BY i
"""
_VERDICT: Final = """
    INSERT INTO attribution (company_id, id, call_id, is_current, decided_at, model, level, visit_id,
        probability, p_campaign, p_nobody, source, medium, campaign, candidates, by_campaign, by_source,
        reasons)
    SELECT :company, verdict, call, true, rang, 'shipped', CASE WHEN p > 0.8 THEN 'visit' ELSE 'campaign' END,
        CASE WHEN p > 0.8 THEN visit END, p, p, 0.1, source, medium, word,
        jsonb_build_array(
            jsonb_build_array(replace(visit::text, '-', ''), replace(visitor::text, '-', ''), key, p, 0),
            jsonb_build_array(replace(other_visit::text, '-', ''), replace(other_visitor::text, '-', ''),
                              other_key, 0.9 - p, 0)),
        CASE WHEN key = other_key THEN jsonb_build_object(key, 0.9)
             ELSE jsonb_build_object(key, p, other_key, 0.9 - p) END, '{}', '[]'
    FROM ring ORDER BY i
"""
_PERSON: Final = (
    """
    INSERT INTO person (company_id, id, created_at)
    SELECT :company, person, rang FROM ring WHERE is_first_call ORDER BY i
    """,
    """
    INSERT INTO person_caller (company_id, caller_hash, person_id, phone, linked_at)
    SELECT :company, hash, person, :phone_of_person, rang FROM ring WHERE is_first_call ORDER BY i
    """,
    """
    INSERT INTO person_visitor (company_id, visitor_id, person_id, call_id, probability, linked_at)
    SELECT :company, visitor, person, call, p, rang FROM ring WHERE is_first_call AND p > 0.8 ORDER BY i
    """,
)
_CONVERSION: Final = """
    INSERT INTO conversion (company_id, id, call_id, person_id, kind, status, external_id, value_minor,
        currency, occurred_at, decided_by, via, reason, created_at, changed_at)
    SELECT :company, {kind}, call, person, '{word}', CASE WHEN term % 20 = 19 THEN 'retracted' ELSE
        'counted' END,
        '', {value}, 'EUR', at + interval '4 minutes', 'rule', 'rule', 'a talk of 172 seconds',
        at + interval '4 minutes', at + interval '4 minutes'
    FROM ring ORDER BY i
"""
_CHANGE: Final = """
    INSERT INTO conversion_change (company_id, id, conversion_id, sequence, action, value_minor, currency,
        changed_at, changed_by, reason)
    SELECT :company, {kind}, {kind}, 0, 'create', {value}, 'EUR', at + interval '4 minutes', 'rule',
        'a talk of 172 seconds'
    FROM ring ORDER BY i
"""
_DELIVERY: Final = """
    INSERT INTO delivery (company_id, id, destination_id, conversion_id, change_id, sequence, upload_id,
        payload,
        payload_hash, state, attempts, request_id, last_class, explanation, planned_at, settled_at)
    SELECT :company, {kind}, :destination, {kind}, {kind}, 0, 'conv-' || replace({kind}::text, '-', ''),
        payload,
        sha256(payload), CASE WHEN term % 97 = 50 THEN 'rejected' ELSE 'confirmed' END, 1, NULL,
        CASE WHEN term % 97 = 50 THEN 'ROW' ELSE 'OK' END,
        CASE WHEN term % 97 = 50 THEN 'The click is too old.' ELSE '' END, at + interval '5 minutes',
        at + interval '6 minutes'
    FROM (SELECT *, convert_to(jsonb_build_object('event', '{word}', 'id', {kind}, 'gclid', md5(i::text),
              'phone_sha256', encode(hash, 'hex'), 'at', at, 'value', page * 100 + 5000, 'currency', 'EUR',
              'consent', '{{"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"}}'::jsonb)::text,
                  'UTF8')
              AS payload FROM ring) made ORDER BY i
"""
_ATTEMPT: Final = """
    INSERT INTO delivery_attempt (company_id, delivery_id, number, step, started_at, finished_at,
        request_hash,
        status, answer, class)
    SELECT :company, {kind}, 1, 'send', at + interval '5 minutes', at + interval '301 seconds', hash, 200,
        '{{"ok": true}}', CASE WHEN term % 97 = 50 THEN 'ROW' ELSE 'OK' END
    FROM ring ORDER BY i
"""
_FACT: Final = """
    INSERT INTO outbox (company_id, id, kind, subject_id, recorded_at, due_at, done_at, failures)
    SELECT :company, pg_temp.id_of(ms + (place + 1) * 60000, fact || place::text, i), fact, call,
           rang + place * interval '1 minute', rang, rang + interval '10 minutes', 0
    FROM ring CROSS JOIN (VALUES (0, 'call.started'), (3, 'call.ended'), (3, 'call.attributed'),
        (4, 'conversion.changed'), (5, 'conversion.changed')) AS facts (place, fact)
    WHERE rang >= :facts_since
"""


def _both(statement: str) -> Iterator[str]:
    for kind, word, value in (("lead", "lead", "NULL"), ("sale", "purchase", "page * 100 + 5000")):
        yield statement.format(kind=kind, word=word, value=value)


EACH: Final = (
    "DROP TABLE IF EXISTS seed", "DROP TABLE IF EXISTS ring", _SEED, _CALLS, _VISIT, _PAGE, _LEASE, _CALL,
    _VERDICT, *_PERSON, *_both(_CONVERSION), *_both(_CHANGE), *_both(_DELIVERY), *_both(_ATTEMPT), _FACT,
)  # fmt: skip
# One matched campaign of an ad account for each that visits name, with its cost of every day.
SPEND: Final = (
    """
    INSERT INTO spend_account (company_id, id, platform, external_id, name, currency, timezone, created_at,
        read_at)
    VALUES (:company, :account, 'file', 'bench', 'Ads', 'EUR', 'Europe/Rome', :since, :until)
    """,
    f"""
    INSERT INTO spend_campaign (company_id, id, account_id, external_id, name, campaign_key, matched_by)
    SELECT :company, md5('campaign' || n)::uuid, :account, n::text, 'campaign-' || n,
        (ARRAY['google','google','bing','facebook'])[n % 6 + 1] || E'\\x1f'
        || (ARRAY['cpc','cpc','cpc','paid_social'])[n % 6 + 1] || E'\\x1fcampaign-' || n, 'person'
    FROM generate_series(0, {CAMPAIGNS - 1}) AS n WHERE n % 6 < 4
    """,
    """
    INSERT INTO spend_day (company_id, campaign_id, day, cost_micros, cost_minor, clicks, read_at)
    SELECT :company, id, day, cost * 10000, cost, cost / 90, :until
    FROM spend_campaign CROSS JOIN generate_series(CAST(:since AS date), CAST(:until AS date),
        interval '1 day') day
    CROSS JOIN LATERAL (SELECT (90000 / (external_id::int + 1) * (0.6 + random()))::int AS cost) c
    WHERE company_id = :company
    """,
)
