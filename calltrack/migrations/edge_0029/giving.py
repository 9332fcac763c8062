"""Giving a number and choosing it: as in 0024, with what a lease keeps of its visit, and in fewer steps.

All rules of locks of `edge_0024/giving.py` hold here.
"""

from calltrack.migrations.edge_0024 import giving as before
from calltrack.migrations.edge_0024.fading import OWN, SUMS, left, seconds, window

_INSERT = """
        INSERT INTO lease (company_id, id, number_id, visit_id, shown_from, last_seen_at, shown_until,
            is_overflow, contact_at)
        VALUES (p_company, p_lease, p_number, p_visit, p_now, p_now, p_now + p_screen, o_shared,
            CASE WHEN p_contact THEN p_now END)
"""
_INSERT_WITH_VISIT = """
        INSERT INTO lease (company_id, id, number_id, visit_id, shown_from, last_seen_at, shown_until,
            is_overflow, contact_at, visitor_id, origin, device, is_returning)
        VALUES (p_company, p_lease, p_number, p_visit, p_now, p_now, p_now + p_screen, o_shared,
            CASE WHEN p_contact THEN p_now END, p_visitor, p_campaign, p_device, p_returning)
"""
_ASKED = "p_contact boolean, p_how text, p_screen interval, p_now timestamptz,"


def _changed(function: str, *changes: tuple[str, str]) -> str:
    """Return a function of 0024 with these places changed; each must be there once."""
    for old, new in changes:
        if function.count(old) != 1:
            raise ValueError(f"not there once: {old}")
        function = function.replace(old, new)
    return function


GIVE = _changed(
    before.GIVE,
    ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
    (_INSERT, _INSERT_WITH_VISIT),
    (_ASKED, f"{_ASKED} p_device text, p_returning boolean,"),
)

# How many of the best are tried before all unlocked ones are looked at again.
_TRIED = 8
_OWN_RISK = """
    CASE WHEN s.campaign = p_campaign THEN 0.15::float8 WHEN s.source = p_source THEN 0.65::float8
    ELSE 1 END"""


def _mass(name: str, origin: str, share: str) -> str:
    return f"""LEFT JOIN (
                        SELECT m.number_id, {share}::float8 * ({left("m", SUMS)}) AS mass
                        FROM number_mass m
                        WHERE m.company_id = p_company AND m.pool_id = p_pool AND m.origin = {origin} OFFSET 0
                    ) {name} ON {name}.number_id = s.number_id"""


# Each table's rows become one figure before they are joined (OFFSET 0), and nothing is locked before the
# order is known: the joins carry narrow rows, and a few best ones are found without sorting all.
_FIRST_LOOK = f"""
                v_best := ARRAY(
                    SELECT s.number_id FROM (
                        SELECT s.number_id, s.busy_until, s.seen_at, {left("s", SUMS)} AS mass,
                            {_OWN_RISK} * ({left("s", OWN)}) AS own
                        FROM number_slot s
                        WHERE s.company_id = p_company AND s.pool_id = p_pool
                          AND s.busy_until <= v_now OFFSET 0
                    ) s
                    {_mass("a", "p_source", "0.35")}
                    {_mass("b", "p_campaign", "0.5")}
                    ORDER BY s.busy_until > v_now - p_rest,
                        CASE WHEN s.busy_until <= v_now - p_rest THEN round(1e9::float8 * (
                            s.mass - COALESCE(a.mass, 0) - COALESCE(b.mass, 0) + s.own)) END,
                        s.seen_at, s.number_id
                    LIMIT {_TRIED});
"""
_IDLE_LOOK = f"""
                v_best := ARRAY(
                    SELECT s.number_id FROM number_slot s
                    WHERE s.company_id = p_company AND s.pool_id = p_pool AND s.busy_until <= v_now
                    ORDER BY s.busy_until > v_now - p_rest, s.seen_at, s.number_id LIMIT {_TRIED});
"""
# The first look, and locks by key: of the best those that nobody is just given. When none of them is left,
# or when one came off screen since, the looks of 0024 follow, which wait where they must.
_QUICK = f"""
    v_now := COALESCE(p_now, clock_timestamp());
    v_t := {seconds("v_now")};
    BEGIN
        IF p_way = 'idle' THEN {_IDLE_LOOK}
        ELSE
            v_w := {window("v_t")};
            {before._FACTORS};
            {_FIRST_LOOK}
        END IF;
        IF cardinality(v_best) = 0 AND NOT EXISTS (
            SELECT FROM number_slot
            WHERE company_id = p_company AND pool_id = p_pool AND busy_until <= v_now)
        THEN RETURN NULL; END IF;
        FOREACH v_number IN ARRAY v_best LOOP
            PERFORM FROM number_slot s
            WHERE s.company_id = p_company AND s.number_id = v_number AND s.pool_id = p_pool
              AND s.busy_until <= v_now FOR UPDATE OF s SKIP LOCKED;
            IF FOUND THEN RETURN v_number; END IF;
        END LOOP;
        RAISE EXCEPTION USING ERRCODE = 'CT001';
    EXCEPTION WHEN SQLSTATE 'CT001' THEN NULL;
    END;
"""

_SET = "SET enable_nestloop = off SET enable_mergejoin = off"
# Values of the day would have it planned anew at each call, which costs more than a choice among fifty; and a
# plan that is kept must not have been made for a table that was empty then.
CHOOSE = _changed(
    before.CHOOSE,
    ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
    ("v_is_left boolean;", "v_is_left boolean; v_best uuid[];"),
    (_SET, f"{_SET} SET enable_seqscan = off SET plan_cache_mode = force_generic_plan"),
    ("BEGIN\n    FOR attempt", f"BEGIN{_QUICK}    FOR attempt"),
)
