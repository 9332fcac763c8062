"""Rows of a large company, made by the database itself: visits, calls, verdicts, persons, conversions."""

ID = "overlay(first_id_of({at})::text PLACING substr(md5(random()::text), 1, 12) FROM 25)::uuid"
IDS = ", ".join(
    f"{ID.format(at='began')} AS {name}" for name in ("visit", "call", "person", "lead", "sale", "verdict")
)
OF_CALLS = "FROM seen WHERE place % 10 = 0"
FILL = (
    "SELECT make_partitions(CAST(:now AS timestamptz) - :days * interval '1 day', :now)",
    f"""
    CREATE TEMP TABLE seen AS
    SELECT place, began, {IDS}, md5('v' || floor(random() * :many * 0.6))::uuid AS visitor,
           (ARRAY['google','meta','bing','tiktok','direct','partner'])[1 + floor(random() ^ 2 * 6)::int]
             AS source,
           'campaign-' || floor(random() ^ 2 * 40)::int AS campaign,
           CASE WHEN random() < 0.5 THEN 0.9 ELSE 0.6 END AS p
    FROM (SELECT place, CAST(:now AS timestamptz) - (1 - place::float / :many) * :days * interval '1 day'
                 AS began FROM generate_series(1, :many) place) moments
    """,
    """
    INSERT INTO visit (company_id, id, visitor_id, site_id, started_at, last_seen_at, source, medium,
                       campaign, term, content, click_ids, ad_cookies, referrer, landing_url, user_agent)
    SELECT :company_id, visit, visitor, :site_id, began, began + interval '2 minutes', source, 'cpc',
           campaign, '', '', '{}', '{}', '', '', '' FROM seen
    """,
    f"""
    INSERT INTO call (company_id, id, call_sid, number_id, location_id, status, outcome, started_at,
                      ring_seconds, duration_seconds, talk_seconds, is_bridged, changed_at)
    SELECT :company_id, call, 'CA' || place, :number_id, :location_id, 'completed', 'answered',
           began + interval '1 minute', 5, 90, 85, true, began + interval '3 minutes' {OF_CALLS}
    """,
    """
    INSERT INTO attribution (company_id, id, call_id, is_current, decided_at, model, level, visit_id,
                             probability, p_campaign, p_nobody, source, medium, campaign, candidates,
                             by_campaign, by_source, reasons)
    SELECT :company_id, verdict, call, true, began, 'shipped', 'visit', visit, p, p, 0.1, source,
           'cpc', campaign,
           jsonb_build_array(jsonb_build_array(replace(visit::text, '-', ''), replace(visitor::text, '-', ''),
                                               key, p, 0),
                             jsonb_build_array(replace(other_visit::text, '-', ''),
                                               replace(other_visitor::text, '-', ''), other, 0.9 - p, 0)),
           jsonb_build_object(key, p) || jsonb_build_object(other, 0.9 - p), '{}', '[]'
    FROM (SELECT s.*, s.source || E'\\x1fcpc\\x1f' || s.campaign AS key, o.visit AS other_visit,
                 o.visitor AS other_visitor, o.source || E'\\x1fcpc\\x1f' || o.campaign AS other
          FROM seen s JOIN seen o ON o.place = s.place - 1 WHERE s.place % 10 = 0) pairs WHERE key <> other
    """,
    f"INSERT INTO person (company_id, id, created_at) SELECT :company_id, person, began {OF_CALLS}",
    f"""
    INSERT INTO person_visitor (company_id, visitor_id, person_id, call_id, probability, linked_at)
    SELECT DISTINCT ON (visitor) CAST(:company_id AS uuid), visitor, person, call, p, began
    {OF_CALLS} AND p > 0.8
    """,
    *(
        f"""
        INSERT INTO conversion (company_id, id, call_id, person_id, kind, status, value_minor, currency,
                                occurred_at, decided_by, reason, created_at, changed_at)
        SELECT :company_id, {id_}, call, person, '{kind}', 'counted', {value}, 'EUR', began, 'rule', '',
               began, began {OF_CALLS}
        """
        for kind, id_, value in (
            ("lead", "lead", "NULL"),
            ("purchase", "sale", "floor(random() * 100000)::int"),
        )
    ),
)
A_DAY = "INSERT INTO credit_day (company_id, day) SELECT :company_id, CAST(:day AS date) - n"
COPIES = (
    f"{A_DAY} FROM generate_series(0, 365) n ON CONFLICT DO NOTHING",
    """
    INSERT INTO credit_paths
    SELECT company_id, level, kind, days, CAST(:day AS date) - n, channels, conversions, nulls, value_minor,
           uncredited, uncredited_value, packed
    FROM credit_paths, generate_series(1, 365) n WHERE day = :day ON CONFLICT DO NOTHING
    """,
)
