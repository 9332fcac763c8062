"""Where calls may be put through: against toll fraud, which earns by calls to dear numbers far away.

A forwarding number must lie in an allowed country and be an ordinary line. What is refused, and the countries
allowed from the start, are documented in docs/abuse.md.
"""

from collections.abc import Collection

from calltrack.kernel.phone import country_of, is_of_known_range, kind_of

# Ordinary lines there cost little, and few of their ranges are known for fraud. Others are a setting away.
USUAL_COUNTRIES = frozenset(
    (
        "AT", "BE", "CA", "CH", "DE", "DK", "ES", "FI", "FR",
        "GB", "IE", "IT", "LU", "NL", "NO", "PT", "SE", "US",
    )
)  # fmt: skip
REFUSED_KINDS = {
    "premium_rate": "it is a premium-rate number",
    "shared_cost": "it is a shared-cost number",
    "personal_number": "it is a personal number, which forwards at a rate nobody sees beforehand",
    "pager": "it is a pager",
    "uan": "it is a company-wide access number with a rate of its own",
    "voicemail": "it is a mailbox of the network",
    "international": "it belongs to no country (satellite, ships, international services)",
}  # fmt: skip
# Dear ranges that the numbering tables do not know as such: Italian 178 (personal) and 892, 895 (premium).
DEAR_PREFIXES = ("+39178", "+39892", "+39895")


def allowed_countries(own: str, chosen: Collection[str]) -> frozenset[str]:
    """Return the countries a company may forward to: those it chose, else its own and the usual ones."""
    return frozenset(chosen) if chosen else USUAL_COUNTRIES | {own}


def refusal(e164: str, countries: Collection[str]) -> str | None:
    """Return why no call may be put through to a number; None: it may.

    A number of no known range is let pass: tables lag behind, and a business's line must not go dead for it.
    """
    kind = kind_of(e164)
    if kind in REFUSED_KINDS:
        return REFUSED_KINDS[kind]
    if e164.startswith(DEAR_PREFIXES):
        return "it lies in a range of dear numbers"
    country = country_of(e164)
    if country is None:
        return REFUSED_KINDS["international"]
    if country not in countries:
        return f"it is in {country}, and that country is not allowed"
    return None


def refusal_of_new(e164: str, countries: Collection[str]) -> str | None:
    """Return why a number cannot be set as a forwarding number; stricter than `refusal`.

    Somebody types it and can be asked again, so a number of no known range is refused: behind shared codes
    (+1, +44) and among service numbers most of these are dear.
    """
    found = refusal(e164, countries)
    if found is None and not is_of_known_range(e164):
        return "it lies in no range that is known to be in use; check the digits"
    return found
