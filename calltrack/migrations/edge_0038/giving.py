"""Giving a number and choosing it: as in 0029, in statements that are sooner ready to run.

Of what a visit costs the database, most is not reading or writing but making the expressions of every
statement ready, each time it runs. So sums are first moved to the window of now, which happens once in 30
hours, and then plainly added; and a choice says once how a mass fades, for rows of slots and of masses alike.

All rules of locks of `edge_0024/giving.py` hold here.
"""

from math import exp

from calltrack.migrations.edge_0024.fading import (
    FADES,
    OWN,
    PARTS,
    SUMS,
    WINDOW,
    left,
    moved,
    seconds,
    window,
)
from calltrack.migrations.edge_0024.giving import _DECLARED, _NEW_WEIGHT
from calltrack.migrations.edge_0029 import giving as before
from calltrack.migrations.edge_0029.giving import _changed
from calltrack.migrations.edge_0037.regions import NOW

# Of a pool with more numbers than this so many are looked at, those that were given longest ago.
LOOKED_AT = 1000


_GIVEN = NOW["edge_give"]


def _between(function: str, begin: str, end: str) -> str:
    """Return what stands between two places of a function."""
    return function[function.index(begin) + len(begin) : function.index(end)]


_BEFORE = f"""
    SELECT s.pool_id, s.lease_id, s.source, s.campaign, s.summed_at, s.alone_since,
        s.busy_until > p_now AS is_on_screen, {", ".join(f"s.{own}" for own in OWN)}, t.e164
    INTO v_before
    FROM number_slot s JOIN tracking_number t ON t.company_id = s.company_id AND t.id = s.number_id
    WHERE s.company_id = p_company AND s.number_id = p_number;
"""
_MOVED = ", ".join(f"{name} = {moved(f's.{name}', 's.summed_at', place)}" for place, name in enumerate(SUMS))
_OWN_MOVED = ", ".join(
    f"{name} = {moved(f's.{name}', 's.summed_at', place)}" for place, name in enumerate(OWN)
)
_MASS_MOVED = ", ".join(
    f"{name} = {moved(f'm.{name}', 'm.summed_at', place)} + v_before.{own}"
    for place, (name, own) in enumerate(zip(SUMS, OWN, strict=True))
)
_BEFORE_OWN = ", ".join(f"v_before.{own}" for own in OWN)
_NEW_OWN = ", ".join(f"{own} = v_weight * exp(v_in / {FADES[place]})" for place, own in enumerate(OWN))
_TOTALS = ", ".join(f"{sum_} = s.{sum_} + s.{own}" for sum_, own in zip(SUMS, OWN, strict=True))
_IS_ON_SCREEN = _between(_GIVEN, "    o_shared := p_how = 'shared';\n", "    WITH old AS MATERIALIZED")
_NOTED = _between(_GIVEN, "noted AS (\n", "    )\n    SELECT e164 INTO o_number")

# The parameters, what becomes of the holder before, and the lease's own row stand in the function of before.
GIVE = f"""{_GIVEN[: _GIVEN.index("DECLARE")]}DECLARE
    v_t float8 := {seconds("p_now")}; v_w float8 := {window("v_t")}; v_in float8 := v_t - v_w;
    v_weight float8 := {_NEW_WEIGHT}; v_before record; v_rows bigint;
BEGIN
    {_BEFORE}
    o_number := v_before.e164;
    o_shared := p_how = 'shared';
{_IS_ON_SCREEN}
    IF v_before.summed_at <> v_w THEN
        UPDATE number_slot s SET summed_at = v_w, {_MOVED}, {_OWN_MOVED}
        WHERE s.company_id = p_company AND s.number_id = p_number;
        {_BEFORE}
    END IF;
    IF v_before.lease_id IS NOT NULL THEN
        INSERT INTO number_mass AS m (company_id, pool_id, origin, number_id, summed_at, {", ".join(SUMS)})
        VALUES (p_company, v_before.pool_id, v_before.source, p_number, v_w, {_BEFORE_OWN}),
            (p_company, v_before.pool_id, v_before.campaign, p_number, v_w, {_BEFORE_OWN})
        ON CONFLICT (company_id, pool_id, origin, number_id)
            DO UPDATE SET {", ".join(f"{name} = m.{name} + excluded.{name}" for name in SUMS)}
            WHERE m.summed_at = excluded.summed_at;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        IF v_rows < 2 THEN  -- those that stood for another window were left alone
            UPDATE number_mass m SET summed_at = v_w, {_MASS_MOVED}
            WHERE m.company_id = p_company AND m.pool_id = v_before.pool_id AND m.number_id = p_number
              AND m.origin IN (v_before.source, v_before.campaign) AND m.summed_at <> v_w;
        END IF;
    END IF;
    UPDATE number_slot s SET {_TOTALS},
        {_NEW_OWN},
        source = p_source, campaign = p_campaign, weight = v_weight,
        held_at = v_t, seen_at = p_now, given_at = p_now, lease_id = p_lease, visitor_id = p_visitor,
        alone_since = CASE WHEN o_shared THEN COALESCE(s.alone_since, p_now) ELSE p_now END,
        busy_until = GREATEST(p_now + p_screen, CASE WHEN o_shared THEN s.busy_until END),
        saw_contact = p_contact, copied = false, called = false
    WHERE s.company_id = p_company AND s.number_id = p_number;
    {_NOTED.rstrip()};
END $$
"""

_RESTED = "s.company_id = p_company AND s.pool_id = p_pool AND s.busy_until <= v_rested"
_OLDEST = f"ORDER BY s.given_at NULLS FIRST, s.number_id LIMIT {LOOKED_AT}"
_AT_RISK = ", ".join(f"s.{sum_} + s.risk * s.{own} AS {sum_}" for sum_, own in zip(SUMS, OWN, strict=True))


def _spared(origin: str, share: str, among: str) -> str:
    sums = ", ".join(f"-{share}::float8 * m.{name}" for name in SUMS)
    return f"""
                    UNION ALL
                    SELECT m.number_id, NULL, m.summed_at, {sums} FROM number_mass m
                    WHERE m.company_id = p_company AND m.pool_id = p_pool AND m.origin = {origin} {among}"""


def _look(oldest: str = "", among: str = "") -> str:
    """Return the look at rested numbers: what all of a number's rows weigh together, the least first.

    The rows are put under one another and not joined: no plan for a table of another size can be slow.
    """
    return f"""
                v_best := ARRAY(
                    SELECT x.number_id FROM (
                    SELECT s.number_id, s.seen_at, s.summed_at, {_AT_RISK} FROM (
                        SELECT s.*, {before._OWN_RISK} AS risk FROM number_slot s
                        WHERE {_RESTED} {oldest}
                    ) s{_spared("p_source", "0.35", among)}{_spared("p_campaign", "0.5", among)}
                    ) x
                    GROUP BY x.number_id HAVING max(x.seen_at) IS NOT NULL
                    ORDER BY round(1e9::float8 * sum({left("x", SUMS)})), max(x.seen_at), x.number_id
                    LIMIT {before._TRIED});
"""


# What faded for a window of the first sum is nothing: times itself it would be too small for a double.
_FACTORS = "; ".join(
    f"v_now_{place} := {part} * exp((v_w - v_t) / {fade}); "
    f"v_last_{place} := v_now_{place} * {exp(-WINDOW / fade) if WINDOW / fade < 300 else 0.0!r}::float8"
    for place, (part, fade) in enumerate(zip(PARTS, FADES, strict=True), 1)
)
_QUICK = f"""
    v_now := COALESCE(p_now, clock_timestamp());
    v_rested := v_now - p_rest;
    v_t := {seconds("v_now")};
    v_w := {window("v_t")};
    {_FACTORS};
    BEGIN
        IF p_way = 'some' THEN
                v_among := ARRAY(SELECT s.number_id FROM number_slot s WHERE {_RESTED} {_OLDEST});
                {_look(_OLDEST, "AND m.number_id = ANY (v_among)")}
        ELSIF p_way <> 'idle' THEN {_look()}
        END IF;
        IF v_best IS NULL OR cardinality(v_best) = 0 THEN {before._IDLE_LOOK}
        END IF;
        IF cardinality(v_best) = 0 THEN RETURN NULL; END IF;
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

# p_way: 'calls' looks at all numbers of the pool, 'some' at those given longest ago; 'idle' is what processes
# of before say of large pools. The late function does what cannot be done at once. No index but that of the
# order in which numbers were given begins with the pool, and a bitmap would lose that order.
CHOOSE = f"""
CREATE OR REPLACE FUNCTION edge_choose(
    p_company uuid, p_pool uuid, p_source text, p_campaign text, p_way text, p_rest interval,
    p_now timestamptz
) RETURNS uuid LANGUAGE plpgsql SET enable_bitmapscan = off AS $$
DECLARE
    v_now timestamptz; v_rested timestamptz; v_t float8; v_w float8; v_number uuid; v_best uuid[];
    v_among uuid[]; {_DECLARED};
BEGIN
{_QUICK}
    RETURN edge_choose_late(p_company, p_pool, p_source, p_campaign, p_way, p_rest, p_now);
END $$
"""
# None of the best could be had: all that nobody locks are looked at, and what is locked is waited for.
LATE = _changed(
    before.CHOOSE,
    ("CREATE OR REPLACE FUNCTION edge_choose(", "CREATE FUNCTION edge_choose_late("),
    (before._QUICK, "\n"),
    (" v_best uuid[];", ""),
)
