"""Amounts and dates as files write them: tables, and round trips over many."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.conversions.amounts import Mark, guess_mark, read_amount
from calltrack.conversions.moments import guess_day_first, read_moment
from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import EXPONENTS

ROME = "Europe/Rome"
AMOUNTS: list[tuple[str, str, Mark | None, int]] = [
    ("850", "EUR", None, 85_000),
    ("850,50", "EUR", None, 85_050),
    ("850.5", "EUR", None, 85_050),
    ("€ 1.234,50", "EUR", None, 123_450),
    ("1.234,50 €", "EUR", None, 123_450),
    ("EUR 1,234.50", "EUR", None, 123_450),
    ("1 234,50 EUR", "EUR", None, 123_450),
    ("1\u202f234,50", "EUR", None, 123_450),
    ("CHF 1'234.50", "CHF", None, 123_450),
    ("$99.99", "USD", None, 9_999),
    ("$99.99", "CAD", None, 9_999),
    ("1.200", "EUR", ",", 120_000),
    ("1,200", "EUR", ".", 120_000),
    ("1.20", "EUR", ".", 120),
    ("1.200,5", "EUR", ",", 120_050),
    ("12.345.678", "EUR", ",", 1_234_567_800),
    ("850,", "EUR", ",", 85_000),
    ("0", "EUR", ",", 0),
    ("1.234", "KWD", ".", 1_234),
    ("1200", "JPY", None, 1_200),
    ("1.200", "JPY", ",", 1_200),
]
WRONG_AMOUNTS: list[tuple[str, str, Mark | None, str]] = [
    ("1.200", "EUR", None, "two ways"),
    ("-5", "EUR", None, "negative"),
    ("-5,00", "EUR", ",", "negative"),
    ("850.505", "EUR", ".", "minor unit"),
    ("12,5", "JPY", ",", "minor unit"),
    ("1.2.3", "EUR", ",", "decimal mark"),
    ("1,20", "EUR", ".", "decimal mark"),
    ("USD 20", "EUR", None, "currency"),
    ("20 €", "USD", None, "currency"),
    ("free", "EUR", None, "not an amount"),
    ("", "EUR", None, "not an amount"),
    ("1e5", "EUR", None, "not an amount"),
    ("９９", "EUR", None, "not an amount"),
    ("99999999999999999", "EUR", ",", "absurdly"),
]
DATES = [
    ("2026-11-20T12:00:00Z", "2026-11-20T12:00"),
    ("2026-11-20T13:00:00+01:00", "2026-11-20T12:00"),
    ("2026-11-20 13:00", "2026-11-20T12:00"),
    ("2026-11-20T13:00:00.123", "2026-11-20T12:00"),
    ("2026/11/20 13:00:00", "2026-11-20T12:00"),
    ("20.11.2026 13:00", "2026-11-20T12:00"),
    ("20.11.26 13:00", "2026-11-20T12:00"),
    ("20.11.2026, 13:00:00", "2026-11-20T12:00"),
    ("20/11/2026 1:00 PM", "2026-11-20T12:00"),
    ("20-11-2026 13:00", "2026-11-20T12:00"),
    ("20 Nov 2026 13:00", "2026-11-20T12:00"),
    ("20. November 2026 13:00", "2026-11-20T12:00"),
    ("20 novembre 2026 alle 13:00", "2026-11-20T12:00"),
    ("Nov 20, 2026, 1:00 pm", "2026-11-20T12:00"),
    ("Fri, 20 Nov 2026 13:00:00 +0100", "2026-11-20T12:00"),
    ("1795176000", "2026-11-20T12:00"),
    ("1795176000000", "2026-11-20T12:00"),
    ("15.07.2026 13:00", "2026-07-15T11:00"),
    # The clocks went back at three: the hour came twice, the first one is meant.
    ("25.10.2026 02:30", "2026-10-25T00:30"),
]
WRONG_DATES = [
    "31.02.2026", "20.13.2026", "yesterday", "", "2026-11-20T25:00", "13:00", "20/11/2026 13:00 PM",
    "1.1.1066 10:00", "0000-00-00 00:00:00", "44155", "20 Foo 2026",
]  # fmt: skip


@pytest.mark.parametrize(("text", "currency", "mark", "minor"), AMOUNTS)
def test_an_amount_is_read(text: str, currency: str, mark: Mark | None, minor: int) -> None:
    assert read_amount(text, currency, mark).minor == minor


@pytest.mark.parametrize(("text", "currency", "mark", "said"), WRONG_AMOUNTS)
def test_a_wrong_amount_says_why(text: str, currency: str, mark: Mark | None, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_amount(text, currency, mark)


@given(
    minor=st.integers(0, 10**14),
    currency=st.sampled_from(["EUR", "USD", "JPY", "KWD"]),
    mark=st.sampled_from([",", "."]),
    grouping=st.sampled_from(["", "other", " ", "\u202f", "'"]),
    unit=st.sampled_from(["", "front", "back"]),
)
def test_an_amount_comes_back_as_it_was_written(
    minor: int, currency: str, mark: Mark, grouping: str, unit: str
) -> None:
    exponent = EXPONENTS.get(currency, 2)
    whole, part = divmod(minor, 10**exponent)
    between = ("." if mark == "," else ",") if grouping == "other" else grouping
    number = f"{whole:,}".replace(",", between) + (f"{mark}{part:0{exponent}d}" if exponent else "")
    text = f"{currency} {number}" if unit == "front" else f"{number} {currency}" if unit == "back" else number
    assert read_amount(text, currency, mark).minor == minor


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20), st.sampled_from([",", "."]))
def test_a_column_with_cents_proves_its_decimal_mark(cents: list[int], mark: Mark) -> None:
    other = "." if mark == "," else ","
    cells = [f"{c // 100:,}".replace(",", other) + f"{mark}{c % 100:02d}" for c in cents]
    assert guess_mark(cells) == mark


@pytest.mark.parametrize(
    ("cells", "mark"),
    [(["850", "900"], None), (["1.200"], None), (["1.200", "3,50"], ","), (["1,5", "1.5"], None),
     (["1.234.567"], ","), (["€ 99.90"], "."), ([], None), (["x"], None)],
)  # fmt: skip
def test_without_proof_no_decimal_mark_is_guessed(cells: list[str], mark: Mark | None) -> None:
    assert guess_mark(cells) == mark


@pytest.mark.parametrize(("text", "expected"), DATES)
def test_a_date_is_read_in_the_companys_zone(text: str, expected: str) -> None:
    found = read_moment(text, ROME)
    assert (found.at.strftime("%Y-%m-%dT%H:%M"), found.day_only) == (expected, False)


@pytest.mark.parametrize("text", ["2026-11-20", "20.11.2026", "20/11/2026", "20 Nov 2026", "2026/11/20"])
def test_a_day_without_a_time_stands_at_its_noon(text: str) -> None:
    found = read_moment(text, ROME)
    assert (found.at, found.day_only) == (datetime(2026, 11, 20, 11, tzinfo=UTC), True)


@pytest.mark.parametrize("text", WRONG_DATES)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not a date"):
        read_moment(text, ROME)


@given(
    st.datetimes(datetime(1995, 1, 1), datetime(2099, 1, 1)),
    st.sampled_from([
        ("%d.%m.%Y %H:%M:%S", True), ("%d/%m/%Y %H:%M:%S", True), ("%m/%d/%Y %I:%M:%S %p", False),
        ("%Y-%m-%d %H:%M:%S", True), ("%Y-%m-%dT%H:%M:%S", False), ("%b %d, %Y %H:%M:%S", True),
    ]),
    st.sampled_from(["Europe/Rome", "America/New_York", "Asia/Kolkata", "UTC"]),
)  # fmt: skip
def test_a_date_comes_back_as_it_was_written(moment: datetime, how: tuple[str, bool], zone: str) -> None:
    written, day_first = how
    moment = moment.replace(microsecond=0)
    found = read_moment(moment.strftime(written), zone, day_first=day_first)
    assert found.at == moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    # A clock that jumps forward leaves out an hour; everything else is written the same again.
    again = found.at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert again == moment or abs(again - moment) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("cells", "country", "expected"),
    [(["13/01/2026"], "US", True), (["01/13/2026"], "IT", False), (["05/06/2026"], "US", False),
     (["05/06/2026"], "IT", True), (["", "x", "2026-01-01"], "DE", True)],
)  # fmt: skip
def test_the_order_of_day_and_month_is_proved_or_the_countrys(
    cells: list[str], country: str, *, expected: bool
) -> None:
    assert guess_day_first(cells, country) is expected
