"""The website snippet: one small script that shows a visitor her own tracking number."""

import base64
import hashlib
from pathlib import Path

STRENGTH = ("sha256", "sha384", "sha512")
BUILT = Path(__file__).with_name("dist") / "ct.js"


def script() -> bytes:
    """Return the built snippet as the edge serves it at /ct.js."""
    return BUILT.read_bytes()


def version_of(built: bytes) -> str:
    """Name a build by its bytes: the same name is the same script for ever."""
    return hashlib.sha256(built).hexdigest()[:16]


def pinned_path(built: bytes) -> str:
    """Return the address of exactly this build; it never changes what it answers."""
    return f"/v1/s/{version_of(built)}.js"


def integrity_of(built: bytes) -> str:
    """Return what the tag's `integrity` says of this build (Subresource Integrity)."""
    return "sha384-" + base64.b64encode(hashlib.sha384(built).digest()).decode()


def integrity_fits(integrity: str, built: bytes) -> bool:
    """Say whether a browser would run these bytes: of the strongest kind of hash one must be theirs."""
    named = [word.partition("?")[0].partition("-") for word in integrity.split()]
    known = [(kind, told) for kind, _, told in named if kind in STRENGTH]
    if not known:
        return True  # as browsers do with what they do not know
    strongest = max((kind for kind, _ in known), key=STRENGTH.index)
    real = base64.b64encode(hashlib.new(strongest, built).digest()).decode()
    return any(told == real for kind, told in known if kind == strongest)
