"""An id of another system does not tell a viewer whose address or number it is."""

import pytest

from calltrack.kernel.masking import masked_id


@pytest.mark.parametrize(
    ("id_", "shown"),
    [
        ("anna.rossi@example.com", "a•••@e•••.com"),
        ("mailto:anna@mail.example.co.uk", "mailto:a•••@m•••.uk"),
        ("anna@localhost", "a•••@l•••"),
        ("+39 347 1234567", "+39 34• •••••67"),
        ("00393471234567", "0039••••••••67"),
        ("tel:06-69940001", "tel:06-69••••01"),
        ("1234567", "12•••67"),
        ("1042", "1042"),
        ("hs_8841x22", "hs_8841x22"),
        ("550e8400-e29b-41d4-a716", "550e8400-e29b-41d4-a716"),
        ("", ""),
    ],
)
def test_what_looks_like_an_address_or_a_number_is_hidden(id_: str, shown: str) -> None:
    assert masked_id(id_) == shown
