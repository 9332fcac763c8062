"""A page that still remembers a visitor who withdrew consent elsewhere is told so, and opens nothing.

`edge_sign` answers 'refused' to a sign of life, and `edge_open` no visit at all, where the visit that the page
names is refused: whoever agrees again is a new visitor and names none.

Revision 0040.
"""

from calltrack.migrations.rewriting import Place, restore, rewrite

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_IS_REFUSED = "consent ->> 'measure' = 'false'"
_ALLOWS = "consent ->> 'measure' IS DISTINCT FROM 'false'"
_OWN = "WHERE company_id = p_company AND id = p_visit AND site_id = p_site AND visitor_id = p_visitor\n"
_FACTS = "source, medium, campaign, saw_contact, device, is_returning, region INTO v_visit;"
_PAGE = "    IF p_page IS NOT NULL THEN\n"
_NEW = "    o_is_new := o_visit IS NULL;\n"

# Each of these pieces stands in the function exactly as often as told.
CHANGES = {
    "edge_sign": (
        Place(_FACTS, _FACTS.replace(" INTO", ", consent INTO"), 2),
        Place(f"        FROM visit {_OWN}", f"        FROM visit {_OWN}          AND {_ALLOWS}\n"),
        Place(
            _PAGE,
            f"    IF NOT p_left AND v_visit.{_IS_REFUSED} THEN\n        o_state := 'refused';\n        RETURN;\n"
            f"    END IF;\n{_PAGE}",
        ),
    ),
    "edge_open": (
        Place(f"        {_OWN}", f"        {_OWN}          AND {_ALLOWS}\n"),
        Place(
            _NEW,
            f"{_NEW}    IF o_is_new AND p_visitor IS NOT NULL AND EXISTS (\n"
            "        SELECT FROM visit WHERE company_id = p_company AND id = p_visit AND visitor_id = p_visitor\n"
            f"          AND {_IS_REFUSED}) THEN\n        RETURN;\n    END IF;\n",
        ),
    ),
}


def upgrade() -> None:
    rewrite(CHANGES)


def downgrade() -> None:
    restore(CHANGES)
