"""Amounts people type become exact minor units."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import EXPONENTS, LARGEST_MINOR, Money, parse_money


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("850", "EUR", 85000),
        ("850.5", "eur", 85050),
        ("850,50", "EUR", 85050),
        ("1.234,50", "EUR", 123450),
        ("1,234.50", "USD", 123450),
        ("1 234,50", "EUR", 123450),
        ("1'234.50", "CHF", 123450),
        ("1.234.567,00", "EUR", 123456700),
        ("1,234,567", "USD", 123456700),
        ("1,234", "EUR", 123400),
        ("1.234,5", "EUR", 123450),
        ("900", "JPY", 900),
        ("1.234", "KWD", 1234),
        ("0", "EUR", 0),
    ],
)
def test_amounts_are_read_as_people_write_them(amount: str, currency: str, minor: int) -> None:
    assert parse_money(amount, currency) == Money(minor, currency.upper())


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("", "EUR"), ("abc", "EUR"), ("-1", "EUR"), ("1.005", "EUR"), ("NaN", "EUR"), ("Infinity", "EUR"),
        ("1e3", "EUR"), ("1_000", "EUR"), ("\uff11\uff12", "EUR"), ("\u0663", "EUR"),
        ("1e99", "EUR"), ("10.5", "JPY"), ("10", "EURO"), ("10", "ZZZ"),
        ("10", "XXX"), ("10", ""), ("99999999999999999", "EUR"),
        ("1,2,3", "EUR"), ("1.2.3", "EUR"), ("1.234.5", "EUR"), ("1,2.3,4", "EUR"),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(BadInput):
        parse_money(amount, currency)


@given(st.integers(0, LARGEST_MINOR), st.sampled_from(["EUR", "USD", *EXPONENTS]))
def test_an_amount_survives_the_way_out_and_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert parse_money(str(money.major()), currency) == money
    assert money.major() * Decimal(10) ** EXPONENTS.get(currency, 2) == minor
