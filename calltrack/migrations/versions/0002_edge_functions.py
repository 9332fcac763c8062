"""The snippet's hot path as database functions: one statement, one round trip, one transaction.

They run with the rights of the caller (SECURITY INVOKER), so row-level security holds inside them; each sets
the tenant for its own transaction first. Slots are always locked in the order of their pools: no deadlock.

Revision 0002.
"""

from alembic import op

from calltrack.migrations.roles import APP

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A number for one visit from one pool: its own again, else the visitor's last one if nobody was shown it since,
# else the one that idled longest, else the pool's overflow number, else none (o_number is null).
LEASE = """
CREATE FUNCTION edge_lease(
    p_company uuid, p_visit uuid, p_previous uuid, p_is_known boolean, p_pool uuid, p_lease uuid,
    p_overflow_only boolean, OUT o_number text, OUT o_overflow boolean
) LANGUAGE plpgsql AS $$
DECLARE
    v_hold interval; v_rest interval; v_now timestamptz := clock_timestamp(); v_number uuid; v_slot record;
BEGIN
    o_overflow := false;
    SELECT make_interval(secs => lease_seconds), make_interval(secs => cooldown_seconds) INTO v_hold, v_rest
    FROM pool WHERE company_id = p_company AND id = p_pool;
    IF NOT FOUND THEN RETURN; END IF;

    IF p_is_known THEN
        SELECT s.number_id, l.id AS lease_id, l.visit_id INTO v_slot
        FROM lease l
        JOIN number_slot s ON s.company_id = l.company_id AND s.number_id = l.number_id AND s.lease_id = l.id
        WHERE l.company_id = p_company AND l.visit_id IN (p_visit, p_previous) AND s.pool_id = p_pool
        ORDER BY l.visit_id = p_visit DESC LIMIT 1 FOR UPDATE OF s;
        IF FOUND THEN
            v_now := clock_timestamp();
            v_number := v_slot.number_id;
            IF v_slot.visit_id = p_visit THEN
                p_lease := v_slot.lease_id;
                UPDATE lease SET last_seen_at = v_now, shown_until = v_now + v_hold
                WHERE company_id = p_company AND id = p_lease;
            ELSE
                UPDATE lease SET shown_until = LEAST(shown_until, v_now)
                WHERE company_id = p_company AND id = v_slot.lease_id;
                INSERT INTO lease (company_id, id, number_id, visit_id, shown_from, last_seen_at, shown_until)
                VALUES (p_company, p_lease, v_number, p_visit, v_now, v_now, v_now + v_hold);
            END IF;
            UPDATE number_slot SET busy_until = v_now + v_hold, lease_id = p_lease
            WHERE company_id = p_company AND number_id = v_number;
        END IF;
    END IF;

    IF v_number IS NOT NULL THEN
        SELECT e164 INTO o_number FROM tracking_number WHERE company_id = p_company AND id = v_number;
        RETURN;
    END IF;

    FOR attempt IN 1 .. CASE WHEN p_overflow_only THEN 0 ELSE 2 END LOOP
        WITH taken AS (
            UPDATE number_slot SET busy_until = v_now + v_hold, lease_id = p_lease
            WHERE company_id = p_company AND number_id = (
                SELECT number_id FROM number_slot
                WHERE company_id = p_company AND pool_id = p_pool AND busy_until <= v_now - v_rest
                ORDER BY busy_until LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING number_id
        ), noted AS (
            INSERT INTO lease (company_id, id, number_id, visit_id, shown_from, last_seen_at, shown_until)
            SELECT p_company, p_lease, number_id, p_visit, v_now, v_now, v_now + v_hold FROM taken
        )
        SELECT t.e164 INTO o_number FROM taken
        JOIN tracking_number t ON t.company_id = p_company AND t.id = taken.number_id;
        IF FOUND THEN
            IF p_is_known THEN
                UPDATE lease l SET shown_until = LEAST(l.shown_until, v_now) FROM tracking_number t
                WHERE l.company_id = p_company AND l.visit_id = p_visit AND l.is_overflow
                  AND t.company_id = p_company AND t.id = l.number_id AND t.pool_id = p_pool;
            END IF;
            RETURN;
        END IF;
        -- The last free number may be locked by somebody who does not take it: wait for it and look once more.
        v_now := clock_timestamp();
        PERFORM FROM number_slot
        WHERE company_id = p_company AND pool_id = p_pool AND busy_until <= v_now - v_rest
        ORDER BY busy_until LIMIT 1 FOR UPDATE;
        EXIT WHEN NOT FOUND;
        v_now := clock_timestamp();
    END LOOP;

    SELECT id, e164 INTO v_number, o_number FROM tracking_number
    WHERE company_id = p_company AND pool_id = p_pool AND kind = 'overflow' AND released_at IS NULL
    ORDER BY id LIMIT 1;
    IF NOT FOUND THEN RETURN; END IF;
    o_overflow := true;
    IF p_is_known THEN
        UPDATE lease SET last_seen_at = v_now, shown_until = v_now + v_hold
        WHERE company_id = p_company AND visit_id = p_visit AND number_id = v_number AND is_overflow
          AND shown_until >= v_now - v_hold;
        IF FOUND THEN RETURN; END IF;
    END IF;
    INSERT INTO lease (company_id, id, number_id, visit_id, shown_from, last_seen_at, shown_until, is_overflow)
    VALUES (p_company, p_lease, v_number, p_visit, v_now, v_now, v_now + v_hold, true);
END $$
"""

# A page was loaded: extend the live visit or open a new one, note the page, lease a number from each pool.
# An empty p_given_* word means that the request itself names no such word. p_fresh: ids to use for a
# new visit, a new visitor and the page view, in this order.
VISIT = """
CREATE FUNCTION edge_visit(
    p_company uuid, p_site uuid, p_visitor uuid, p_visit uuid, p_fresh uuid[],
    p_pools uuid[], p_leases uuid[], p_overflow_only boolean[],
    p_source text, p_medium text, p_campaign text, p_term text, p_content text,
    p_given_source text, p_given_medium text, p_given_campaign text,
    p_click_ids jsonb, p_ad_cookies jsonb, p_consent jsonb,
    p_referrer text, p_landing_url text, p_user_agent text, p_page text, p_title text,
    OUT o_visitor uuid, OUT o_visit uuid, OUT o_is_new boolean, OUT o_numbers text[], OUT o_overflow boolean[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz; v_previous uuid; v_got record;
BEGIN
    PERFORM set_config('app.company_id', p_company::text, true);
    v_now := clock_timestamp();
    IF p_visit IS NOT NULL AND p_visitor IS NOT NULL THEN
        UPDATE visit SET last_seen_at = v_now, ad_cookies = ad_cookies || p_ad_cookies,
            consent = COALESCE(p_consent, consent)
        WHERE company_id = p_company AND id = p_visit AND site_id = p_site AND visitor_id = p_visitor
          AND last_seen_at > v_now - interval '30 minutes'
          AND click_ids @> p_click_ids
          AND p_given_source IN ('', source) AND p_given_medium IN ('', medium)
          AND p_given_campaign IN ('', campaign)
        RETURNING id INTO o_visit;
        o_visitor := p_visitor;
    END IF;
    o_is_new := o_visit IS NULL;
    IF o_is_new THEN
        o_visit := p_fresh[1];
        o_visitor := p_fresh[2];
        IF p_visitor IS NOT NULL THEN
            SELECT id INTO v_previous FROM visit
            WHERE company_id = p_company AND visitor_id = p_visitor
            ORDER BY id DESC LIMIT 1;
            IF FOUND THEN o_visitor := p_visitor; END IF;
        END IF;
        INSERT INTO visit (company_id, id, visitor_id, site_id, started_at, last_seen_at, source, medium, campaign,
            term, content, click_ids, ad_cookies, referrer, landing_url, consent, user_agent)
        VALUES (p_company, o_visit, o_visitor, p_site, v_now, v_now, p_source, p_medium, p_campaign,
            p_term, p_content, p_click_ids, p_ad_cookies, p_referrer, p_landing_url, p_consent, p_user_agent);
    END IF;
    INSERT INTO page_view (company_id, id, visit_id, at, page, title)
    VALUES (p_company, p_fresh[3], o_visit, v_now, p_page, p_title);
    FOR i IN 1 .. cardinality(p_pools) LOOP
        v_got := edge_lease(p_company, o_visit, v_previous, NOT o_is_new OR v_previous IS NOT NULL, p_pools[i],
            p_leases[i], p_overflow_only[i]);
        o_numbers[i] := v_got.o_number;
        o_overflow[i] := v_got.o_overflow;
    END LOOP;
END $$
"""

# A sign of life. o_state: 'extended' (nothing changed for the page), 'renewed' (show o_numbers of o_pools),
# 'unknown' (no such visit of this visitor on this site). A visit silent for 30 minutes comes back as a new visit
# with the same touch. A beat that only extends may be lost in a crash (synchronous_commit off): the next one
# comes long before its lease ends. p_fresh: ids for a new visit, a page view, and new leases.
BEAT = """
CREATE FUNCTION edge_beat(
    p_company uuid, p_site uuid, p_visitor uuid, p_visit uuid, p_fresh uuid[], p_page text,
    OUT o_state text, OUT o_visit uuid, OUT o_pools uuid[], OUT o_numbers text[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz; v_lease record; v_got record; v_is_new boolean := false; v_is_kept boolean;
    v_next int := 3;
BEGIN
    PERFORM set_config('app.company_id', p_company::text, true);
    PERFORM set_config('synchronous_commit', 'off', true);
    v_now := clock_timestamp();
    o_state := 'extended';
    o_visit := p_visit;
    UPDATE visit SET last_seen_at = v_now
    WHERE company_id = p_company AND id = p_visit AND site_id = p_site AND visitor_id = p_visitor
      AND last_seen_at > v_now - interval '30 minutes';
    IF NOT FOUND THEN
        INSERT INTO visit (company_id, id, visitor_id, site_id, started_at, last_seen_at, source, medium, campaign,
            term, content, click_ids, ad_cookies, referrer, landing_url, consent, user_agent, is_demo)
        SELECT company_id, p_fresh[1], visitor_id, site_id, v_now, v_now, source, medium, campaign,
            term, content, click_ids, ad_cookies, referrer, landing_url, consent, user_agent, is_demo
        FROM visit WHERE company_id = p_company AND id = p_visit AND site_id = p_site AND visitor_id = p_visitor;
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
        INSERT INTO page_view (company_id, id, visit_id, at, page, title)
        SELECT p_company, p_fresh[2], o_visit, v_now, p_page, ''
        WHERE v_is_new OR p_page IS DISTINCT FROM (
            SELECT page FROM page_view WHERE company_id = p_company AND visit_id = p_visit AND id >= p_visit
            ORDER BY id DESC LIMIT 1);
    END IF;
    FOR v_lease IN
        SELECT DISTINCT ON (t.pool_id) l.id, l.number_id, l.is_overflow, t.pool_id,
            make_interval(secs => p.lease_seconds) AS hold
        FROM lease l
        JOIN tracking_number t ON t.company_id = l.company_id AND t.id = l.number_id
        JOIN pool p ON p.company_id = t.company_id AND p.id = t.pool_id
        WHERE l.company_id = p_company AND l.visit_id = p_visit
        ORDER BY t.pool_id, l.id DESC
    LOOP
        v_is_kept := NOT v_is_new;
        IF v_is_kept AND NOT v_lease.is_overflow THEN
            UPDATE number_slot SET busy_until = v_now + v_lease.hold
            WHERE company_id = p_company AND number_id = v_lease.number_id AND lease_id = v_lease.id;
            v_is_kept := FOUND;
        END IF;
        IF v_is_kept THEN
            UPDATE lease SET last_seen_at = v_now, shown_until = v_now + v_lease.hold
            WHERE company_id = p_company AND id = v_lease.id;
        ELSE
            EXIT WHEN v_next > cardinality(p_fresh);
            PERFORM set_config('synchronous_commit', 'on', true);
            o_state := 'renewed';
            v_got := edge_lease(p_company, o_visit, p_visit, true, v_lease.pool_id, p_fresh[v_next],
                v_lease.is_overflow);
            v_next := v_next + 1;
            o_pools := o_pools || v_lease.pool_id;
            o_numbers := o_numbers || v_got.o_number;
        END IF;
    END LOOP;
END $$
"""

# The visitor tapped a number: note it on the leases that showed it to the visit (digits in any notation).
TAP = """
CREATE FUNCTION edge_tap(p_company uuid, p_site uuid, p_visit uuid, p_ending text) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    v_found int;
BEGIN
    PERFORM set_config('app.company_id', p_company::text, true);
    UPDATE lease l SET tapped_at = clock_timestamp() FROM tracking_number t
    WHERE l.company_id = p_company AND l.visit_id = p_visit
      AND t.company_id = p_company AND t.id = l.number_id AND right(t.e164, length(p_ending)) = p_ending
      AND EXISTS (SELECT FROM visit WHERE company_id = p_company AND id = p_visit AND site_id = p_site);
    GET DIAGNOSTICS v_found = ROW_COUNT;
    RETURN v_found;
END $$
"""
SIGNATURES = (
    "edge_lease(uuid, uuid, uuid, boolean, uuid, uuid, boolean)",
    "edge_visit(uuid, uuid, uuid, uuid, uuid[], uuid[], uuid[], boolean[], text, text, text, text, text, "
    "text, text, text, jsonb, jsonb, jsonb, text, text, text, text, text)",
    "edge_beat(uuid, uuid, uuid, uuid, uuid[], text)",
    "edge_tap(uuid, uuid, uuid, text)",
)


def upgrade() -> None:
    for function in (LEASE, VISIT, BEAT, TAP):
        op.execute(function)
    for signature in SIGNATURES:
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {APP}")


def downgrade() -> None:
    for signature in SIGNATURES:
        op.execute(f"DROP FUNCTION {signature}")
