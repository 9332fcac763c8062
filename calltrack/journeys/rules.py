"""Who is one person: a caller and a visitor whom a call binds together."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

# From this probability a visit's browser is taken to be the caller's own.
SURE_ENOUGH = 0.8
# How sure it is that whoever types a number into a form calls from it.
TYPED = 0.95
# An e-mail address typed in more browsers than a person has is an office's, or a joke.
MOST_BROWSERS = 10
# So many browsers are a crowd: each of them is compared with one person, not with each other.
CROWD = 50


@dataclass(frozen=True)
class Known:
    """A person who is already on file."""

    id: UUID
    since: datetime


@dataclass(frozen=True)
class Binding:
    """What one call says about persons: which one stays, and which one, if any, becomes part of it."""

    keep: Known | None
    absorb: Known | None = None


def is_sure(probability: float) -> bool:
    """Tell whether a verdict is sure enough to call visitor and caller one person."""
    return probability >= SURE_ENOUGH


def bind(by_caller: Known | None, by_visitor: Known | None) -> Binding:
    """Return the person behind a call, from whom its caller and its visitor are known to be.

    The older of two persons stays; of two equally old ones the smaller id. The order of the arguments
    does not matter.
    """
    known = sorted({one for one in (by_caller, by_visitor) if one}, key=lambda one: (one.since, one.id))
    if not known:
        return Binding(keep=None)
    return Binding(keep=known[0], absorb=known[1] if len(known) > 1 else None)
