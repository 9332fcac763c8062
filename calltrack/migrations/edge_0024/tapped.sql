-- The visitor tapped or copied a number (digits in any notation): a sign of life, and noted on the lease that showed it.
-- Who copies or taps a number that others were given since has it still in front of him: noted, and nothing else.
CREATE FUNCTION edge_tapped(
    p_company uuid, p_site uuid, p_visit uuid, p_ending text, p_is_copy boolean, p_now timestamptz
) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := COALESCE(p_now, clock_timestamp()); v_lease record; v_found int := 0;
BEGIN
    PERFORM set_config('app.company_id', p_company::text, true);
    FOR v_lease IN
        SELECT DISTINCT ON (t.pool_id, t.id) l.id, l.number_id, l.shown_until,
            make_interval(secs => COALESCE(p.lease_seconds, 75)) AS screen
        FROM lease l
        JOIN tracking_number t ON t.company_id = l.company_id AND t.id = l.number_id
        LEFT JOIN pool p ON p.company_id = t.company_id AND p.id = t.pool_id
        WHERE l.company_id = p_company AND l.visit_id = p_visit AND right(t.e164, length(p_ending)) = p_ending
          AND EXISTS (SELECT FROM visit WHERE company_id = p_company AND id = p_visit AND site_id = p_site)
        ORDER BY t.pool_id, t.id, l.id DESC
    LOOP
        v_found := v_found + 1;
        IF NOT edge_seen(p_company, v_lease.number_id, v_lease.id, v_lease.shown_until, v_lease.screen, v_now, false,
                false, NOT p_is_copy, p_is_copy) THEN
            UPDATE lease SET copied_at = CASE WHEN p_is_copy THEN COALESCE(copied_at, v_now) ELSE copied_at END,
                tapped_at = CASE WHEN p_is_copy THEN tapped_at ELSE v_now END,
                taps = CASE WHEN p_is_copy THEN taps ELSE taps || v_now END
            WHERE company_id = p_company AND id = v_lease.id;
        END IF;
    END LOOP;
    RETURN v_found;
END $$
