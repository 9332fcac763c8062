"""How many numbers a company may have and what they may cost a month, before one more is bought."""

from collections.abc import Iterable
from dataclasses import dataclass

from calltrack.kernel.money import Money


@dataclass(frozen=True)
class Caps:
    """What an owner set: the most numbers, and the most rent a month in whole units of its currency."""

    most_numbers: int
    most_monthly: int


@dataclass(frozen=True)
class Holding:
    """What the company has and has ordered; a rent that is not known yet is None."""

    rents: tuple[Money | None, ...]


def refusal(caps: Caps, holding: Holding, wanted: Iterable[Money]) -> str | None:
    """Return why no more may be bought, and the next step; None: it may.

    A number whose rent is not known yet counts as dear as the dearest one wanted: a cap must not be passed
    because a price list was away. Rents in another currency count one to one: close enough for a cap.
    """
    more = list(wanted)
    count = len(holding.rents) + len(more)
    if count > caps.most_numbers:
        return (
            f"The company would have {count} numbers; its limit is {caps.most_numbers}. Give numbers back, "
            "or let an owner raise the limit under Settings, Company."
        )
    dearest = max((rent.major() for rent in more), default=None)
    if dearest is None:
        return None
    held = sum(rent.major() if rent is not None else dearest for rent in holding.rents)
    total = held + sum(rent.major() for rent in more)
    if total > caps.most_monthly:
        currency = more[0].currency
        return (
            f"All numbers together would cost {total:.2f} {currency} a month; the limit is "
            f"{caps.most_monthly} {currency}. Give numbers back, or let an owner raise the limit under "
            "Settings, Company."
        )
    return None
