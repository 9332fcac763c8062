"""How the verdict before sending is kept with a delivery, apart from what happens to it later."""

from datetime import datetime
from typing import Any, Final

from calltrack.destinations.outcomes import Verdict

# The code of withheld deliveries that were planned to go and were held back afterwards.
AFTERWARDS: Final = "AFTERWARDS"
# ... and of those planned before verdicts were kept.
NOT_KEPT: Final = "NOT_KEPT"


def columns_of(verdict: Verdict, now: datetime) -> dict[str, Any]:
    """Return the columns of `delivery` that keep a verdict given at `now`."""
    return {
        "preflight": verdict.decision,
        "preflight_code": verdict.code,
        "preflight_reason": verdict.reason,
        "preflight_until": verdict.until,
        "preflight_at": now,
    }
