"""A stored event without its caller: pure, and the same for an event that was rewritten before."""

from typing import Any, Final

NAMING: Final = ("from_", "caller_city", "forwarded_from", "text")


def nameless(plain: dict[str, Any]) -> dict[str, Any]:
    """Return an event's stored values as if the caller had withheld the number."""
    return {name: value for name, value in plain.items() if name not in NAMING} | {"from_withheld": True}
