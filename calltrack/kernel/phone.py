"""Phone numbers: one stored form (E.164), many written ones."""

from dataclasses import dataclass

import phonenumbers

from calltrack.kernel.errors import BadInput

# Countries by their ISO 3166-1 alpha-2 code: those with telephones, and the few places without.
COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS) | {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}
# How `phonenumbers` names codes that belong to no country.
NO_COUNTRY = "001"


@dataclass(frozen=True)
class Digits:
    """A number as the snippet needs it: digits in international and in national writing."""

    international: str
    national: str
    country_code: str = ""


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
    digits = "".join(mark for mark in national if mark.isdigit())
    return Digits(e164.lstrip("+"), digits, str(parsed.country_code))


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


def kind_of(e164: str) -> str:
    """Return what the numbering plan says of a number: `fixed_line`, `mobile`, `premium_rate` ...

    `unknown`: it lies in no range that is known to be in use. `international`: it belongs to no country
    (satellites, ships, networks of the ITU).
    """
    try:
        parsed = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return "unknown"
    if phonenumbers.region_code_for_country_code(parsed.country_code or 0) == NO_COUNTRY:
        return "international"
    return phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(parsed)).lower()


def is_of_known_range(e164: str) -> bool:
    """Tell whether the number lies in a range that one country is known to use."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(e164, None))
    except phonenumbers.NumberParseException:
        return False
