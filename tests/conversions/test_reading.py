"""One outcome from named texts: what is understood, what is refused and how it is said."""

from datetime import UTC, datetime
from typing import Any

import pytest

from calltrack.conversions.messages import by_mapping, flatten, texts_of
from calltrack.conversions.reading import Ways, read_outcome, read_phone, read_told
from calltrack.conversions.told import Contact, Told, from_json, to_json
from calltrack.kernel.errors import BadFields, BadInput

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WAYS = Ways(currency="EUR", country="IT", zone="Europe/Rome")
PHONE = {"phone": "+393471234567"}


def told(**texts: str) -> Told:
    return read_told(texts, WAYS, NOW)


@pytest.mark.parametrize(
    ("word", "outcome"),
    [("purchase", "purchase"), ("Closed Won", "purchase"), ("closed_won", "purchase"), ("SALE", "purchase"),
     ("Gewonnen", "purchase"), ("venduto", "purchase"), ("vendu", "purchase"), ("gagné", "purchase"),
     ("lead", "lead"), ("Qualified", "lead"), ("Anfrage", "lead"), ("lost", "none"), ("Closed Lost", "none"),
     ("wrong number", "none"), ("Perso", "none"), ("refunded", "refund"), ("Erstattung", "refund"),
     ("rimborso", "refund"), ("canceled", "cancelled"), ("storniert", "cancelled")],
)  # fmt: skip
def test_other_words_for_outcomes_are_understood(word: str, outcome: str) -> None:
    assert read_outcome(word) == outcome


@pytest.mark.parametrize(
    ("text", "e164"),
    [("+39 347 123 4567", "+393471234567"), ("0039 347 1234567", "+393471234567"),
     ("3471234567", "+393471234567"), ("393471234567", "+393471234567"), ("06 6994 0001", "+390669940001"),
     ("'+393471234567", "+393471234567"), ("tel:+49 30 901820", "+4930901820"),
     ("4930901820", "+4930901820"), ("3.47E+9", "BAD"), ("anna", "BAD"), ("1", "BAD"), ("+1", "BAD")],
)  # fmt: skip
def test_phones_are_read_as_spreadsheets_write_them(text: str, e164: str) -> None:
    if e164 == "BAD":
        with pytest.raises(BadInput):
            read_phone(text, "IT")
    else:
        assert read_phone(text, "IT") == e164


@pytest.mark.parametrize(
    ("texts", "wrong"),
    [
        ({"outcome": "purchase", **PHONE}, {"value"}),
        ({"outcome": "maybe", **PHONE}, {"outcome"}),
        (PHONE, {"outcome"}),
        ({"outcome": "lead"}, {"id"}),
        ({"outcome": "purchase", "value": "x", "currency": "EURO", **PHONE}, {"value", "currency"}),
        ({"outcome": "purchase", "value": "1.200", **PHONE}, {"value"}),
        ({"outcome": "lead", "occurred_at": "2026-11-25 10:00", **PHONE}, {"occurred_at"}),
        ({"outcome": "lead", "occurred_at": "soon", **PHONE}, {"occurred_at"}),
        ({"outcome": "lead", "gclid": "has blanks in it"}, {"gclid"}),
        ({"outcome": "lead", "call_id": "17"}, {"call_id"}),
        ({"outcome": "lead", "phone": "1"}, {"phone"}),
        ({"outcome": "purchase", "value": "5", "order_id": "x" * 129}, {"order_id"}),
    ],
)
def test_every_wrong_value_is_named(texts: dict[str, str], wrong: set[str]) -> None:
    with pytest.raises(BadFields) as caught:
        read_told(texts, WAYS, NOW)
    assert set(caught.value.fields) == wrong


def test_click_ids_keep_their_case_and_an_order_alone_is_enough() -> None:
    assert told(outcome="lead", gclid="AbC_d-E").clues.clicks == {"gclid": "AbC_d-E"}
    assert told(outcome="refund", order_id="A-1").value_minor is None


def test_a_value_beside_a_lead_is_no_reason_to_refuse_it() -> None:
    assert told(outcome="lead", value="850", **PHONE).value_minor is None


@pytest.mark.parametrize(
    ("texts", "contact"),
    [
        ({"name": "Anna Rossi"}, Contact(first_name="Anna", last_name="Rossi")),
        ({"name": "Rossi, Anna Maria"}, Contact(first_name="Anna Maria", last_name="Rossi")),
        ({"name": "Rossi"}, Contact(last_name="Rossi")),
        ({"first_name": "Åsa", "last_name": "Ö", "name": "X Y"}, Contact(first_name="Åsa", last_name="Ö")),
        ({"email": "Anna@Example.IT"}, Contact(email="Anna@Example.IT")),
        ({"email": "no address"}, Contact()),
        ({"postal_code": "00100"}, Contact(postal_code="00100", country="IT")),
        ({"city": "Roma", "country": "it"}, Contact(city="Roma", country="IT")),
        ({"city": "Roma", "country": "Italia"}, Contact(city="Roma")),
    ],
)
def test_contact_parts_are_taken_as_far_as_they_can_be_one(texts: dict[str, str], contact: Contact) -> None:
    assert told(outcome="lead", **PHONE, **texts).contact == contact


def test_what_was_told_is_written_down_and_read_again() -> None:
    one = told(
        outcome="Closed Won", value="€ 1.234,50", occurred_at="20.11.2026", order_id="A-1", gclid="AbC",
        called_at="20.11.2026 10:00", id="0190a0b0c0d07e0f8a1b2c3d4e5f6071", name="Åsa Ö", **PHONE,
    )  # fmt: skip
    assert from_json(to_json(one)) == one
    assert from_json(to_json(one)).fingerprint == one.fingerprint


def test_the_same_thing_has_one_fingerprint_and_another_value_another() -> None:
    first = told(outcome="purchase", value="850", order_id="A", **PHONE)
    same = told(outcome="sale", value="850,00", order_id="A", phone="347 123 4567")
    other = told(outcome="purchase", value="851", order_id="A", **PHONE)
    assert first.fingerprint == same.fingerprint
    assert first.fingerprint != other.fingerprint
    assert first.subject == other.subject


MESSAGE: dict[str, Any] = {
    "id": 4711,
    "deal": {"stage": "Vinta!", "amount": 850.5, "number": "A-17", "closed": True},
    "contacts": [{"phone": "+39 347 1234567", "email": "anna@example.it"}],
}


def test_a_nested_message_is_read_by_guess_and_by_mapping() -> None:
    assert flatten(MESSAGE)["contacts.0.email"] == "anna@example.it"
    guessed = by_mapping(MESSAGE, {}, {})
    assert (guessed["phone"], guessed["value"], guessed["email"]) == (
        "+39 347 1234567", "850.5", "anna@example.it",
    )  # fmt: skip
    assert "id" not in guessed
    fields = {"order_id": "deal.number", "outcome": "deal.stage"}
    mapped = by_mapping(MESSAGE, fields, {"vinta!": "purchase"})
    one = read_told(mapped, WAYS, NOW)
    assert (one.outcome, one.value_minor, one.order_id) == ("purchase", 85_050, "A-17")


def test_an_api_objects_groups_are_taken_apart() -> None:
    texts = texts_of(
        {"outcome": "lead", "click": {"gclid": "A"}, "contact": {"email": "a@b.it"}, "value": None}
    )
    assert texts == {"outcome": "lead", "gclid": "A", "email": "a@b.it"}
