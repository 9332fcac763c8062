-- p_device, p_returning: of the visit, kept with its lease.
-- A number for one visit from one pool: the one it has, the visitor's last one if nobody was shown it since, one that
-- is off screen, the pool's overflow number, one that others have on screen; none only when the pool has no number.
CREATE OR REPLACE FUNCTION edge_number(
    p_company uuid, p_visit uuid, p_visitor uuid, p_is_known boolean, p_pool uuid, p_lease uuid, p_way text,
    p_source text, p_campaign text, p_contact boolean, p_now timestamptz, p_device text DEFAULT NULL,
    p_returning boolean DEFAULT NULL, OUT o_number text, OUT o_shared boolean
) LANGUAGE plpgsql AS $$
DECLARE
    v_screen interval; v_rest interval; v_now timestamptz := COALESCE(p_now, clock_timestamp()); v_number uuid;
    v_how text := 'kept'; v_last uuid; v_kind text; v_until timestamptz; v_over record; v_given record;
BEGIN
    o_shared := false;
    SELECT make_interval(secs => lease_seconds), make_interval(secs => cooldown_seconds) INTO v_screen, v_rest
    FROM pool WHERE company_id = p_company AND id = p_pool;
    IF NOT FOUND THEN RETURN; END IF;

    IF p_is_known THEN
        SELECT l.id, l.number_id, l.shown_until, l.is_overflow, t.kind, t.e164
        INTO v_last, v_number, v_until, o_shared, v_kind, o_number
        FROM lease l JOIN tracking_number t ON t.company_id = l.company_id AND t.id = l.number_id
        WHERE l.company_id = p_company AND l.visit_id = p_visit AND t.pool_id = p_pool
        ORDER BY l.id DESC LIMIT 1;
        IF v_kind = 'pool' AND edge_seen(p_company, v_number, v_last, v_until, v_screen, v_now, false, p_contact,
                false, false) THEN
            RETURN;
        END IF;
        o_number := NULL;
        o_shared := false;
        BEGIN
            SELECT number_id INTO v_number FROM number_slot
            WHERE company_id = p_company AND pool_id = p_pool AND visitor_id = p_visitor
            ORDER BY given_at DESC LIMIT 1;
            PERFORM FROM number_slot
            WHERE company_id = p_company AND number_id = v_number AND visitor_id = p_visitor FOR UPDATE;
            IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'CT001'; END IF;
        EXCEPTION WHEN SQLSTATE 'CT001' THEN v_number := NULL;
        END;
    END IF;

    IF v_number IS NULL AND p_way <> 'crowd' THEN
        v_how := 'alone';
        v_number := edge_choose(p_company, p_pool, p_source, p_campaign, p_way, v_rest, p_now);
    END IF;
    IF v_number IS NULL THEN
        SELECT id, e164 INTO v_over FROM tracking_number
        WHERE company_id = p_company AND pool_id = p_pool AND kind = 'overflow' AND released_at IS NULL
          AND leave_at IS NULL AND health <> 'unfit'
        ORDER BY id LIMIT 1;
        IF FOUND THEN
            v_now := COALESCE(p_now, clock_timestamp());
            o_number := v_over.e164;
            o_shared := true;
            UPDATE lease SET last_seen_at = v_now, shown_until = v_now + v_screen, left_at = NULL,
                contact_at = CASE WHEN p_contact THEN COALESCE(contact_at, v_now) ELSE contact_at END
            WHERE p_is_known AND company_id = p_company AND visit_id = p_visit AND number_id = v_over.id
              AND is_overflow AND shown_until >= v_now - v_screen;
            IF FOUND THEN RETURN; END IF;
            INSERT INTO lease (company_id, id, number_id, visit_id, shown_from, last_seen_at, shown_until,
                is_overflow, contact_at, visitor_id, origin, device, is_returning)
            VALUES (p_company, p_lease, v_over.id, p_visit, v_now, v_now, v_now + v_screen, true,
                CASE WHEN p_contact THEN v_now END, p_visitor, p_campaign, p_device, p_returning);
            RETURN;
        END IF;
        v_how := 'shared';
        v_number := edge_share(p_company, p_pool, p_way = 'crowd', p_now);
        IF v_number IS NULL THEN
            v_how := 'alone';
            v_number := edge_choose(p_company, p_pool, p_source, p_campaign, p_way, v_rest, p_now);
        END IF;
    END IF;
    IF v_number IS NULL THEN RETURN; END IF;
    v_now := COALESCE(p_now, clock_timestamp());
    IF v_kind = 'overflow' THEN
        UPDATE lease SET shown_until = LEAST(shown_until, v_now) WHERE company_id = p_company AND id = v_last;
    END IF;
    v_given := edge_give(p_company, v_number, p_lease, p_visit, p_visitor, p_source, p_campaign, p_contact, v_how,
        v_screen, v_now, p_device, p_returning);
    o_number := v_given.o_number;
    o_shared := v_given.o_shared;
END $$
