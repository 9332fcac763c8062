"""Card numbers never stay readable, however they are spaced; what is none stays as it was."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.kernel.cards import luhn_fits, redact, redact_all
from tests.examples import examples

VISA, AMEX = "4111111111111111", "378282246310005"


@pytest.mark.parametrize(
    "said",
    [
        "4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111, 1111, 1111, 1111.", "3782 822463 10005", "41 11 11 11 11 11 11 11", "4222222222222",
        "four one one one one one one one one one one one one one one one",
        "quattro uno uno uno 1111 1111 uno uno uno uno", "it is 4111 1111 1111 1111 and the code 123",
        "４１１１ １１１１ １１１１ １１１１", "6304 0000 0000 0000 000 and 4111111111111111",
    ],
)  # fmt: skip
def test_a_card_number_becomes_unreadable(said: str) -> None:
    redacted = redact(said)
    assert len(redacted) == len(said)
    assert "•" in redacted
    digits = [int(mark) for mark in re.findall(r"\d", redacted)]
    assert len(digits) <= 3


@pytest.mark.parametrize(
    "said",
    [
        "", "Call me at +39 347 123 4567.", "On 12.11.2026 at 9 o'clock", "4222 2222 2222 3",
        "two or three", "IBAN DE89 3704 0044", "0000 0000 0000 0000", "one of seven",
        "4111 1111 Rome 1111 1111",
    ],
)  # fmt: skip
def test_what_is_no_card_number_stays(said: str) -> None:
    assert redact(said) == said


def with_check_digit(digits: list[int]) -> list[int]:
    return next([*digits, last] for last in range(10) if luhn_fits([*digits, last]))


CARDS = st.lists(st.integers(0, 9), min_size=12, max_size=18).map(with_check_digit).filter(any)
GAPS = st.text(alphabet=" -.,/\n", max_size=3)
AROUND = st.text(max_size=40)


@settings(max_examples=examples(300), deadline=None)
@given(CARDS, st.data(), AROUND, AROUND)
def test_no_digit_of_any_card_survives_any_spacing_and_surroundings(
    card: list[int], data: st.DataObject, before: str, after: str
) -> None:
    spaced = str(card[0]) + "".join(data.draw(GAPS) + str(digit) for digit in card[1:])
    text = f"{before} {spaced} {after}"
    redacted = redact(text)
    assert len(redacted) == len(text)
    place = len(before) + 1
    assert not re.search(r"\d", redacted[place : place + len(spaced)])
    assert redact(redacted) == redacted


@settings(max_examples=examples(100), deadline=None)
@given(CARDS, st.lists(st.integers(1, 18), max_size=3), AROUND)
def test_a_number_said_in_several_breaths_is_found(card: list[int], cuts: list[int], before: str) -> None:
    said = "".join(map(str, card))
    places = [0, *sorted(set(cuts) & set(range(len(said)))), len(said)]
    pieces = [said[start:end] for start, end in pairwise(places) if end > start]
    redacted = redact_all([f"{before} x", *pieces])
    assert redacted[0] == redact(f"{before} x")
    assert set("".join(redacted[1:])) == {"•"}


@settings(max_examples=examples(100), deadline=None)
@given(st.text(max_size=200).filter(lambda text: len(re.findall(r"\d", text)) < 13))
def test_a_text_with_few_digits_is_never_changed(text: str) -> None:
    spoken = re.search(r"(?i)zero|one|two|three|four|five|six|seven|eight|nine", text)
    assert spoken or redact(text) == text
