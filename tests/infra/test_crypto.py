"""Personal data is sealed to its tenant and its place."""

import os
import sys
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.infra.crypto import Unreadable, Vault, new_token

VAULT = Vault(os.urandom(32))
ANNA, BRUNO = uuid4(), uuid4()


@given(st.text(max_size=200))
def test_what_is_sealed_opens_again(value: str) -> None:
    assert VAULT.open(ANNA, "call.caller", VAULT.seal(ANNA, "call.caller", value)) == value


def test_a_cipher_text_moved_to_another_tenant_or_place_stays_shut() -> None:
    sealed = VAULT.seal(ANNA, "call.caller", "+393471234567")
    for company, place, text in (
        (BRUNO, "call.caller", sealed),
        (ANNA, "person_caller.phone", sealed),
        (ANNA, "call.caller", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (ANNA, "call.caller", b""),
    ):
        with pytest.raises(Unreadable):
            VAULT.open(company, place, text)


def test_the_same_number_is_found_within_a_company_and_not_across() -> None:
    number = "+393471234567"
    assert VAULT.look_up(ANNA, number) == VAULT.look_up(ANNA, number)
    assert VAULT.look_up(ANNA, number) != VAULT.look_up(BRUNO, number)
    assert number.encode() not in VAULT.seal(ANNA, "call.caller", number)


def test_a_short_master_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(b"short")


def test_tokens_differ() -> None:
    assert len({new_token() for _ in range(100)}) == 100


def test_a_value_that_was_looked_up_is_not_kept_in_memory() -> None:
    number = "".join(("+39347", "1234567"))
    before = sys.getrefcount(number)
    VAULT.look_up(ANNA, number)
    VAULT.seal(ANNA, "call.caller", number)
    assert sys.getrefcount(number) == before
