"""The look at rested numbers: each table's rows become one figure, and figures are joined.

Grouping 2,200 rows of three kinds by number (0038) takes half of such a look; joining 1,000 figures to as
many and 200 others takes a tenth. Plans cannot be slow for a table of another size: only hash joins are left.
"""

from calltrack.migrations.edge_0024.fading import OWN, SUMS, left
from calltrack.migrations.edge_0029.giving import _OWN_RISK, _TRIED
from calltrack.migrations.edge_0038 import giving as before
from calltrack.migrations.edge_0039 import places
from calltrack.migrations.rewriting import Place

_AMONG = "AND m.number_id = ANY (v_among)"


def _since_0039(text: str) -> str:
    for place in places.CHOOSE:
        text = text.replace(place.before, place.after)
    return text


def _mass(name: str, origin: str, share: str, among: str) -> str:
    return f"""
                    LEFT JOIN (
                        SELECT m.number_id, {share}::float8 * ({left("m", SUMS)}) AS mass FROM number_mass m
                        WHERE m.company_id = p_company AND m.pool_id = p_pool AND m.origin = {origin} {among}
                        OFFSET 0
                    ) {name} ON {name}.number_id = s.number_id"""


def _look(oldest: str = "OFFSET 0", among: str = "") -> str:
    masses = _mass("a", "p_source", "0.35", among) + _mass("b", "p_campaign", "0.5", among)
    return f"""
                v_best := ARRAY(
                    SELECT s.number_id FROM (
                        SELECT s.number_id, s.is_far, s.seen_at,
                            {left("s", SUMS)} + {_OWN_RISK} * ({left("s", OWN)}) AS mass
                        FROM number_slot s
                        WHERE {before._RESTED} {oldest}
                    ) s{masses}
                    ORDER BY s.is_far, round(1e9::float8 * (
                        s.mass - COALESCE(a.mass, 0) - COALESCE(b.mass, 0))), s.seen_at, s.number_id
                    LIMIT {_TRIED});
"""


_OLDEST = _since_0039(before._OLDEST)
_SET = " SET enable_bitmapscan TO 'off'\n"
CHOOSE = (
    Place(_since_0039(before._look(before._OLDEST, _AMONG)), _look(_OLDEST, _AMONG)),
    Place(_since_0039(before._look()), _look()),
    Place(_SET, f"{_SET} SET enable_nestloop TO 'off'\n SET enable_mergejoin TO 'off'\n"),
)
