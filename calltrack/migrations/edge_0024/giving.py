"""Which number a visit is shown (`numbers/choice.py` in SQL), giving it, and its signs of life.

Everything rests on the lock of one slot per pool, and pools are taken in ascending order: no deadlock. Nobody
waits for a number somebody else is just given (SKIP LOCKED); only when all off screen are locked, one is
waited for. Sums of a number change under the lock of its slot.
A look that finds its number taken meanwhile has locked it all the same, and who waits while he holds such a
lock may wait in a circle: so each look ends in a savepoint (CT001) that lets go of what it did not take, and
a statement that waits does so for one row, named by its key.
"""

from calltrack.migrations.edge_0024.fading import (
    OWN,
    SUMS,
    WINDOW,
    due,
    factor,
    left,
    moved,
    seconds,
    weight,
    window,
)  # fmt: skip

_KEPT = "(s.lease_id = p_lease OR s.given_at < p_until)"
_HELD = f"GREATEST({seconds('p_now')} - {seconds('s.given_at')}, 0)"
_WEIGHT = weight(_HELD, "(s.saw_contact OR p_contact)", "(s.copied OR p_copied)", "s.called")
_MOVED = ", ".join(f"{name} = {moved(f's.{name}', 's.summed_at', place)}" for place, name in enumerate(SUMS))
_SEEN = ", ".join(
    f"{name} = CASE WHEN s.lease_id = p_lease THEN {due(_WEIGHT, place)} "
    f"ELSE {moved(f's.{name}', 's.summed_at', place)} END"
    for place, name in enumerate(OWN)
)

# A sign of life of a visit on a number it was given; false: somebody else was given it after it had left
# the screen. p_until: until when the lease had it on screen. Who leaves does not take it off others' screens.
SEEN = f"""
CREATE FUNCTION edge_seen(
    p_company uuid, p_number uuid, p_lease uuid, p_until timestamptz, p_screen interval, p_now timestamptz,
    p_left boolean, p_contact boolean, p_tapped boolean, p_copied boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_t float8 := {seconds("p_now")}; v_w float8 := {window("v_t")};
BEGIN
    BEGIN
        IF p_left THEN  -- who else has it on screen is asked under the lock
            PERFORM FROM number_slot WHERE company_id = p_company AND number_id = p_number FOR UPDATE;
        END IF;
        UPDATE number_slot s SET seen_at = p_now,
            busy_until = CASE
                WHEN NOT p_left THEN GREATEST(s.busy_until, p_now + p_screen)
                WHEN s.given_at = s.alone_since THEN p_now
                ELSE GREATEST(p_now, (
                    SELECT max(o.shown_until) FROM lease o
                    WHERE o.company_id = p_company AND o.number_id = p_number
                      AND o.shown_from >= s.alone_since AND o.id <> p_lease)) END,
            held_at = CASE WHEN s.lease_id = p_lease THEN v_t ELSE s.held_at END,
            weight = CASE WHEN s.lease_id = p_lease THEN {_WEIGHT} ELSE s.weight END,
            summed_at = v_w, {_MOVED}, {_SEEN},
            saw_contact = s.saw_contact OR (p_contact AND s.lease_id = p_lease),
            copied = s.copied OR (p_copied AND s.lease_id = p_lease)
        WHERE s.company_id = p_company AND s.number_id = p_number AND {_KEPT};
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'CT001'; END IF;
    EXCEPTION WHEN SQLSTATE 'CT001' THEN RETURN false;
    END;
    UPDATE lease SET last_seen_at = p_now,
        shown_until = CASE WHEN p_left THEN p_now ELSE p_now + p_screen END,
        left_at = CASE WHEN p_left THEN p_now END,
        contact_at = CASE WHEN p_contact THEN COALESCE(contact_at, p_now) ELSE contact_at END,
        copied_at = CASE WHEN p_copied THEN COALESCE(copied_at, p_now) ELSE copied_at END,
        tapped_at = CASE WHEN p_tapped THEN p_now ELSE tapped_at END,
        taps = CASE WHEN p_tapped THEN (taps || p_now)[GREATEST(cardinality(taps) - 48, 1):] ELSE taps END
    WHERE company_id = p_company AND id = p_lease;
    RETURN true;
END $$
"""

_OLD = ", ".join(f"{moved(f's.{name}', 's.summed_at', place)} AS {name}" for place, name in enumerate(SUMS))
_OWN = ", ".join(f"{moved(f's.{name}', 's.summed_at', place)} AS {name}" for place, name in enumerate(OWN))
_ADDED = ", ".join(
    f"{name} = {moved(f'm.{name}', 'm.summed_at', place)} + excluded.{name}"
    for place, name in enumerate(SUMS)
)
_NAMES = ", ".join(SUMS)
_OWN_NAMES = ", ".join(f"old.{name}" for name in OWN)
_TOTALS = ", ".join(f"{total} = old.{total} + old.{own}" for total, own in zip(SUMS, OWN, strict=True))
_NEW_WEIGHT = weight("0", "p_contact", "false", "false")
_NEW_OWN = ", ".join(f"{name} = {due(_NEW_WEIGHT, place)}" for place, name in enumerate(OWN))

# A visit is given a number whose slot the caller has locked: the holder before is added to the number's sums.
# p_how: 'kept' by a visitor who comes again, 'alone', or 'shared'.
GIVE = f"""
CREATE FUNCTION edge_give(
    p_company uuid, p_number uuid, p_lease uuid, p_visit uuid, p_visitor uuid, p_source text, p_campaign text,
    p_contact boolean, p_how text, p_screen interval, p_now timestamptz,
    OUT o_number text, OUT o_shared boolean
) LANGUAGE plpgsql AS $$
DECLARE
    v_t float8 := {seconds("p_now")}; v_w float8 := {window("v_t")}; v_before record;
BEGIN
    SELECT s.lease_id, s.alone_since, s.busy_until > p_now AS is_on_screen INTO v_before
    FROM number_slot s WHERE s.company_id = p_company AND s.number_id = p_number;
    o_shared := p_how = 'shared';
    IF p_how = 'kept' AND v_before.is_on_screen THEN
        UPDATE lease SET shown_until = LEAST(shown_until, p_now)
        WHERE company_id = p_company AND id = v_before.lease_id;
        o_shared := EXISTS (
            SELECT FROM lease WHERE company_id = p_company AND number_id = p_number
              AND shown_from >= v_before.alone_since AND shown_until > p_now);
    ELSIF v_before.is_on_screen THEN
        UPDATE lease SET counted_until = last_seen_at WHERE company_id = p_company AND id = v_before.lease_id;
    END IF;
    WITH old AS MATERIALIZED (
        SELECT s.pool_id, s.lease_id, s.source, s.campaign, {_OLD}, {_OWN}
        FROM number_slot s WHERE s.company_id = p_company AND s.number_id = p_number
    ), added AS (
        INSERT INTO number_mass AS m (company_id, pool_id, origin, number_id, summed_at, {_NAMES})
        SELECT p_company, old.pool_id, o.origin, p_number, v_w, {_OWN_NAMES}
        FROM old, LATERAL (VALUES (old.source), (old.campaign)) o (origin) WHERE old.lease_id IS NOT NULL
        ON CONFLICT (company_id, pool_id, origin, number_id)
            DO UPDATE SET summed_at = excluded.summed_at, {_ADDED}
    ), given AS (
        UPDATE number_slot s SET {_TOTALS}, {_NEW_OWN}, summed_at = v_w,
            source = p_source, campaign = p_campaign, weight = {_NEW_WEIGHT},
            held_at = v_t, seen_at = p_now, given_at = p_now, lease_id = p_lease,
            visitor_id = p_visitor,
            alone_since = CASE WHEN o_shared THEN COALESCE(s.alone_since, p_now) ELSE p_now END,
            busy_until = GREATEST(p_now + p_screen, CASE WHEN o_shared THEN s.busy_until END),
            saw_contact = p_contact, copied = false, called = false
        FROM old WHERE s.company_id = p_company AND s.number_id = p_number
    ), noted AS (
        INSERT INTO lease (company_id, id, number_id, visit_id, shown_from, last_seen_at, shown_until,
            is_overflow, contact_at)
        VALUES (p_company, p_lease, p_number, p_visit, p_now, p_now, p_now + p_screen, o_shared,
            CASE WHEN p_contact THEN p_now END)
    )
    SELECT e164 INTO o_number FROM tracking_number WHERE company_id = p_company AND id = p_number;
END $$
"""

_RISK = f"""
    {left("s", SUMS)} - 0.35::float8 * COALESCE({left("a", SUMS)}, 0)
    - 0.5::float8 * COALESCE({left("b", SUMS)}, 0)
    + CASE WHEN s.campaign = p_campaign THEN 0.15::float8 WHEN s.source = p_source THEN 0.65::float8
      ELSE 1 END * ({left("s", OWN)})
"""
_LAST = f"v_w - {WINDOW}"
_FACTORS = "; ".join(
    f"v_now_{place + 1} := {factor('v_w', 'v_t', place)}; v_last_{place + 1} := {factor(_LAST, 'v_t', place)}"
    for place in range(5)
)
_DECLARED = "; ".join(f"v_now_{place} float8; v_last_{place} float8" for place in range(1, 6))

# A number that is off screen, its slot locked, for a visit whose own is gone: see `choose`. p_way: 'idle'
# chooses by idleness alone (large pools), anything else by the calls that may still come. All numbers of the
# pool are looked at: a plan that looks each one up, made for an average pool, would be slow in a large one.
CHOOSE = f"""
CREATE FUNCTION edge_choose(
    p_company uuid, p_pool uuid, p_source text, p_campaign text, p_way text, p_rest interval,
    p_now timestamptz
) RETURNS uuid LANGUAGE plpgsql SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE
    v_now timestamptz; v_t float8; v_w float8; v_number uuid; v_is_left boolean; {_DECLARED};
BEGIN
    FOR attempt IN 1 .. 20 LOOP
        v_now := COALESCE(p_now, clock_timestamp());
        v_t := {seconds("v_now")};
        BEGIN
            IF p_way = 'idle' THEN
                SELECT s.number_id INTO v_number FROM number_slot s
                WHERE s.company_id = p_company AND s.pool_id = p_pool AND s.busy_until <= v_now
                ORDER BY s.busy_until > v_now - p_rest, s.seen_at, s.number_id
                LIMIT 1 FOR UPDATE SKIP LOCKED;
            ELSE
                v_w := {window("v_t")};
                {_FACTORS};
                SELECT s.number_id INTO v_number FROM number_slot s
                LEFT JOIN number_mass a ON a.company_id = p_company AND a.pool_id = p_pool
                    AND a.origin = p_source AND a.number_id = s.number_id
                LEFT JOIN number_mass b ON b.company_id = p_company AND b.pool_id = p_pool
                    AND b.origin = p_campaign AND b.number_id = s.number_id
                WHERE s.company_id = p_company AND s.pool_id = p_pool AND s.busy_until <= v_now
                ORDER BY s.busy_until > v_now - p_rest,
                    CASE WHEN s.busy_until <= v_now - p_rest THEN round(1e9::float8 * ({_RISK})) END,
                    s.seen_at, s.number_id
                LIMIT 1 FOR UPDATE OF s SKIP LOCKED;
            END IF;
            IF FOUND THEN RETURN v_number; END IF;
            -- The last ones off screen may be locked by somebody who does not take them: wait, look again.
            SELECT number_id INTO v_number FROM number_slot
            WHERE company_id = p_company AND pool_id = p_pool AND busy_until <= v_now
            ORDER BY seen_at, number_id LIMIT 1;
            v_is_left := FOUND;
            PERFORM FROM number_slot WHERE company_id = p_company AND number_id = v_number FOR UPDATE;
            RAISE EXCEPTION USING ERRCODE = 'CT001';
        EXCEPTION WHEN SQLSTATE 'CT001' THEN NULL;
        END;
        EXIT WHEN NOT v_is_left;
    END LOOP;
    RETURN NULL;
END $$
"""

# A number that others have on screen, its slot locked: the one given out first. Who comes from a network that
# holds its share of the pool already (p_is_crowded) is put to the number that such visits share.
SHARE = """
CREATE FUNCTION edge_share(p_company uuid, p_pool uuid, p_is_crowded boolean, p_now timestamptz) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := COALESCE(p_now, clock_timestamp()); v_number uuid;
BEGIN
    IF p_is_crowded THEN
        SELECT number_id INTO v_number FROM number_slot
        WHERE company_id = p_company AND pool_id = p_pool AND given_at IS NOT NULL
        ORDER BY busy_until > v_now AND given_at > alone_since DESC, busy_until > v_now DESC,
            given_at, number_id
        LIMIT 1;
        PERFORM FROM number_slot WHERE company_id = p_company AND number_id = v_number FOR UPDATE;
        RETURN v_number;
    END IF;
    BEGIN
        SELECT number_id INTO v_number FROM number_slot
        WHERE company_id = p_company AND pool_id = p_pool AND given_at <= v_now
        ORDER BY given_at, number_id LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF FOUND THEN RETURN v_number; END IF;
        RAISE EXCEPTION USING ERRCODE = 'CT001';
    EXCEPTION WHEN SQLSTATE 'CT001' THEN NULL;
    END;
    SELECT number_id INTO v_number FROM number_slot
    WHERE company_id = p_company AND pool_id = p_pool AND given_at IS NOT NULL
    ORDER BY given_at, number_id LIMIT 1;
    PERFORM FROM number_slot WHERE company_id = p_company AND number_id = v_number FOR UPDATE;
    RETURN v_number;
END $$
"""
