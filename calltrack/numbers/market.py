"""Looking for numbers to buy: what is for sale, what it costs, what the law asks. Network, no database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calltrack.kernel.errors import BadInput, Conflict
from calltrack.kernel.money import Money
from calltrack.kernel.phone import COUNTRIES, pretty
from calltrack.kernel.phone_prefix import country_of_prefix, split_prefix
from calltrack.numbers.papers import Papers, missing, usual_need
from calltrack.numbers.rents import rent_of
from calltrack.numbers.rules import is_far
from calltrack.telephony.carrier import Carrier, NotFound, NumberSearch, NumberType, OfferedNumber
from calltrack.telephony.carrier_numbers import AddressNeeded

TYPES: tuple[NumberType, ...] = ("local", "toll_free", "mobile", "national")


@dataclass(frozen=True)
class Offer:
    """What a search found, and all that must be known before one of the numbers is bought."""

    search: NumberSearch
    numbers: tuple[OfferedNumber, ...]
    rent: Money | None
    papers: Papers

    @property
    def address_needed(self) -> AddressNeeded:
        """The strictest need of an address among the numbers."""
        return usual_need([one.address_needed for one in self.numbers])

    @property
    def missing(self) -> tuple[str, ...]:
        """What stands in the way for good: papers that the account does not have at all."""
        address = next(iter(self.papers.addresses), None)
        bundle = next(iter(self.papers.approved), None)
        return tuple(
            missing(
                self.papers,
                "none" if address else self.address_needed,
                None,
                bundle.sid if bundle else None,
            )
        )


def search_of(
    country: str,
    type_: str,
    *,
    contains: str = "",
    locality: str = "",
    area_code: str = "",
    sms: bool = False,
    most: int = 20,
) -> NumberSearch:
    """Read what somebody looks for.

    Raises:
        BadInput: an unknown country or type, or digits no carrier can search for.
    """
    code = country.strip().upper()
    if code not in COUNTRIES:
        raise BadInput(f"{country[:16]!r} is not a country; write two letters such as IT.")
    if type_ not in TYPES:
        raise BadInput(f"A number is {', '.join(TYPES)}.")
    digits = "".join(mark for mark in contains if mark.isdigit() or mark == "*")
    if contains.strip() and (len(digits) < 2 or "*" in digits.strip("*")):
        raise BadInput("Search for at least two digits; a star may stand at the beginning or the end only.")
    area = area_code.strip()
    if area and (code not in ("US", "CA") or not (area.isdecimal() and len(area) == 3)):
        raise BadInput("An area code has three digits, and is for the United States and Canada only.")
    return NumberSearch(
        country=code,
        type=type_,
        contains=digits or None,
        locality=" ".join(locality.split())[:80] or None,
        area_code=area or None,
        sms=sms,
        most=max(1, min(most, 50)),
    )


def search_near(prefix: str) -> dict[str, str]:
    """Return what to type into a search for numbers that begin so; nothing where no country's do.

    A carrier knows area codes in North America only; elsewhere it looks for the digits anywhere in a number.
    """
    country, (_, rest) = country_of_prefix(prefix), split_prefix(prefix)
    if country is None:
        return {}
    if country in ("US", "CA") and len(rest) >= 3:
        return {"country": country, "area_code": rest[:3]}
    return {"country": country} | ({"contains": prefix.lstrip("+")} if rest else {})


def near_first(offer: Offer, near: Sequence[str]) -> Offer:
    """Return an offer with the numbers a pool prefers before the others."""
    numbers = sorted(offer.numbers, key=lambda one: is_far(one.e164, near))
    return replace(offer, numbers=tuple(numbers))


def look_around(carrier: Carrier, search: NumberSearch) -> Offer:
    """Return what is for sale with its rent and papers; raises CarrierError.

    A country or type the carrier does not sell gives an offer without numbers.
    """
    try:
        numbers = tuple(carrier.search_numbers(search))
    except NotFound:
        numbers = ()
    return Offer(search, numbers, rent(carrier, search.country, search.type), papers(carrier, search))


def look_at(carrier: Carrier, numbers: Sequence[str], country: str, type_: NumberType) -> list[Offer]:
    """Look for these very numbers before they are ordered; each offer holds one.

    Raises:
        CarrierError: the carrier does not answer, or says no.
        Conflict: one of them is not for sale (any more).
    """
    found = []
    for e164 in numbers:
        search = NumberSearch(country=country, type=type_, contains=e164.lstrip("+"), most=5)
        try:
            exact = [one for one in carrier.search_numbers(search) if one.e164 == e164]
        except NotFound:
            exact = []
        if not exact:
            raise Conflict(
                f"{pretty(e164)} is not for sale (any more): search again and choose another number."
            )
        found.append((search, exact[0]))
    price, asked = rent(carrier, country, type_), papers(carrier, found[0][0])
    return [Offer(search, (number,), price, asked) for search, number in found]


def rent(carrier: Carrier, country: str, type_: str) -> Money | None:
    """Return what such a number costs a month; None where the carrier has no price for it."""
    try:
        return rent_of(carrier.prices(country), type_)
    except NotFound:
        return None


def papers(carrier: Carrier, search: NumberSearch) -> Papers:
    """Return what the law asks, and what the account has of it."""
    return Papers(
        search.country,
        search.type,
        tuple(carrier.regulations(search.country, search.type)),
        tuple(carrier.addresses()),
        tuple(carrier.bundles(search.country, search.type)),
    )
