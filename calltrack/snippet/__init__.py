"""The website snippet: one small script that shows a visitor her own tracking number."""

from pathlib import Path

BUILT = Path(__file__).with_name("dist") / "ct.js"


def script() -> bytes:
    """Return the built snippet as the edge serves it at /ct.js."""
    return BUILT.read_bytes()
