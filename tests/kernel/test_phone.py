"""Phone numbers in any notation become one stored form."""

import pytest

from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone import country_of, digits_of, masked, pretty, to_e164


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("+39 06 6994 0001", None, "+390669940001"),
        ("0039 06 69940001", "IT", "+390669940001"),
        ("06/6994.0001", "IT", "+390669940001"),
        ("(06) 6994-0001", "IT", "+390669940001"),
        ("347 123 4567", "IT", "+393471234567"),
        ("030 901820", "DE", "+4930901820"),
        ("+49 (0)30 901820", None, "+4930901820"),
        ("(212) 555-2368", "US", "+12125552368"),
        ("+44 (0) 20 7946 0018", None, "+442079460018"),
    ],
)
def test_every_notation_is_one_number(text: str, country: str | None, e164: str) -> None:
    assert to_e164(text, country) == e164


@pytest.mark.parametrize("text", ["", "abc", "06", "+39 1", "+3906" + "1" * 20, "\x00", "+"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        to_e164(text, "IT")


@pytest.mark.parametrize(
    ("e164", "international", "national"),
    [
        ("+390669940001", "390669940001", "0669940001"),
        ("+393471234567", "393471234567", "3471234567"),
        ("+4930901820", "4930901820", "030901820"),
        ("+12125552368", "12125552368", "2125552368"),
        ("+33142685300", "33142685300", "0142685300"),
    ],
)
def test_the_snippet_gets_both_writings(e164: str, international: str, national: str) -> None:
    assert (digits_of(e164).international, digits_of(e164).national) == (international, national)


def test_the_middle_of_a_masked_number_is_hidden() -> None:
    assert masked("+393471234567") == "+39 347 ••• ••67"
    assert "1234" not in masked("+12125551234").replace(" ", "").replace("-", "")


def test_a_number_knows_its_country() -> None:
    assert [country_of(number) for number in ("+390669940001", "+12125552368", "nonsense")] == [
        "IT",
        "US",
        None,
    ]
    assert pretty("+390669940001") == "+39 06 6994 0001"
