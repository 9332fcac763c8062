"""Leading digits of phone numbers."""

import phonenumbers
import pytest

from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone_prefix import country_of_prefix, pretty_prefix, to_prefix

KINDS = phonenumbers.PhoneNumberType


@pytest.mark.parametrize(
    ("typed", "country", "prefix"),
    [
        ("+3902", None, "+3902"), (" +39 02 ", "DE", "+3902"), ("0039 (02)", None, "+3902"),
        ("+49-89", None, "+4989"), ("+39", None, "+39"), ("+1 212", None, "+1212"),
        ("02", "IT", "+3902"), ("089", "DE", "+4989"), ("0171", "DE", "+49171"), ("(212)", "US", "+1212"),
        ("+390694000001", None, "+390694000001"),
    ],
)  # fmt: skip
def test_leading_digits_in_any_notation(typed: str, country: str | None, prefix: str) -> None:
    assert to_prefix(typed, country) == prefix


@pytest.mark.parametrize(
    ("typed", "country", "says"),
    [
        ("", "IT", "no leading digits"), ("Milano", "IT", "no leading digits"),
        ("+39+02", None, "no leading digits"), ("+39 ٠٢", None, "no leading digits"),
        ("02", None, "says no country"), ("02", "XX", "says no country"),
        ("+49089", None, "such as +3902"), ("+4", None, "begins with +4"), ("+999", None, "begins with +999"),
        ("+03902", None, "begins with +03902"), ("+1999", None, "begins with +1999"),
        ("+33 0", None, "begins with +330"), ("+3902123456789012", None, "begins with +3902"),
    ],
)  # fmt: skip
def test_what_no_number_begins_with_is_refused(typed: str, country: str | None, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        to_prefix(typed, country)
    assert says in str(refused.value)


@pytest.mark.parametrize("kind", [KINDS.FIXED_LINE, KINDS.MOBILE, KINDS.TOLL_FREE])
def test_every_beginning_of_a_number_that_exists_is_one(kind: int) -> None:
    for region in phonenumbers.SUPPORTED_REGIONS:
        if (example := phonenumbers.example_number_for_type(region, kind)) is not None:
            e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            for size in range(len(f"+{example.country_code}"), len(e164) + 1):
                assert to_prefix(e164[:size]) == e164[:size]


def test_people_read_it_with_its_country_apart() -> None:
    shown = [pretty_prefix(one) for one in ("+39", "+3902", "+12125")]
    assert shown == ["+39", "+39 02", "+1 2125"]
    found = [country_of_prefix(one) for one in ("+39", "+4989", "+1212", "+1416", "+800", "+999")]
    assert found == ["IT", "DE", "US", "CA", None, None]
