-- The words of migration 0022, for the processes of the release before that run on during a deploy.
CREATE OR REPLACE FUNCTION edge_tap(
    p_company uuid, p_site uuid, p_visit uuid, p_ending text, p_is_copy boolean
) RETURNS int LANGUAGE sql AS $$
    SELECT edge_tapped(p_company, p_site, p_visit, p_ending, p_is_copy, NULL)
$$
