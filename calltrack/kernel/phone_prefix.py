"""Leading digits of phone numbers: an area, an operator or a country, as `+3902`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata

from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone import NO_COUNTRY

LONGEST = 15
KINDS = (
    "fixed_line", "mobile", "toll_free", "shared_cost", "premium_rate", "voip", "uan", "personal_number",
)  # fmt: skip
# What a number may go on with: numbering plans hang on the next digits, seldom on the last ones.
_NEXT = ("", *(f"{digits:02}" for digits in range(100)))
_ENDINGS = ("2345678912345678", "1" * 16, "5" * 16, "0" * 16, "2" * 16, "9" * 16)


def to_prefix(text: str, country: str | None = None) -> str:
    """Return leading digits of numbers in E.164 (`+3902`), whatever their notation.

    Args:
        text: as a person wrote it: `+39 02`, `0039 02`, or with a country as one dials there (`02`).
        country: ISO country of national notations, such as `IT`.

    Raises:
        BadInput: no number of any country begins so; the text says what to write.
    """
    typed, digits = text.strip(), "".join(mark for mark in text if mark in "0123456789")
    if not digits or re.search(r"[^0-9\s+()./-]", typed) or "+" in typed[1:]:
        raise BadInput(f"{typed[:32]!r} are no leading digits of phone numbers; write them like +3902.")
    if typed.startswith("+") or digits.startswith("00"):
        whole = digits.removeprefix("00") if not typed.startswith("+") else digits
    elif country and (code := phonenumbers.country_code_for_region(country)):
        trunk = phonenumbers.ndd_prefix_for_region(country, True) or ""
        whole = f"{code}{digits.removeprefix(trunk)}"
    else:
        raise BadInput(f"{typed[:32]!r} says no country; write the leading digits like +3902.")
    if len(whole) > LONGEST or not _is_begun(whole):
        raise BadInput(
            f"No phone number begins with +{whole[:24]}. Write the country's code and the area code as it is "
            "dialled from abroad, such as +3902 for Milan or +4989 for Munich."
        )
    return f"+{whole}"


def pretty_prefix(prefix: str) -> str:
    """Return leading digits as people read them: `+39 02`."""
    code, rest = split_prefix(prefix)
    return f"+{code} {rest}".rstrip()


def split_prefix(prefix: str) -> tuple[str, str]:
    """Return the country's code, without a plus, and what follows it; no code: nothing, and all of it."""
    digits = prefix.removeprefix("+")
    code = next((digits[:size] for size in (1, 2, 3) if digits[:size] in _REGIONS), "")
    return code, digits[len(code) :]


def country_of_prefix(prefix: str) -> str | None:
    """Return the ISO country whose numbers begin so, of several the largest; None: no country's do."""
    code, rest = split_prefix(prefix)
    regions = _REGIONS.get(code, ())
    return next((one for one in regions if one != NO_COUNTRY and _has_such(code, one, rest)), None)


def _is_begun(digits: str) -> bool:
    """Tell whether a number of some country begins with these digits (no plus)."""
    code, rest = split_prefix(digits)
    return any(_has_such(code, region, rest) for region in _REGIONS.get(code, ()))


_REGIONS = {str(code): regions for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()}


def _plan(code: str, region: str) -> PhoneMetadata | None:
    if region == NO_COUNTRY:
        return PhoneMetadata.metadata_for_nongeo_region(int(code), None)
    return PhoneMetadata.metadata_for_region(region, None)


def _has_such(code: str, region: str, begun: str) -> bool:
    """Tell whether a plan knows a number that goes on from these digits: an example, or one we make up."""
    plan = _plan(code, region)
    if plan is None or plan.general_desc is None:
        return False
    if not begun:
        return True
    kinds = [
        kind for kind in (getattr(plan, name) for name in KINDS) if kind and kind.national_number_pattern
    ]
    if any((kind.example_number or "").startswith(begun) for kind in kinds):
        return True
    patterns = [re.compile(kind.national_number_pattern) for kind in kinds]
    lengths = plan.general_desc.possible_length
    return any(pattern.fullmatch(number) for number in _going_on(begun, lengths) for pattern in patterns)


def _going_on(begun: str, lengths: tuple[int, ...]) -> Iterator[str]:
    for following in _NEXT:
        for ending in _ENDINGS:
            whole = begun + following + ending
            for length in lengths:
                if length >= len(begun) + len(following):
                    yield whole[:length]
