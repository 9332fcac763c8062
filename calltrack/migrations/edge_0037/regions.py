"""What 0029 made, with the region of the visit: whole definitions by a few changed places."""

from pathlib import Path
from typing import Final

from calltrack.migrations import edge_0029
from calltrack.migrations.edge_0029 import giving

_FOLDER = Path(edge_0029.__file__ or "").parent


def _changed(function: str, *changes: tuple[str, str]) -> str:
    """Return a function with these places changed; each must be there once."""
    for old, new in changes:
        if function.count(old) != 1:
            raise ValueError(f"not there once: {old}")
        function = function.replace(old, new)
    return function


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text()


BEFORE: Final = {
    "edge_give": giving.GIVE,
    "edge_number": _text("number"),
    "edge_open": _text("open"),
    "edge_sign": _text("sign"),
}

_SEEN = "saw_contact, device, is_returning INTO"

NOW: Final = {
    "edge_give": _changed(
        BEFORE["edge_give"],
        ("p_device text, p_returning boolean,", "p_device text, p_returning boolean, p_region text,"),
        ("origin, device, is_returning)", "origin, device, is_returning, region)"),
        ("p_campaign, p_device, p_returning)", "p_campaign, p_device, p_returning, p_region)"),
    ),
    "edge_number": _changed(
        BEFORE["edge_number"],
        ("-- p_device, p_returning: of", "-- p_device, p_returning, p_region: of"),
        ("boolean DEFAULT NULL,", "boolean DEFAULT NULL, p_region text DEFAULT NULL,"),
        ("origin, device, is_returning)", "origin, device, is_returning, region)"),
        ("p_campaign, p_device, p_returning);", "p_campaign, p_device, p_returning, p_region);"),
        ("v_screen, v_now, p_device, p_returning);", "v_screen, v_now, p_device, p_returning, p_region);"),
    ),
    "edge_open": _changed(
        BEFORE["edge_open"],
        ("p_now timestamptz,\n", "p_now timestamptz, p_region text DEFAULT NULL,\n"),
        (_SEEN, "saw_contact, device, is_returning, region INTO"),
        ("v_returns := v_live.is_returning;", "v_returns := v_live.is_returning; p_region := v_live.region;"),
        ("            saw_contact)\n", "            saw_contact, region)\n"),
        ("p_device, v_returns, v_contact);", "p_device, v_returns, v_contact, p_region);"),
        ("            p_device, v_returns);", "            p_device, v_returns, p_region);"),
    ),
    "edge_sign": _changed(
        BEFORE["edge_sign"].replace(_SEEN, "saw_contact, device, is_returning, region INTO"),
        ("            is_returning, saw_contact)\n", "            is_returning, saw_contact, region)\n"),
        ("            true, v_contact\n", "            true, v_contact, region\n"),
        ("v_visit.device, v_visit.is_returning);", "v_visit.device, v_visit.is_returning, v_visit.region);"),
    ),
}  # fmt: skip
