"""What the law asks before a number may be bought, and what of it is missing.

What is asked comes from the carrier each time (regulations, the number's own need of an address); nothing
about any country stands here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from calltrack.telephony.carrier import Bundle, CarrierAddress, Regulation
from calltrack.telephony.carrier_numbers import AddressNeeded

ADDRESS_WORDS: dict[AddressNeeded, str] = {
    "none": "No address is needed.",
    "any": "An address is needed, in any country.",
    "local": "An address in the number's own area is needed, such as one in Rome for a number of Rome.",
    "foreign": "An address outside the number's country is needed.",
}
CONSOLE = "Twilio console, Regulatory compliance"


@dataclass(frozen=True)
class Papers:
    """What the law asks for numbers of one country and type, and what the account has of it."""

    country: str
    type: str
    regulations: tuple[Regulation, ...]
    addresses: tuple[CarrierAddress, ...]
    bundles: tuple[Bundle, ...]

    @property
    def approved(self) -> tuple[Bundle, ...]:
        """Bundles an order may name."""
        return tuple(bundle for bundle in self.bundles if bundle.is_approved)

    @property
    def documents(self) -> tuple[str, ...]:
        """Everything asked of a business, in the carrier's words; of anybody where it names no business."""
        business = [one for one in self.regulations if one.end_user == "business"] or self.regulations
        return tuple(dict.fromkeys(need for one in business for need in one.needs))


def fitting(papers: Papers, needed: AddressNeeded) -> tuple[CarrierAddress, ...]:
    """Return the account's addresses that can satisfy the need, as far as the country tells."""
    if needed == "local":
        return tuple(one for one in papers.addresses if one.country == papers.country)
    if needed == "foreign":
        return tuple(one for one in papers.addresses if one.country != papers.country)
    return papers.addresses if needed == "any" else ()


def missing(
    papers: Papers, needed: AddressNeeded, address_sid: str | None, bundle_sid: str | None
) -> list[str]:
    """Return what must be done before the purchase, a sentence each; an empty list: nothing."""
    said = []
    if papers.regulations:
        said += _bundle(papers, bundle_sid)
    elif bundle_sid and bundle_sid not in {one.sid for one in papers.bundles}:
        said.append("The account has no such bundle; leave it out, this number needs none.")
    if needed != "none" or address_sid:
        said += _address(papers, needed, address_sid)
    return said


def _bundle(papers: Papers, sid: str | None) -> list[str]:
    asked = "; ".join(papers.documents) or "see the regulation there"
    if sid is None:
        if papers.approved:
            return ["The law asks for papers with this number: choose an approved bundle."]
        return [_hand_in(papers, asked)]
    chosen = next((one for one in papers.bundles if one.sid == sid), None)
    if chosen is None:
        return [
            f"The account has no bundle {sid[:34]} for {papers.country} {papers.type} numbers. Choose one of "
            f"its own, or hand one in ({CONSOLE}, Bundles) with: {asked}."
        ]
    if not chosen.is_approved:
        return [
            f"The bundle {chosen.name} is {chosen.status}; only an approved one buys a number. Wait for its "
            "review, or choose another one."
        ]
    return []


def _hand_in(papers: Papers, asked: str) -> str:
    waiting = [one for one in papers.bundles if not one.is_approved]
    if waiting:
        states = ", ".join(f"{one.name} is {one.status}" for one in waiting)
        return (
            f"The law asks for an approved bundle of papers with {papers.country} {papers.type} numbers, and "
            f"yours is not approved yet: {states}. Wait for its review, or correct it ({CONSOLE}, Bundles)."
        )
    return (
        f"The law asks for a bundle of papers with {papers.country} {papers.type} numbers, and the account "
        f"has none. Hand one in ({CONSOLE}, Bundles) with: {asked}. Buy once it is approved."
    )


def _address(papers: Papers, needed: AddressNeeded, sid: str | None) -> list[str]:
    fits = fitting(papers, needed)
    if sid is None:
        if fits:
            return [f"{ADDRESS_WORDS[needed]} Choose one of the account's addresses."]
        return [
            f"{ADDRESS_WORDS[needed]} The account has none that fits: add one first ({CONSOLE}, Addresses)."
        ]
    chosen = next((one for one in papers.addresses if one.sid == sid), None)
    if chosen is None:
        return [f"The account has no address {sid[:34]}; choose one of its own."]
    if needed in ("local", "foreign") and chosen not in fits:
        return [f"{ADDRESS_WORDS[needed]} {chosen.name} ({chosen.city}, {chosen.country}) does not fit."]
    return []


def usual_need(offered: Sequence[AddressNeeded]) -> AddressNeeded:
    """Return the strictest need of an address among numbers offered, to be told before one is chosen."""
    order: tuple[AddressNeeded, ...] = ("local", "foreign", "any", "none")
    return next((need for need in order if need in offered), "none")
