-- The words of migration 0022, for the processes of the release before that run on during a deploy.
CREATE OR REPLACE FUNCTION edge_beat(
    p_company uuid, p_site uuid, p_visitor uuid, p_visit uuid, p_fresh uuid[], p_page text, p_kind text,
    p_visible_ms integer, OUT o_state text, OUT o_visit uuid, OUT o_pools uuid[], OUT o_numbers text[]
) LANGUAGE sql AS $$
    SELECT o_state, o_visit, o_pools, o_numbers FROM edge_sign(p_company, p_site, p_visitor, p_visit, p_fresh,
        p_page, p_kind, p_visible_ms, false, '{}', '{}', NULL)
$$
