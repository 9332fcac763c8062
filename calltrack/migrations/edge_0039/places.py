"""What stood there before, what stands there now, and how often it stands there."""

from dataclasses import replace

from calltrack.migrations.rewriting import Place


def _screen(seconds: str) -> str:
    """Return how long a lease `l` of a pool `p` is on screen after a sign of life, as its page was told."""
    return (
        f"make_interval(secs => CASE WHEN l.shown_from < p.longer_before "
        f"THEN GREATEST(p.lease_seconds, p.longer_seconds) ELSE {seconds} END) AS screen"
    )


# Among the numbers that have rested near ones come first, and so among those that rest.
_RESTING = Place(
    "ORDER BY s.busy_until > v_now - p_rest,", "ORDER BY s.busy_until > v_now - p_rest, s.is_far,"
)
CHOOSE = (
    _RESTING,
    Place("SELECT s.number_id, s.seen_at,", "SELECT s.number_id, s.is_far, s.seen_at,", 2),
    Place("SELECT m.number_id, NULL,", "SELECT m.number_id, NULL, NULL,", 4),
    Place("ORDER BY round(", "ORDER BY bool_or(x.is_far), round(", 2),
    Place("ORDER BY s.given_at NULLS FIRST,", "ORDER BY s.is_far, s.given_at NULLS FIRST,", 2),
)
CHOOSE_LATE = (replace(_RESTING, times=2),)

# Pages that were told to show a sign of life more rarely hold their numbers longer.
NUMBER = (
    Place(
        "v_screen interval; v_rest interval;",
        "v_screen interval; v_longer interval; v_before timestamptz; v_from timestamptz; v_rest interval;",
    ),
    Place(
        """
    SELECT make_interval(secs => lease_seconds), make_interval(secs => cooldown_seconds) INTO v_screen, v_rest
    FROM pool WHERE company_id = p_company AND id = p_pool;
    IF NOT FOUND THEN RETURN; END IF;
""",
        """
    SELECT make_interval(secs => lease_seconds), make_interval(secs => cooldown_seconds),
        make_interval(secs => GREATEST(lease_seconds, longer_seconds)), longer_before
    INTO v_screen, v_rest, v_longer, v_before
    FROM pool WHERE company_id = p_company AND id = p_pool;
    IF NOT FOUND THEN RETURN; END IF;
    IF v_now < v_before THEN v_screen := v_longer; END IF;
""",
    ),
    Place(
        """
        SELECT l.id, l.number_id, l.shown_until, l.is_overflow, t.kind, t.e164
        INTO v_last, v_number, v_until, o_shared, v_kind, o_number
""",
        """
        SELECT l.id, l.number_id, l.shown_from, l.shown_until, l.is_overflow, t.kind, t.e164
        INTO v_last, v_number, v_from, v_until, o_shared, v_kind, o_number
""",
    ),
    Place(
        "edge_seen(p_company, v_number, v_last, v_until, v_screen, v_now,",
        "edge_seen(p_company, v_number, v_last, v_until,\n"
        "                CASE WHEN v_from < v_before THEN v_longer ELSE v_screen END, v_now,",
    ),
)
SIGN = (Place("make_interval(secs => p.lease_seconds) AS screen", _screen("p.lease_seconds")),)
_OR_USUAL = "COALESCE(p.lease_seconds, 75)"
TAPPED = (Place(f"make_interval(secs => {_OR_USUAL}) AS screen", _screen(_OR_USUAL)),)

CHANGED = {
    "edge_choose": CHOOSE,
    "edge_choose_late": CHOOSE_LATE,
    "edge_number": NUMBER,
    "edge_sign": SIGN,
    "edge_tapped": TAPPED,
}
