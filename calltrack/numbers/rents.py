"""What numbers cost a month, from the carrier's own price list."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from calltrack.kernel.money import EXPONENTS, Money
from calltrack.telephony.carrier import NumberPrice


def rent_of(prices: Sequence[NumberPrice], type_: str) -> Money | None:
    """Return the monthly rent of a type of number; None where the carrier tells none."""
    for one in prices:
        if one.type == type_:
            return minor_of(one.monthly, one.currency)
    return None


def minor_of(amount: Decimal, currency: str) -> Money:
    """Return a price in minor units; parts of them are rounded up, so that no cap is passed unseen."""
    scaled = amount.scaleb(EXPONENTS.get(currency, 2))
    return Money(int(scaled.to_integral_value(rounding="ROUND_CEILING")), currency)


@dataclass(frozen=True, slots=True)
class Rents:
    """What some numbers cost a month together; more or fewer of them are reckoned at their mean."""

    together: Money
    numbers: int

    def of(self, numbers: int) -> Money:
        """Return what so many numbers cost a month, to the nearest minor unit."""
        half = self.numbers // 2
        return Money((self.together.minor * numbers + half) // self.numbers, self.together.currency)


def rents_together(rents: Sequence[Money | None]) -> Rents | None:
    """Return what is known of the rents, in the currency most are in; None where none is known."""
    known = [rent for rent in rents if rent is not None]
    if not known:
        return None
    currency = Counter(rent.currency for rent in known).most_common(1)[0][0]
    alike = [rent.minor for rent in known if rent.currency == currency]
    return Rents(Money(sum(alike), currency), len(alike))
