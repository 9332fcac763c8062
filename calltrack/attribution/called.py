"""Which visits have called, as good as surely: nobody waits for their call any more."""

from calltrack.attribution.facts import Posterior

SURELY_CALLED = 0.9


def surely_called(found: Posterior) -> list[str]:
    """Return the visits that made the call at least as surely as that."""
    return [one.visit for one in found.candidates if one.visit and one.p >= SURELY_CALLED]
