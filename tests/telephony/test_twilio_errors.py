"""Every way Twilio fails is one of three, in words that name the next step."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.telephony.carrier import CarrierError, NotFound, Refused, Retry
from calltrack.telephony.twilio_errors import failure
from calltrack.telephony.twilio_refusals import REFUSALS

# Section D.4 of our notes on Twilio, and what calls and messages add: code, status, kind, words.
TABLE: list[tuple[int, int, type[CarrierError], str]] = [
    (20003, 401, Refused, "page Carrier"),
    (20404, 404, NotFound, "does not have it"),
    (20429, 429, Retry, "sent again"),
    (21402, 400, Refused, "PUBLIC_BASE_URL"),
    (21405, 400, Refused, "main address"),
    (21220, 400, Refused, "not in progress"),
    (21613, 400, Refused, "Addresses"),
    (21631, 400, Refused, "Addresses"),
    (21649, 400, Refused, "Bundles"),
    (21650, 400, Refused, "Choose another one"),
    (21651, 400, Refused, "outside the area"),
    (21421, 400, Refused, "Search again"),
    (21422, 400, Refused, "Search again"),
    (21452, 400, Refused, "Search again"),
    (30034, 400, Refused, "10DLC"),
    (30032, 400, Refused, "verification"),
    (21215, 401, Refused, "Geo permissions"),
    (21610, 400, Refused, "STOP"),
]


def body(code: int, status: int, message: str = "Something Twilio says") -> str:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return json.dumps({"code": code, "message": message, "more_info": more, "status": status})


@pytest.mark.parametrize(("code", "status", "kind", "words"), TABLE)
def test_a_known_code_has_its_kind_and_next_step(
    code: int, status: int, kind: type[CarrierError], words: str
) -> None:
    problem = failure("POST", status, body(code, status), {})
    assert type(problem) is kind
    assert problem.code == code
    assert words in problem.words


def test_problem_documents_of_newer_products_are_read_too() -> None:
    document = {
        "type": "https://www.twilio.com/docs/api/errors/20404",
        "title": "Not found",
        "status": 404,
        "code": 20404,
    }
    assert isinstance(failure("GET", 404, json.dumps(document), {}), NotFound)
    unknown = {"type": "x", "title": "Parameter is odd", "status": 400, "code": 99999, "detail": "Fix Foo"}
    problem = failure("GET", 400, json.dumps(unknown), {})
    assert type(problem) is Refused
    assert "Fix Foo." in problem.words
    assert "docs/errors/99999" in problem.words


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_an_unwell_twilio_may_have_done_what_changes_something(method: str, status: int) -> None:
    problem = failure(method, status, "<html>", {"retry-after": "7"})
    assert isinstance(problem, Retry)
    assert problem.maybe_done == (method != "GET")
    assert problem.after_seconds == 7


def test_words_are_sentences_that_fit_a_notice() -> None:
    for code, words in REFUSALS.items():
        assert re.search(r"[.!]$", words), code
        assert 30 <= len(words) <= 260, code
        assert "twilio.com" not in words, code


@given(
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.integers(300, 599),
    st.one_of(
        st.text(max_size=50),
        st.integers(0, 99_999).map(lambda code: body(code, 400)),
        st.dictionaries(
            st.sampled_from(["code", "message", "title", "detail"]), st.none() | st.text() | st.integers()
        ).map(json.dumps),
        st.sampled_from(["[]", "null", "1", '"x"', '{"code": true}']),
    ),
    st.dictionaries(st.sampled_from(["Retry-After", "X"]), st.text(max_size=8)),
)
def test_whatever_comes_back_is_understood(
    method: str, status: int, text: str, headers: dict[str, str]
) -> None:
    problem = failure(method, status, text, headers)
    assert type(problem) in (Retry, Refused, NotFound)
    assert problem.words.strip()
    if isinstance(problem, Retry) and status == 429:
        assert not problem.maybe_done, "Twilio never processed it"
