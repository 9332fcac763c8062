"""People, their contacts as typed, and what Google is to be sent: hashes over texts written out by hand."""

import hashlib
from typing import Any, NamedTuple


def h(normalised: str) -> str:
    """SHA-256 in hex of a text that already stands in its normal form."""
    return hashlib.sha256(normalised.encode("utf-8")).hexdigest()


class Person(NamedTuple):
    """What an upload says of a person; the e-mail, phone and address as Google is to have them."""

    name: str
    upload: dict[str, Any]
    email: str | None
    phone: str | None
    address: tuple[str, str, str, str] | None = None


ITALY = {"first_name": "Anna", "last_name": "Rossi", "postal_code": "00185", "country": "IT"}
PEOPLE = [
    Person("rome", {"phone_e164": "+390669940001"}, None, "+390669940001"),
    Person("milan mobile", {"phone_e164": "+393331234567"}, None, "+393331234567"),
    Person("berlin", {"phone_e164": "+493012345678"}, None, "+493012345678"),
    Person("munich mobile", {"phone_e164": "+4915123456789"}, None, "+4915123456789"),
    Person("new york", {"phone_e164": "+12125550123"}, None, "+12125550123"),
    Person("punctuated", {"phone_e164": "+1 (650) 555-1212"}, None, "+16505551212"),
    Person("london", {"phone_e164": "+442079460958"}, None, "+442079460958"),
    Person("no country code", {"phone_e164": "0669940001"}, None, None),
    Person("trunk zero in brackets", {"phone_e164": "+44 (0)20 7946 0958"}, None, None),
    Person("withheld", {"phone_e164": "anonymous"}, None, None),
    Person("emoji as phone", {"phone_e164": "📞"}, None, None),
    Person("empty phone", {"phone_e164": ""}, None, None),
    Person("plain mail", {"phone_e164": None, "email": "anna@example.it"}, "anna@example.it", None),
    Person("capitals", {"phone_e164": None, "email": " An.Rossi@Example.IT "}, "an.rossi@example.it", None),
    Person(
        "gmail dots and tag",
        {"phone_e164": None, "email": "Cloudy.SanFrancisco+shopping@gmail.com"},
        "cloudysanfrancisco@gmail.com",
        None,
    ),
    Person("googlemail", {"phone_e164": None, "email": "m.r.o@googlemail.com"}, "mro@googlemail.com", None),
    Person(
        "dots stay elsewhere",
        {"phone_e164": None, "email": "user.name+NYC@Example.com"},
        "user.name+nyc@example.com",
        None,
    ),
    Person("space inside", {"phone_e164": None, "email": "an na@example.it"}, "anna@example.it", None),
    Person("umlaut domain", {"phone_e164": None, "email": "info@müller.de"}, "info@müller.de", None),
    Person("emoji mail", {"phone_e164": None, "email": "🙂@example.it"}, "🙂@example.it", None),
    Person("no mail", {"phone_e164": None, "email": "anna at example"}, None, None),
    Person("only a tag", {"phone_e164": None, "email": "+x@gmail.com"}, None, None),
    Person(
        "both", {"phone_e164": "+390669940001", "email": "a@example.it"}, "a@example.it", "+390669940001"
    ),
    Person("italian address", {"phone_e164": None, **ITALY}, None, None, ("anna", "rossi", "IT", "00185")),
    Person(
        "whole german address",
        {
            "phone_e164": "+493012345678", "first_name": "Frau Jürgen ", "last_name": "MÜLLER-Lüdenscheidt",
            "postal_code": " 10115 ", "country": "de",
        },
        None,
        "+493012345678",
        ("jürgen", "müllerlüdenscheidt", "DE", "10115"),
    ),
    Person(
        "whole american address",
        {
            "phone_e164": None, "email": "jo@example.com", "first_name": "Dr. Joan",
            "last_name": "O'Neil Jr.", "postal_code": "94043-1351", "country": "US",
        },
        "jo@example.com",
        None,
        ("joan", "oneil", "US", "94043-1351"),
    ),
    Person(
        "emoji in the name",
        {"phone_e164": None, **ITALY, "first_name": "Anna 🙂"},
        None,
        None,
        ("anna", "rossi", "IT", "00185"),
    ),
    Person(
        "two first names",
        {"phone_e164": None, **ITALY, "first_name": "Anna  Maria", "last_name": "De Luca"},
        None,
        None,
        ("anna maria", "de luca", "IT", "00185"),
    ),
    Person(
        "british postal code",
        {"phone_e164": None, **ITALY, "country": "GB", "postal_code": "sw1a  1aa"},
        None,
        None,
        ("anna", "rossi", "GB", "SW1A 1AA"),
    ),
    Person("no postal code", {"phone_e164": None, **ITALY, "postal_code": None}, None, None),
    Person("no family name", {"phone_e164": None, **ITALY, "last_name": " "}, None, None),
    Person("only emoji as name", {"phone_e164": None, **ITALY, "first_name": "🙂"}, None, None),
    Person("country in words", {"phone_e164": None, **ITALY, "country": "Italia"}, None, None),
    Person("no country", {"phone_e164": None, **ITALY, "country": None}, None, None),
    Person(
        "hashed already",
        {"phone_e164": h("+390669940001"), "email": h("anna@example.it").upper()},
        "anna@example.it",
        "+390669940001",
    ),
]  # fmt: skip
