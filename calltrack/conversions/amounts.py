"""Amounts as files and CRMs write them: `€ 1.234,50`, `1,234.50 EUR`, `850`."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Literal

from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import EXPONENTS, LARGEST_MINOR, Money, currency_code, parse_money

Mark = Literal[",", "."]
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "zł": "PLN", "kč": "CZK", "fr.": "CHF"}
_BLANKS = re.compile(r"[\s\u00a0\u202f\u2009'’]")
_WITH_UNIT = re.compile(
    r"^(?P<front>[A-Za-z]{3}|€|\$|£|¥)?\s*(?P<number>[+-]?[0-9][0-9.,\s\u00a0\u202f\u2009'’]*?)"
    r"\s*(?P<back>[A-Za-z]{3}|€|\$|£|¥|zł|Kč|kč|Fr\.)?$"
)


def read_amount(text: str, currency: str, mark: Mark | None = None) -> Money:
    """Read an amount; a currency sign or code beside the number must be the given currency's.

    Args:
        text: as it stands in the cell.
        currency: ISO 4217 code the amount is in.
        mark: the decimal mark of the whole column; None: read as a person's typing (`parse_money`).

    Raises:
        BadInput: no amount, negative, absurdly large, ambiguous, or in another currency.
    """
    code = currency_code(currency)
    found = _WITH_UNIT.match(text.strip())
    if found is None:
        raise BadInput(f"{text.strip()[:32]!r} is not an amount; write it like 850 or 850.50.")
    for unit in filter(None, (found["front"], found["back"])):
        _same_currency(unit, code)
    number = _BLANKS.sub("", found["number"])
    return parse_money(number, code) if mark is None else _by_mark(number, code, mark)


def guess_mark(cells: Iterable[str]) -> Mark | None:
    """Return the decimal mark that a column of amounts uses; None where nothing or both are proved."""
    proofs: set[str] = set()
    for cell in cells:
        found = _WITH_UNIT.match(cell.strip())
        number = _BLANKS.sub("", found["number"]) if found else ""
        for mark, other in ((",", "."), (".", ",")):
            one, two = re.escape(mark), re.escape(other)
            decimals = re.fullmatch(rf"[+-]?\d+{one}(\d{{1,2}}|\d{{4,}})", number)
            both = re.fullmatch(rf"[+-]?\d{{1,3}}({two}\d{{3}})+{one}\d+", number)
            groups = re.fullmatch(rf"[+-]?\d{{1,3}}({two}\d{{3}}){{2,}}", number)
            if decimals or both or groups:
                proofs.add(mark)
    return ("," if "," in proofs else ".") if len(proofs) == 1 else None


def _same_currency(unit: str, code: str) -> None:
    known = _SIGNS.get(unit.lower(), unit.upper())
    # `$` and `¥` stand for more than one currency.
    shared = {"USD": code.endswith("D") or code == "MXN", "JPY": code == "CNY"}
    if known != code and not (unit in "$¥" and shared.get(known)):
        raise BadInput(f"The amount says {unit[:8]}, but its currency is {code}; map the currency column.")


def _by_mark(number: str, code: str, mark: Mark) -> Money:
    other = "." if mark == "," else ","
    grouped = re.fullmatch(rf"[+-]?\d{{1,3}}({re.escape(other)}\d{{3}})*({re.escape(mark)}\d*)?", number)
    plain = re.fullmatch(rf"[+-]?\d+({re.escape(mark)}\d*)?", number)
    if not grouped and not plain:
        words = "comma" if mark == "," else "point"
        raise BadInput(f"{number[:32]!r} does not fit a column whose decimal mark is the {words}.")
    exponent = EXPONENTS.get(code, 2)
    try:
        value = Decimal(number.replace(other, "").replace(mark, ".").rstrip(".")).scaleb(exponent)
    except InvalidOperation:
        raise BadInput(f"{number[:32]!r} is not an amount; write it like 850 or 850.50.") from None
    if value != value.to_integral_value():
        raise BadInput(f"{code} has no smaller part than its minor unit; round the amount.")
    if not 0 <= value <= LARGEST_MINOR:
        raise BadInput("The amount must not be negative or absurdly large.")
    return Money(int(value), code)
