"""How much a company lets be put through in a day, and when that is enough."""

from dataclasses import dataclass

NEAR = 0.8
LONGEST_CALL = 4 * 3600


@dataclass(frozen=True)
class Caps:
    """The most of one of the company's days (by its own clock)."""

    calls_per_number: int
    minutes_per_number: int
    calls_per_company: int
    minutes_per_company: int


@dataclass(frozen=True)
class Used:
    """What was put through today: calls that rang a line, and minutes as the carrier bills them."""

    calls: int = 0
    minutes: int = 0

    def most(self, other: "Used") -> "Used":
        """Return the larger of two counts of the same thing (each may miss what the other saw)."""
        return Used(max(self.calls, other.calls), max(self.minutes, other.minutes))


def billed_minutes(seconds: float) -> int:
    """Return whole minutes, each begun one counted; a call that lasts is counted up to four hours."""
    return -(-int(min(max(seconds, 1), LONGEST_CALL)) // 60)


def reached(caps: Caps, number: Used, company: Used) -> str | None:
    """Return which cap is reached, in words; None: another call may be put through."""
    return next((words for words, used, most in _compared(caps, number, company) if used >= most), None)


def is_near(caps: Caps, number: Used, company: Used) -> bool:
    """Tell whether four fifths of a cap are used."""
    return any(used >= most * NEAR for _, used, most in _compared(caps, number, company))


def _compared(caps: Caps, number: Used, company: Used) -> tuple[tuple[str, int, int], ...]:
    return (
        (f"{caps.calls_per_number} calls on this number", number.calls, caps.calls_per_number),
        (f"{caps.minutes_per_number} minutes on this number", number.minutes, caps.minutes_per_number),
        (f"{caps.calls_per_company} calls of the company", company.calls, caps.calls_per_company),
        (f"{caps.minutes_per_company} minutes of the company", company.minutes, caps.minutes_per_company),
    )
