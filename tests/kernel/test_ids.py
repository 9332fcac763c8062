"""Ids are UUIDv7 and sort by time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import first_id_of, moment_of, new_id, parse_id

MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))


@given(MOMENTS)
def test_an_id_is_a_version_seven_uuid_of_its_moment(at: datetime) -> None:
    id_ = new_id(at)
    assert (id_.version, id_.variant) == (7, "specified in RFC 4122")
    assert abs(moment_of(id_) - at) < timedelta(milliseconds=2)


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_time(one: datetime, other: datetime) -> None:
    if abs(one - other) > timedelta(milliseconds=2):
        assert (new_id(one) < new_id(other)) == (one < other)


@pytest.mark.parametrize("at", [datetime(1, 1, 1), datetime(1900, 1, 1, tzinfo=UTC), datetime.max])
def test_any_moment_bounds_a_range_of_ids(at: datetime) -> None:
    assert first_id_of(at).version == 7


@given(MOMENTS)
def test_the_first_id_of_a_moment_is_not_above_any_other(at: datetime) -> None:
    assert first_id_of(at) <= new_id(at)


@pytest.mark.parametrize("text", ["", "x", "123", None, "0" * 31, "zz" * 16])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not a valid id"):
        parse_id(text)
