"""Signs that somebody wrote down or printed a number that visitors are only shown for a while.

Evidence is listed, nothing is decided: a person looks at it before the number is given back or moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

# Visitors who noted a number call within days; a call so long after anybody was shown it came from elsewhere.
LONG_AFTER = timedelta(days=7)
MANY_CALLERS = 2


@dataclass(frozen=True)
class Rang:
    """A call: when, from whom (a keyed hash; None: withheld), and until when the number was last shown."""

    at: datetime
    caller: bytes | None
    shown_until: datetime | None


@dataclass(frozen=True)
class Evidence:
    """Calls that no visit explains. strength: none, a hint, or likely."""

    strength: Literal["none", "hint", "likely"]
    calls: tuple[Rang, ...]

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        if self.strength == "none":
            return (
                "No call came long after the number was last shown: nothing says that it is printed anywhere."
            )
        count = len(self.calls)
        calls = "1 call" if count == 1 else f"{count} calls"
        end = "it seems to be printed or shown on another page" if self.strength == "likely" else (
            "somebody may have printed or saved it"
        )  # fmt: skip
        return f"{calls} came more than {LONG_AFTER.days} days after anybody was shown the number: {end}."


def evidence(calls: Sequence[Rang]) -> Evidence:
    """Return the calls that came long after the number was shown, and how much they say together.

    Calls of one caller count once: he saved the number. Two who know it from nowhere read it somewhere. A
    withheld caller counts as one of his own.
    """
    late = tuple(
        call for call in calls if call.shown_until is None or call.at - call.shown_until > LONG_AFTER
    )
    if not late:
        return Evidence("none", ())
    known = {call.caller for call in late if call.caller is not None}
    others = any(call.caller is None for call in late)
    return Evidence("likely" if len(known) + others >= MANY_CALLERS else "hint", late)
