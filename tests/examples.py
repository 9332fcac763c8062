"""How many examples hypothesis tries: few in the suite, `CALLTRACK_EXAMPLES=10000` for the long proof."""

import os


def examples(usual: int) -> int:
    """Return the usual number of examples, or the one the environment asks for where it is higher."""
    return max(usual, int(os.environ.get("CALLTRACK_EXAMPLES") or 0))
