"""What a page tells, each one statement, one round trip, one transaction: loaded, alive or left, tapped.

The functions run with the rights of the caller (SECURITY INVOKER), so row-level security holds inside them;
each sets the tenant for its own transaction first. p_now is for tests, else it is the clock's.
"""

from pathlib import Path

_HERE = Path(__file__).parent
NEW = tuple((_HERE / f"{name}.sql").read_text() for name in ("number", "open", "sign", "tapped"))
EARLIER = tuple((_HERE / f"earlier_{name}.sql").read_text() for name in ("visit", "beat", "tap"))
# Nobody uses these any more: the words of 0002, and the choice of the number that idled longest.
UNUSED = (
    "edge_visit(uuid, uuid, uuid, uuid, uuid[], uuid[], uuid[], boolean[], text, text, text, text, text, "
    "text, text, text, jsonb, jsonb, jsonb, text, text, text, text, text)",
    "edge_beat(uuid, uuid, uuid, uuid, uuid[], text)",
    "edge_tap(uuid, uuid, uuid, text)",
    "edge_lease(uuid, uuid, uuid, boolean, uuid, uuid, boolean)",
)
