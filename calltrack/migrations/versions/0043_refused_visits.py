"""A page that still remembers a visitor who withdrew consent elsewhere is told so, and opens nothing.

`edge_sign` answers 'refused' to a sign of life, and `edge_open` no visit at all, where the visit that the page
names is refused: whoever agrees again is a new visitor and names none.

Revision 0043.
"""

from alembic import op
from sqlalchemy import text

revision = "0043"
down_revision = "0039"
branch_labels = None
depends_on = None

_IS_REFUSED = "consent ->> 'measure' = 'false'"
_ALLOWS = "consent ->> 'measure' IS DISTINCT FROM 'false'"
_OWN = "WHERE company_id = p_company AND id = p_visit AND site_id = p_site AND visitor_id = p_visitor\n"
_FACTS = "source, medium, campaign, saw_contact, device, is_returning INTO v_visit;"
_PAGE = "    IF p_page IS NOT NULL THEN\n"
_NEW = "    o_is_new := o_visit IS NULL;\n"

# Per function: what stands there, and what takes its place. The text is the one in the database, whichever
# revision wrote it last; each of these pieces stands in it exactly as often as told.
CHANGES = {
    "edge_sign": (
        (_FACTS, _FACTS.replace(" INTO", ", consent INTO"), 2),
        (f"        FROM visit {_OWN}", f"        FROM visit {_OWN}          AND {_ALLOWS}\n", 1),
        (
            _PAGE,
            f"    IF NOT p_left AND v_visit.{_IS_REFUSED} THEN\n        o_state := 'refused';\n        RETURN;\n"
            f"    END IF;\n{_PAGE}",
            1,
        ),
    ),
    "edge_open": (
        (f"        {_OWN}", f"        {_OWN}          AND {_ALLOWS}\n", 1),
        (
            _NEW,
            f"{_NEW}    IF o_is_new AND p_visitor IS NOT NULL AND EXISTS (\n"
            "        SELECT FROM visit WHERE company_id = p_company AND id = p_visit AND visitor_id = p_visitor\n"
            f"          AND {_IS_REFUSED}) THEN\n        RETURN;\n    END IF;\n",
            1,
        ),
    ),
}
_WRITTEN = text(
    "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = :name AND pronamespace = 'public'::regnamespace"
)


def upgrade() -> None:
    for name, changes in CHANGES.items():
        _rewrite(name, changes)


def downgrade() -> None:
    for name, changes in CHANGES.items():
        _rewrite(name, tuple((after, before, count) for before, after, count in reversed(changes)))


def _rewrite(name: str, changes: tuple[tuple[str, str, int], ...]) -> None:
    connection = op.get_bind()
    written = connection.scalars(_WRITTEN, {"name": name}).one()
    for before, after, count in changes:
        if written.count(before) != count:
            raise RuntimeError(
                f"{name} is another one than this revision knows: look for {before.strip()!r}."
            )
        written = written.replace(before, after)
    connection.exec_driver_sql(written.replace("%", "%%"))
