-- A sign of life, or the page was hidden or left (p_left). o_state: 'extended' (nothing changed for the page), 'renewed'
-- (show o_numbers of o_pools), 'unknown' (no such visit of this visitor on this site). A visit silent for 30 minutes
-- comes back as a new visit with the same touch; a page that is left renews nothing. A beat that only extends may be
-- lost in a crash (synchronous_commit off): the next one comes long before the number is free.
-- p_fresh: ids for a new visit, a page view, and new leases. p_pools, p_ways: how the site's pools choose.
CREATE OR REPLACE FUNCTION edge_sign(
    p_company uuid, p_site uuid, p_visitor uuid, p_visit uuid, p_fresh uuid[], p_page text, p_kind text,
    p_visible_ms integer, p_left boolean, p_pools uuid[], p_ways text[], p_now timestamptz,
    OUT o_state text, OUT o_visit uuid, OUT o_pools uuid[], OUT o_numbers text[], OUT o_shared boolean[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := COALESCE(p_now, clock_timestamp()); v_visit record; v_lease record; v_got record;
    v_is_new boolean := false; v_is_kept boolean; v_next int := 3; v_contact boolean := p_kind = 'contact';
BEGIN
    PERFORM set_config('app.company_id', p_company::text, true);
    PERFORM set_config('synchronous_commit', 'off', true);
    o_state := 'extended';
    o_visit := p_visit;
    -- No visitor is seen longer than since he was last seen, whatever his browser says; two seconds for the way.
    UPDATE visit SET last_seen_at = v_now, saw_contact = saw_contact OR v_contact,
        visible_ms = LEAST(86400000, visible_ms + GREATEST(0, LEAST(p_visible_ms,
            2000 + 1000 * date_part('epoch', v_now - last_seen_at)::int)))
    WHERE company_id = p_company AND id = p_visit AND site_id = p_site AND visitor_id = p_visitor
      AND last_seen_at > v_now - interval '30 minutes'
    RETURNING source, medium, campaign, saw_contact, device, is_returning INTO v_visit;
    IF NOT FOUND THEN
        IF p_left THEN RETURN; END IF;
        INSERT INTO visit (company_id, id, visitor_id, site_id, started_at, last_seen_at, source, medium, campaign,
            term, content, click_ids, ad_cookies, referrer, landing_url, consent, user_agent, is_demo, device,
            is_returning, saw_contact)
        SELECT company_id, p_fresh[1], visitor_id, site_id, v_now, v_now, source, medium, campaign,
            term, content, click_ids, ad_cookies, referrer, landing_url, consent, user_agent, is_demo, device,
            true, v_contact
        FROM visit WHERE company_id = p_company AND id = p_visit AND site_id = p_site AND visitor_id = p_visitor
        RETURNING source, medium, campaign, saw_contact, device, is_returning INTO v_visit;
        IF NOT FOUND THEN
            o_state := 'unknown';
            RETURN;
        END IF;
        v_is_new := true;
        o_state := 'renewed';
        o_visit := p_fresh[1];
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    IF p_page IS NOT NULL THEN
        INSERT INTO page_view (company_id, id, visit_id, at, page, title, kind)
        SELECT p_company, p_fresh[2], o_visit, v_now, p_page, '', p_kind
        WHERE v_is_new OR p_page IS DISTINCT FROM (
            SELECT page FROM page_view WHERE company_id = p_company AND visit_id = p_visit AND id >= p_visit
            ORDER BY id DESC LIMIT 1);
    END IF;
    FOR v_lease IN
        SELECT DISTINCT ON (t.pool_id) l.id, l.number_id, l.shown_until, t.pool_id,
            t.kind = 'overflow' AND t.released_at IS NULL AND t.leave_at IS NULL AS is_of_all,
            make_interval(secs => p.lease_seconds) AS screen
        FROM lease l
        JOIN tracking_number t ON t.company_id = l.company_id AND t.id = l.number_id
        JOIN pool p ON p.company_id = t.company_id AND p.id = t.pool_id
        WHERE l.company_id = p_company AND l.visit_id = p_visit
        ORDER BY t.pool_id, l.id DESC
    LOOP
        v_is_kept := NOT v_is_new;
        IF v_is_kept AND v_lease.is_of_all THEN
            UPDATE lease SET last_seen_at = v_now, left_at = CASE WHEN p_left THEN v_now END,
                shown_until = CASE WHEN p_left THEN v_now ELSE v_now + v_lease.screen END,
                contact_at = CASE WHEN v_contact THEN COALESCE(contact_at, v_now) ELSE contact_at END
            WHERE company_id = p_company AND id = v_lease.id;
        ELSIF v_is_kept THEN
            v_is_kept := edge_seen(p_company, v_lease.number_id, v_lease.id, v_lease.shown_until, v_lease.screen,
                v_now, p_left, v_contact, false, false);
        END IF;
        IF NOT v_is_kept AND NOT p_left THEN
            EXIT WHEN v_next > cardinality(p_fresh);
            PERFORM set_config('synchronous_commit', 'on', true);
            o_state := 'renewed';
            v_got := edge_number(p_company, o_visit, p_visitor, true, v_lease.pool_id, p_fresh[v_next],
                COALESCE(p_ways[array_position(p_pools, v_lease.pool_id)], ''),
                v_visit.source || E'\x1f' || v_visit.medium,
                v_visit.source || E'\x1f' || v_visit.medium || E'\x1f' || v_visit.campaign, v_visit.saw_contact, p_now,
                v_visit.device, v_visit.is_returning);
            v_next := v_next + 1;
            o_pools := o_pools || v_lease.pool_id;
            o_numbers := o_numbers || v_got.o_number;
            o_shared := o_shared || v_got.o_shared;
        END IF;
    END LOOP;
END $$
