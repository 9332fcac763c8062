"""Loading a page: as in 0029; the tenant is set by an expression, which costs less than a statement."""

from pathlib import Path

from calltrack.migrations import edge_0029
from calltrack.migrations.edge_0029.giving import _changed

_TENANT = "set_config('app.company_id', p_company::text, true)"
OPEN = _changed(
    (Path(edge_0029.__file__ or "").parent / "open.sql").read_text(),
    (f"    PERFORM {_TENANT};\n", ""),
    ("v_live record;", f"v_live record;\n    v_tenant text := {_TENANT};"),
)
