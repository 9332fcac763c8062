"""Money as integer minor units and an ISO 4217 currency."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from calltrack.kernel.errors import BadInput

# ISO 4217 currencies whose minor unit is not 1/100.
EXPONENTS = {
    "BHD": 3, "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "IQD": 3, "ISK": 0, "JOD": 3, "JPY": 0, "KMF": 0,
    "KRW": 0, "KWD": 3, "LYD": 3, "OMR": 3, "PYG": 0, "RWF": 0, "TND": 3, "UGX": 0, "VND": 0, "VUV": 0,
    "XAF": 0, "XOF": 0, "XPF": 0,
}  # fmt: skip
# The currencies in use under ISO 4217 (funds, metals and test codes left out).
CURRENCIES = frozenset({
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BHD",
    "BIF", "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP",
    "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR",
    "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF",
    "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW",
    "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD",
    "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK",
    "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB",
    "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC",
    "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD",
    "UYU", "UZS", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF", "XPF", "YER", "ZAR", "ZMW",
    "ZWG",
})  # fmt: skip
LARGEST_MINOR = 10**15


@dataclass(frozen=True)
class Money:
    """An amount in minor units (cents) of one currency."""

    minor: int
    currency: str

    def major(self) -> Decimal:
        """Return the amount in whole units, exact."""
        exponent = EXPONENTS.get(self.currency, 2)
        return Decimal(self.minor).scaleb(-exponent).quantize(Decimal(1).scaleb(-exponent))


def currency_code(text: str) -> str:
    """Return an ISO 4217 code in upper case; raises BadInput when no such currency is in use."""
    code = text.strip().upper()
    if code not in CURRENCIES:
        raise BadInput(f"{text[:16]!r} is not a currency; write an ISO code such as EUR.")
    return code


def parse_money(amount: str, currency: str) -> Money:
    """Read an amount a person typed (`850`, `850,50`, `1.234,50`, `1,234.50`) in the given currency.

    Raises:
        BadInput: not a number, negative, too large, or finer than the currency's minor unit.
    """
    code = currency_code(currency)
    if EXPONENTS.get(code, 2) < 3 and re.fullmatch(r"\d{1,3}\.\d{3}", amount.strip()):
        # Twelve hundred in Rome, one and twenty hundredths in Boston: a thousandfold error is not guessed at.
        raise BadInput(f"{amount.strip()} can be read in two ways; write 1200 for twelve hundred, or 1.20.")
    try:
        value = Decimal(_plain(amount)).scaleb(EXPONENTS.get(code, 2))
    except InvalidOperation:
        raise BadInput(f"{amount[:32]!r} is not an amount; write it like 850 or 850.50.") from None
    if not value.is_finite() or value != value.to_integral_value():
        raise BadInput(f"{code} has no smaller part than its minor unit; round the amount.")
    if not 0 <= value <= LARGEST_MINOR:
        raise BadInput("The amount must not be negative or absurdly large.")
    return Money(int(value), code)


def _plain(amount: str) -> str:
    """Return the amount with a dot before its decimals and no grouping marks; unreadable text as it is."""
    text = re.sub(r"[\s\u00a0\u202f']", "", amount)
    if not re.fullmatch(r"[+-]?[0-9.,]+", text):
        return ""  # Decimal itself would take `1e3`, `1_000` and other scripts' digits.
    for grouping, decimal in ((",", "."), (".", ",")):
        group, point = re.escape(grouping), re.escape(decimal)
        # One mark and three digits after it could be either: `1,234` is grouped, `1.234` has decimals.
        grouped = re.fullmatch(rf"\d{{1,3}}({group}\d{{3}})+({point}\d+)?", text)
        is_decimal = grouping == "." and "," not in text and text.count(".") == 1
        if grouped and not is_decimal:
            return text.replace(grouping, "").replace(decimal, ".")
    return text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
