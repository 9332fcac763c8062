-- A page was loaded: extend the live visit or open a new one, note the page, give a number of each pool.
-- An empty p_given_* word means that the request itself names no such word. p_fresh: ids to use for a
-- new visit, a new visitor and the page view, in this order. p_ways: how each pool chooses (see edge_choose), or
-- 'crowd' for a network that holds its share of it.
CREATE OR REPLACE FUNCTION edge_open(
    p_company uuid, p_site uuid, p_visitor uuid, p_visit uuid, p_fresh uuid[],
    p_pools uuid[], p_leases uuid[], p_ways text[],
    p_source text, p_medium text, p_campaign text, p_term text, p_content text,
    p_given_source text, p_given_medium text, p_given_campaign text,
    p_click_ids jsonb, p_ad_cookies jsonb, p_consent jsonb, p_referrer text, p_landing_url text,
    p_user_agent text, p_page text, p_title text, p_device text, p_kind text, p_now timestamptz,
    OUT o_visitor uuid, OUT o_visit uuid, OUT o_is_new boolean, OUT o_numbers text[], OUT o_shared boolean[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := COALESCE(p_now, clock_timestamp()); v_is_known boolean := false; v_got record;
    v_contact boolean := p_kind = 'contact'; v_live record; v_returns boolean := false;
BEGIN
    PERFORM set_config('app.company_id', p_company::text, true);
    IF p_visit IS NOT NULL AND p_visitor IS NOT NULL THEN
        UPDATE visit SET last_seen_at = v_now, saw_contact = saw_contact OR v_contact,
            ad_cookies = ad_cookies || p_ad_cookies, consent = COALESCE(p_consent, consent)
        WHERE company_id = p_company AND id = p_visit AND site_id = p_site AND visitor_id = p_visitor
          AND last_seen_at > v_now - interval '30 minutes'
          AND click_ids @> p_click_ids
          AND p_given_source IN ('', source) AND p_given_medium IN ('', medium)
          AND p_given_campaign IN ('', campaign)
        RETURNING id, source, medium, campaign, saw_contact, device, is_returning INTO v_live;
        IF FOUND THEN
            o_visit := p_visit;
            o_visitor := p_visitor;
            p_source := v_live.source;
            p_medium := v_live.medium;
            p_campaign := v_live.campaign;
            v_contact := v_live.saw_contact;
            p_device := v_live.device;
            v_returns := v_live.is_returning;
        END IF;
    END IF;
    o_is_new := o_visit IS NULL;
    IF o_is_new THEN
        o_visit := p_fresh[1];
        o_visitor := p_fresh[2];
        IF p_visitor IS NOT NULL THEN
            v_is_known := EXISTS (SELECT FROM visit WHERE company_id = p_company AND visitor_id = p_visitor);
            IF v_is_known THEN o_visitor := p_visitor; END IF;
            v_returns := v_is_known;
        END IF;
        INSERT INTO visit (company_id, id, visitor_id, site_id, started_at, last_seen_at, source, medium, campaign,
            term, content, click_ids, ad_cookies, referrer, landing_url, consent, user_agent, device, is_returning,
            saw_contact)
        VALUES (p_company, o_visit, o_visitor, p_site, v_now, v_now, p_source, p_medium, p_campaign,
            p_term, p_content, p_click_ids, p_ad_cookies, p_referrer, p_landing_url, p_consent, p_user_agent,
            p_device, v_returns, v_contact);
    END IF;
    INSERT INTO page_view (company_id, id, visit_id, at, page, title, kind)
    VALUES (p_company, p_fresh[3], o_visit, v_now, p_page, p_title, p_kind);
    FOR i IN 1 .. cardinality(p_pools) LOOP
        v_got := edge_number(p_company, o_visit, o_visitor, NOT o_is_new OR v_is_known, p_pools[i], p_leases[i],
            p_ways[i], p_source || E'\x1f' || p_medium,
            p_source || E'\x1f' || p_medium || E'\x1f' || p_campaign, v_contact, p_now,
            p_device, v_returns);
        o_numbers[i] := v_got.o_number;
        o_shared[i] := v_got.o_shared;
    END LOOP;
END $$
