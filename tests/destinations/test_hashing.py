import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.destinations import hashing

# Every hash below was made with `printf '%s' TEXT | sha256sum`, independent of our code.
CLOUDY = "223ebda6f6889b1494551ba902d9d381daf2f642bae055888e96343d53e9f9c4"
ANNA = "35968d1150796b2b64ba9bce513749d507646b849a41f5848d09c1ab78ae918e"
ANNA_CASA = "56e13a0d3163b795108677fe8282fecbccfd27985498b62a472921b65c0f48f0"
MARIO = "5b812b31de9c4714c525bd465022c129e852d3c48638133b9ba66e035c94a22e"
JOSE = "fd77ec53c6567bfa7b9f7110e10d3d985380bd7ab39c134586f9e35e1136f1db"
ROME_PLUS = "77e625149d4cddcfac0deca3151f7188f76e5fdc30302e24d2087a18bdd5dd44"
ROME_DIGITS = "892c1257e5ac9132727c5d7f27d3f9da72a7acfc2bbe948bd4c0f39f2e3a5445"
MOBILE_PLUS = "93687d880c464c14cea5f894ba61f32cb344b4fc4a8b22e65bb5ac7637a1cf5c"
US_PLUS = "1e231c66011e7a2d867a9cfae267a6aff103cf4913640b6e71a99850fc0ffbc8"
US_DIGITS = "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"
BERLIN_PLUS = "a909469fabf3f43d0b7b6c42a85a6e7e8ceb36c7a2f0f1b9c15b80dc16384cb7"
BERLIN_DIGITS = "ac75546db905289f50bd750fd5648fec0719074ce391521b2372abeae9110668"
LONDON_PLUS = "543f9cda443b9c55ebcf8ab34b586f9dc34948776b73de02393c41d5f8edc356"
CLOUDY_KEPT = "8dd4a9bf850242873c14976125edabc35096192b784626a5641a7d2de56e3c1e"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cloudy.sanfrancisco+shopping@gmail.com", CLOUDY),
        ("CloudySanFrancisco@GMAIL.com", CLOUDY),
        (" cloudy.sanfrancisco @gmail.com\n", CLOUDY),
        ("c.l.o.u.d.y.sanfrancisco@gmail.com", CLOUDY),
        ("Mario.Rossi+x@GoogleMail.com", MARIO),
        ("  Anna.Rossi@Example.IT ", ANNA),
        ("anna.rossi@example.it", ANNA),
        ("anna.rossi\u200b@example.it", ANNA),
        ("Anna+Casa@example.it", ANNA_CASA),
        ("José@Exämple.de", JOSE),
        (CLOUDY, CLOUDY),
        (CLOUDY.upper(), CLOUDY),
        ("", None),
        ("   ", None),
        ("no address", None),
        ("@gmail.com", None),
        ("+tag@gmail.com", None),
        ("a@b", None),
        ("a@@example.it", None),
        (None, None),
    ],
)
def test_an_email_is_hashed_as_google_documents_it(text: str | None, expected: str | None) -> None:
    assert hashing.google_email(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cloudy.SanFrancisco+shopping@gmail.com ", CLOUDY_KEPT),
        (" Anna.Rossi@example.it", ANNA),
        (ANNA, ANNA),
        ("", None),
        (None, None),
    ],
)
def test_other_platforms_keep_dots_and_suffix(text: str | None, expected: str | None) -> None:
    assert hashing.plain_email(text) == expected


@pytest.mark.parametrize(
    ("number", "with_plus", "digits"),
    [
        ("+390669940001", ROME_PLUS, ROME_DIGITS),
        (" +39 06 6994-0001 ", ROME_PLUS, ROME_DIGITS),
        ("+1 (650) 555-1212", US_PLUS, US_DIGITS),
        ("+16505551212", US_PLUS, US_DIGITS),
        ("+49 30/123456", BERLIN_PLUS, BERLIN_DIGITS),
    ],
)
def test_a_phone_number_is_hashed_with_plus_for_google_and_without_for_meta(
    number: str, with_plus: str, digits: str
) -> None:
    assert hashing.phone_with_plus(number) == with_plus
    assert hashing.phone_digits(number) == digits


@pytest.mark.parametrize(
    ("number", "expected"), [("+393471234521", MOBILE_PLUS), ("+442079460000", LONDON_PLUS)]
)
def test_more_numbers_with_plus(number: str, expected: str) -> None:
    assert hashing.phone_with_plus(number) == expected


@pytest.mark.parametrize(
    "number",
    [
        None,
        "",
        " ",
        "+",
        "06 69940001",
        "0039066994",
        "+44 (0)20 7946 0000",
        "anonymous",
        "+0123456789",
        "+39",
    ],
)
def test_what_is_no_international_number_is_never_hashed(number: str | None) -> None:
    assert hashing.phone_with_plus(number) is None
    assert hashing.phone_digits(number) is None


@given(st.text(max_size=60))
def test_the_empty_string_is_never_hashed_and_nothing_is_hashed_twice(text: str) -> None:
    for hashed in (
        hashing.google_email,
        hashing.plain_email,
        hashing.phone_with_plus,
        hashing.phone_digits,
    ):
        once = hashed(text)
        assert once != EMPTY
        assert once is None or hashed(once) == once


@given(
    st.text(string.ascii_letters + string.digits + ".", min_size=1, max_size=20),
    st.text(string.ascii_letters, max_size=8),
)
def test_every_way_to_write_one_gmail_address_gives_one_hash(local: str, suffix: str) -> None:
    plain = hashing.google_email(f"{local}@gmail.com")
    assert plain == hashing.google_email(
        f" {local.upper()}+{suffix}@googleMail.com ".replace("googleMail", "gmail")
    )
    assert plain == hashing.google_email(f"{local.replace('.', '')}@gmail.com")
