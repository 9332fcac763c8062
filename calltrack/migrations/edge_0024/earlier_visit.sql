-- The words of migration 0022, for the processes of the release before that run on during a deploy.
CREATE OR REPLACE FUNCTION edge_visit(
    p_company uuid, p_site uuid, p_visitor uuid, p_visit uuid, p_fresh uuid[],
    p_pools uuid[], p_leases uuid[], p_overflow_only boolean[],
    p_source text, p_medium text, p_campaign text, p_term text, p_content text,
    p_given_source text, p_given_medium text, p_given_campaign text,
    p_click_ids jsonb, p_ad_cookies jsonb, p_consent jsonb,
    p_referrer text, p_landing_url text, p_user_agent text, p_page text, p_title text, p_device text, p_kind text,
    OUT o_visitor uuid, OUT o_visit uuid, OUT o_is_new boolean, OUT o_numbers text[], OUT o_overflow boolean[]
) LANGUAGE sql AS $$
    SELECT * FROM edge_open(p_company, p_site, p_visitor, p_visit, p_fresh, p_pools, p_leases,
        ARRAY(SELECT CASE WHEN crowded THEN 'crowd' ELSE '' END
              FROM unnest(p_overflow_only) WITH ORDINALITY o (crowded, place) ORDER BY place),
        p_source, p_medium, p_campaign, p_term, p_content, p_given_source, p_given_medium, p_given_campaign,
        p_click_ids, p_ad_cookies, p_consent, p_referrer, p_landing_url, p_user_agent, p_page, p_title, p_device,
        p_kind, NULL)
$$
