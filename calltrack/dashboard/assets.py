"""Addresses of style sheets, scripts and icons: they change with the content, so browsers may keep them."""

import hashlib
from functools import cache
from pathlib import Path

from flask import url_for

FOLDER = Path(__file__).parent / "static"


def asset(name: str) -> str:
    """Return the address of a file in `static/`, with its content's hash."""
    return url_for("dashboard.static", filename=name, v=_version(name))


@cache
def _version(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]
