"""A hook's fields are read as Python's own reader of forms reads them, unless they are refused."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from calltrack.calls.hook_request import MOST_FIELDS, _fields
from calltrack.kernel.errors import BadInput

PARTS = st.lists(st.sampled_from(["a", "=", "&", "+", "%20", "%2B", "%C3%A8", "%", "b=c", "%zz", "%26"]))


@settings(max_examples=300, deadline=None)
@given(parts=PARTS)
def test_fields_are_those_of_the_standard_reader(parts: list[str]) -> None:
    encoded = "".join(parts)
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict")
    except ValueError:
        with pytest.raises(BadInput):
            _fields(encoded.encode())
        return
    found = _fields(encoded.encode())
    told = list(found.items(multi=True)) if isinstance(found, MultiDict) else list(found.items())
    assert sorted(told) == sorted(pairs)


@pytest.mark.parametrize("encoded", [b"a=%ff", b"a=\xc3\xa8", b"&".join([b"a=1"] * (MOST_FIELDS + 1))])
def test_what_no_carrier_sends_is_refused(encoded: bytes) -> None:
    with pytest.raises(BadInput):
        _fields(encoded)
