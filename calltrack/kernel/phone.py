"""Phone numbers: one stored form (E.164), many written ones."""

from dataclasses import dataclass

import phonenumbers

from calltrack.kernel.errors import BadInput

# Countries by their ISO 3166-1 alpha-2 code: those with telephones, and the few places without.
COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS) | {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}


@dataclass(frozen=True)
class Digits:
    """A number as the snippet needs it: digits in international and in national writing."""

    international: str
    national: str


def to_e164(text: str, country: str | None = None) -> str:
    """Return the E.164 form (`+390669940001`) of a number in any notation.

    Args:
        text: the number as a person wrote it.
        country: ISO country of national notations, such as `IT`.

    Raises:
        BadInput: it is not a possible phone number.
    """
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        raise BadInput(
            f"{text[:32]!r} is not a phone number; write it like +390669940001 or with a country."
        ) from None
    # A number without its area code is "possible" too, but in E.164 it would be somebody else's.
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise BadInput(f"{text[:32]!r} is too short or too long for its country; check the digits.")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def digits_of(e164: str) -> Digits:
    """Return the international digits (no plus) and the national digits with the country's trunk prefix."""
    parsed = phonenumbers.parse(e164, None)
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return Digits(e164.lstrip("+"), "".join(mark for mark in national if mark.isdigit()))


def pretty(e164: str) -> str:
    """Return the number in international notation with blanks, for people."""
    try:
        return phonenumbers.format_number(
            phonenumbers.parse(e164, None), phonenumbers.PhoneNumberFormat.INTERNATIONAL
        )
    except phonenumbers.NumberParseException:
        return e164


def masked(e164: str) -> str:
    """Return the number with its middle hidden: `+39 347 ••••• 21`."""
    shown = pretty(e164)
    digits = [place for place, mark in enumerate(shown) if mark.isdigit()]
    hidden = set(digits[5:-2])
    return "".join("•" if place in hidden else mark for place, mark in enumerate(shown))


def country_of(e164: str) -> str | None:
    """Return the ISO country of a number, None where it has none (toll-free international, satellite).

    A number in no known range of a code that countries share counts for the largest of them: +44 is GB.
    """
    try:
        parsed = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return None
    exact = phonenumbers.region_code_for_number(parsed)
    found = exact or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return found if found in COUNTRIES else None
