import pytest

from calltrack.kernel.phone import digits_of
from calltrack.kernel.touch import read_touch
from calltrack.visits import rules, told
from calltrack.visits.rules import VisitBody

ROME = digits_of("+390669940001")
SHOP = "https://www.prova.test/"


@pytest.mark.parametrize(
    ("body", "remembered", "words"),
    [
        (VisitBody("k"), {}, {}),
        (
            VisitBody("k", l=["?gclid=Ab%20c", "&utm_source=google", "&utm_term=trasloco+roma", "&utm_id=7"]),
            {"gclid": "Ab c"},
            {"source": "google", "term": "trasloco roma", "id": "7"},
        ),
        (VisitBody("k", l=["?=", "&", "utm_source", "?gclid"], c=["=", "_ga", ""]), {}, {}),
        (VisitBody("k", c=["_ga=GA1.2=3", "_fbp=fb.1.1.22"]), {"_ga": "GA1.2=3", "_fbp": "fb.1.1.22"}, {}),
        (VisitBody("k", c=["_gcl_aw=GCL.1712.Old.Click_1"]), {"gclid": "Old.Click_1"}, {}),
        (VisitBody("k", c=["_gcl_aw=GCL.1712.Old"], l=["?gclid=New"]), {"gclid": "New"}, {}),
        (VisitBody("k", c=["_gcl_aw=GCL.1712.Old"], l=["?utm_source=x"]), {}, {"source": "x"}),
        (VisitBody("k", c=["_gcl_aw=garbage"]), {}, {}),
        (VisitBody("k", c=False), {}, {}),
        (VisitBody("k", c={"gclid": "A"}, m={"source": "x"}), {"gclid": "A"}, {"source": "x"}),
    ],
)  # fmt: skip
def test_what_a_page_tells_of_its_visitor(
    body: VisitBody, remembered: dict[str, str], words: dict[str, str]
) -> None:
    assert told.touch_of(body) == (remembered, words)


def test_a_page_that_names_a_thousand_words_is_not_read_to_the_end() -> None:
    body = VisitBody("k", l=[f"&utm_{number}=x" for number in range(1000)])
    assert len(told.touch_of(body)[1]) == told.MOST_WORDS


def test_the_name_of_a_withheld_click_tells_the_source_and_is_not_kept() -> None:
    touch = read_touch(SHOP, "", {"gclid": "1"}, {})
    assert (touch.source, touch.medium, touch.click_ids) == ("google", "cpc", {})


@pytest.mark.parametrize(
    ("phones", "is_there"),
    [
        ("", True), ("0669940001", True), ("390669940001", True), ("00390669940001", True), ("49", False),
        ("120669940001,390280880001", True), ("0669940002", False), (["0669940001"], True), (["39"], False),
    ],
)  # fmt: skip
def test_a_business_number_is_looked_for_in_the_runs_of_digits(
    phones: str | list[str], is_there: bool
) -> None:
    assert rules.is_on_page(ROME, told.digits_of_page(VisitBody("k", p=phones))) is is_there


def test_numbers_are_found_within_longer_runs_and_tables_are_left_out() -> None:
    assert list(told.numbers_within("")) == []
    assert list(told.numbers_within("1234567,12345678")) == ["1234567", "1234567", "12345678", "2345678"]
    assert "0669940001" in told.numbers_within("1206699400017")
    assert list(told.numbers_within("1" * 65)) == []
    assert len(list(told.numbers_within(",".join(["1234567"] * 5000)))) == told.MOST_RUNS
