"""Loading a page: as in 0037; the tenant is set by an expression, which costs less than a statement."""

from calltrack.migrations.edge_0029.giving import _changed
from calltrack.migrations.edge_0037.regions import NOW

_TENANT = "set_config('app.company_id', p_company::text, true)"
OPEN = _changed(
    NOW["edge_open"],
    (f"    PERFORM {_TENANT};\n", ""),
    ("v_live record;", f"v_live record;\n    v_tenant text := {_TENANT};"),
)
