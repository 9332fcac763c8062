import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.kernel.areas import AREAS
from calltrack.kernel.region import LONGEST, read_region, region_of_phone
from calltrack.kernel.region_names import region_name


@pytest.mark.parametrize(
    ("region", "country", "read"),
    [
        ("CA", "US", "US-CA"), (" 25 ", "it", "IT-25"), ("US-CA", "US", "US-CA"), ("us-ca", "", "US-CA"),
        ("USCA", "", "US-CA"), ("USCA", "US", "US-CA"), ("ENG", "GB", "GB-ENG"), ("9", "AT", "AT-9"),
        ("CA", "", ""), ("", "US", ""), ("CA", "XX", ""), ("T1", "T1", ""), ("IT-25", "US", ""),
        ("California", "US", ""), ("<b>", "US", ""), ("CA", "USA", ""), ("AT9", "", ""), ("X" * 99, "US", ""),
    ],
)  # fmt: skip
def test_a_region_is_read_in_the_ways_proxies_write_it(region: str, country: str, read: str) -> None:
    assert read_region(region, country) == read


@given(st.text(max_size=8), st.text(max_size=4))
def test_whatever_is_said_a_region_is_short_and_plain(region: str, country: str) -> None:
    read = read_region(region, country)
    assert read == "" or (
        len(read) <= LONGEST and read.isascii() and read[2] == "-" and read_region(read) == read
    )


@pytest.mark.parametrize(
    ("phone", "region"),
    [
        ("+14155550123", "US-CA"), ("+12125550123", "US-NY"), ("+16045550123", "CA-BC"),
        ("+390212345678", "IT-25"), ("+390363123456", "IT-25"), ("+390612345678", "IT-62"),
        ("+34912345678", "ES-MD"), ("+34871234567", "ES-IB"), ("+4989123456", "DE-BY"),
        ("+4930123456", "DE-BE"), ("+33142345678", "FR-IDF"), ("+41442345678", "CH-ZH"),
        ("+4312345678", "AT-9"),
        ("+393471234567", ""), ("+34600123123", ""), ("+4915112345678", ""), ("+33612345678", ""),
        ("+33472345678", ""), ("+442071234567", ""), ("+18005550123", ""), ("+19025550123", ""),
        ("+498001234567", ""), ("+49900123456", ""), ("+390763123456", ""), ("+1415", ""), ("+39", ""),
        ("client:her", ""), ("", ""), (None, ""),
    ],
)  # fmt: skip
def test_a_number_belongs_to_the_region_its_plan_names(phone: str | None, region: str) -> None:
    assert region_of_phone(phone) == region


def test_every_beginning_stands_for_one_region() -> None:
    for code, regions in AREAS.items():
        beginnings = [one for listed in regions.values() for one in listed.split()]
        assert len(set(beginnings)) == len(beginnings), code
        assert [(a, b) for a in beginnings for b in beginnings if a != b and b.startswith(a)] == []
        assert all(read_region(region) == region for region in regions)


def test_every_region_a_number_can_tell_has_a_name() -> None:
    named = {region: region_name(region) for regions in AREAS.values() for region in regions}
    assert [region for region, name in named.items() if name == region] == []
    assert (named["IT-25"], named["US-DC"], region_name("GB-ENG")) == (
        "Lombardy",
        "Washington, D.C.",
        "GB-ENG",
    )
