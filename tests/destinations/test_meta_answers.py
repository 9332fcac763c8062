"""Answer to class: what each of Meta's answers does to the conversions of a request."""

import json
from datetime import timedelta
from typing import Any

import pytest

from calltrack.destinations.base import Tally
from calltrack.destinations.meta import Meta
from calltrack.destinations.meta_reasons import LIMITS, ROWS, TOKEN, UNWELL
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.infra.http import HttpAnswer
from tests.destinations.social import meta
from tests.destinations.uploads import NOON, upload

META = Meta()
DAY = timedelta(days=1)
DATE = "Fri, 20 Nov 2026 12:00:00 GMT"


def rows(count: int, **more: Any) -> list[bytes]:
    return [META.freeze(upload(id=f"conv-{n}x", **more), meta()) for n in range(count)]


def answer(status: int, body: object, **headers: str) -> HttpAnswer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def error(code: int, subcode: int = 0, status: int = 400, **more: Any) -> HttpAnswer:
    said = {"message": "Invalid parameter", "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
    headers = {name: more.pop(name) for name in list(more) if name in ("date", "retry_after", "usage")}
    if "usage" in headers:
        headers["x_business_use_case_usage"] = headers.pop("usage")
    return answer(status, {"error": said | ({"error_subcode": subcode} if subcode else {}) | more}, **headers)


def read(got: HttpAnswer, count: int = 1) -> list[tuple[Class, str]]:
    return [(one.class_, one.code) for one in META.classify(got, rows(count))]


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (answer(200, {"events_received": 1, "messages": [], "fbtrace_id": "A"}), (Class.DONE, "OK")),
        (answer(200, {"events_received": 1, "messages": ["slow"]}), (Class.DONE, "OK")),
        (answer(200, {"events_received": 0}), (Class.BUG, "NOT_RECEIVED")),
        (answer(200, b"<html>one moment"), (Class.UNKNOWN, "UNREADABLE_200")),
        (answer(200, b""), (Class.UNKNOWN, "UNREADABLE_200")),
        (answer(200, b"\xff\xfe{"), (Class.UNKNOWN, "UNREADABLE_200")),
        (answer(200, {"error": {"code": 1}}), (Class.UNKNOWN, "UNREADABLE_200")),
        (error(1, status=500), (Class.LATER, "1")),
        (error(2, is_transient=True, status=503), (Class.LATER, "2")),
        (error(368), (Class.LATER, "368")),
        (error(5000), (Class.LATER, "5000")),
        (error(21009), (Class.LATER, "21009")),
        (error(100, 99, is_transient=True), (Class.LATER, "100/99")),
        (error(4), (Class.LATER, "4")),
        (error(17, 2446079), (Class.LATER, "17/2446079")),
        (error(32), (Class.LATER, "32")),
        (error(613), (Class.LATER, "613")),
        (error(80004, 2446079), (Class.LATER, "80004/2446079")),
        (error(190, 463, status=401), (Class.CONFIG, "190/463")),
        (error(190, 460), (Class.CONFIG, "190/460")),
        (error(190, status=401), (Class.CONFIG, "190")),
        (error(102), (Class.CONFIG, "102")),
        (error(104), (Class.CONFIG, "104")),
        (error(100, message="Invalid appsecret_proof provided in the API argument"), (Class.CONFIG, "100")),
        (error(3), (Class.CONFIG, "3")),
        (error(10, status=403), (Class.CONFIG, "10")),
        (error(200, status=403), (Class.CONFIG, "200")),
        (error(294), (Class.CONFIG, "294")),
        (error(100, 33), (Class.CONFIG, "100/33")),
        (error(803, status=404), (Class.CONFIG, "803")),
        (error(2635), (Class.CONFIG, "2635")),
        (error(100, 2804003, date=DATE), (Class.ROW, "100/2804003")),
        (error(100, 2804019), (Class.ROW, "100/2804019")),
        (error(100, 2804050), (Class.ROW, "100/2804050")),
        (error(100, 2804001), (Class.ROW, "100/2804001")),
        (error(100), (Class.ROW, "100")),
        (error(987654), (Class.BUG, "987654")),
        (answer(401, b""), (Class.CONFIG, "HTTP_401")),
        (answer(403, b"<html>"), (Class.CONFIG, "HTTP_403")),
        (answer(404, b""), (Class.CONFIG, "HTTP_404")),
        (answer(400, b"<html>"), (Class.LATER, "HTTP_400")),
        (answer(302, b""), (Class.LATER, "HTTP_302")),
        (answer(413, b""), (Class.ROW, "HTTP_413")),
        (answer(429, b""), (Class.LATER, "HTTP_429")),
        (answer(500, b""), (Class.LATER, "HTTP_500")),
        (answer(502, b"<html>bad gateway"), (Class.LATER, "HTTP_502")),
        (answer(503, {"error": "down"}), (Class.LATER, "HTTP_503")),
    ],
)
def test_each_answer_has_its_class(got: HttpAnswer, expected: tuple[Class, str]) -> None:
    assert read(got) == [expected]
    outcome = META.classify(got, rows(1))[0]
    assert outcome.message.endswith(".")
    if outcome.class_ is Class.CONFIG:
        assert outcome.hint.endswith(".")


def test_every_code_speaks_in_sentences_and_has_one_class() -> None:
    assert len(LIMITS) == 20
    assert not LIMITS & set(UNWELL)
    for message in (*UNWELL.values(), *TOKEN.values(), *(said for said, _ in ROWS.values())):
        assert message.endswith(".")
    for code in (*LIMITS, *UNWELL):
        assert read(error(code))[0][0] is Class.LATER, code
    for code in range(200, 300):
        assert read(error(code))[0][0] is Class.CONFIG, code


def test_one_bad_event_refuses_its_request_and_is_found_by_halves() -> None:
    assert read(error(100, 2804050), 4) == [(Class.SPLIT, "ROW_NOT_NAMED")] * 4
    assert read(error(987654), 2) == [(Class.SPLIT, "ROW_NOT_NAMED")] * 2
    assert read(answer(413, b""), 2) == [(Class.SPLIT, "ROW_NOT_NAMED")] * 2
    assert read(answer(200, {"events_received": 3}), 4) == [(Class.SPLIT, "ROW_NOT_NAMED")] * 4


@pytest.mark.parametrize(
    "named",
    [
        {"error_user_msg": "The parameter data[2][custom_data] is wrong."},
        {"message": "(#100) Param data[2]['user_data'] must be valid"},
        {"error_data": {"blame_field_specs": [["data[2][event_time]"]]}},
    ],
)
def test_an_event_that_is_named_is_set_aside_and_the_others_go_again(named: dict[str, Any]) -> None:
    bad, again = (Class.ROW, "100/2804001"), (Class.AGAIN, "REQUEST_REFUSED")
    assert read(error(100, 2804001, **named), 4) == [again, again, bad, again]


def test_an_index_outside_the_request_names_nobody() -> None:
    said = "The parameter data[7] is wrong."
    assert read(error(100, 2804001, error_user_msg=said), 2) == [(Class.SPLIT, "ROW_NOT_NAMED")] * 2


def test_events_that_grew_too_old_are_found_by_the_clock_of_the_answer() -> None:
    ages = (timedelta(0), 7 * DAY + timedelta(seconds=1), 6 * DAY, 30 * DAY)
    payloads = [META.freeze(upload(id=f"conv-{age.days}x", occurred_at=NOON - age), meta()) for age in ages]
    classes = [one.class_ for one in META.classify(error(100, 2804003, date=DATE), payloads)]
    assert classes == [Class.AGAIN, Class.ROW, Class.AGAIN, Class.ROW]
    # Without a clock, or with one that finds none, the request is halved like any other.
    clocks: tuple[dict[str, Any], ...] = ({}, {"date": "soon"}, {"date": "Fri, 20 Nov 2020 12:00:00 GMT"})
    for clock in clocks:
        reading = META.classify(error(100, 2804003, **clock), payloads)
        assert {one.class_ for one in reading} == {Class.SPLIT}


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (error(4, usage='{"1":[{"type":"x","estimated_time_to_regain_access":19}]}'), timedelta(minutes=19)),
        (
            error(
                80004,
                usage='{"1":[{"estimated_time_to_regain_access":0},{"estimated_time_to_regain_access":3}]}',
            ),
            timedelta(minutes=3),
        ),
        (error(4, usage='{"1":[{"estimated_time_to_regain_access":999999}]}'), timedelta(hours=24)),
        (error(4, usage='{"1":[{"estimated_time_to_regain_access":0}]}'), None),
        (error(4, usage='{"1":[{"estimated_time_to_regain_access":-5}]}'), None),
        (error(4, usage='{"1":[{"estimated_time_to_regain_access":"soon"}]}'), None),
        (error(4, usage="[1]"), None),
        (error(4, usage="garbage"), None),
        (error(4, status=429, retry_after="2"), timedelta(seconds=2)),
        (answer(503, b"", retry_after="30"), timedelta(seconds=30)),
        (answer(400, b"", retry_after="7"), timedelta(seconds=7)),
    ],
)
def test_the_wait_meta_asks_for_is_kept(got: HttpAnswer, expected: timedelta | None) -> None:
    assert [one.after for one in META.classify(got, rows(2))] == [expected] * 2


def test_a_fault_of_set_up_or_of_meta_concerns_every_row_and_splits_nothing() -> None:
    assert read(error(190, 463, status=401), 3) == [(Class.CONFIG, "190/463")] * 3
    assert read(error(2), 3) == [(Class.LATER, "2")] * 3


def test_meta_s_own_words_are_shown_in_one_line() -> None:
    (outcome,) = META.classify(error(100, 2804999, error_user_msg="Uno o più\nID non sono validi."), rows(1))
    assert outcome.message == "Meta does not take this conversion: Uno o più ID non sono validi."


def test_a_trial_that_was_taken_says_where_it_is_seen() -> None:
    taken = answer(200, {"events_received": 1})
    assert "Test events" in META.classify_trial(taken, rows(1))[0].message
    refused = META.classify_trial(error(190), rows(1))
    assert refused == META.classify(error(190), rows(1))


def test_the_tally_counts_the_events_of_the_settings_and_lists_all() -> None:
    def of(*rows: dict[str, Any]) -> HttpAnswer:
        return answer(200, {"data": [{"aggregation": "event", "start_time": "x", "data": list(rows)}] * 2})

    def read(got: HttpAnswer, **more: Any) -> Tally | None:
        return META.read_tally(got, meta(**more), NOON - timedelta(days=1), NOON)

    lead, view = {"value": "Lead", "count": 3}, {"value": "PageView", "count": 40}
    tally = read(of(lead, view, {"value": "Purchase", "count": 1}))
    assert tally is not None
    assert (tally.received, tally.counted) == (8, None)
    assert "Lead 6, PageView 80, Purchase 2" in tally.note
    own = read(of(lead, {"value": "PhoneLead", "count": 2}), lead_event_name="PhoneLead")
    assert own is not None
    assert own.received == 4
    only_others = read(of(view))
    assert only_others is not None
    assert only_others.received == 0
    nothing = read(answer(200, {"data": []}))
    assert nothing is not None
    assert nothing.received == 0
    assert read(error(190, status=401)) is None
    assert read(answer(200, b"oops")) is None


def test_outcomes_know_no_person() -> None:
    for got in (error(100, 2804050), error(190), answer(200, {"events_received": 1})):
        outcome: Outcome = META.classify(got, rows(1))[0]
        assert "conv-" not in f"{outcome.message}{outcome.hint}"
