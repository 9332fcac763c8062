"""Answer to class: what each of Microsoft's answers does to the rows of a request."""

import json
from datetime import timedelta
from typing import Any

import pytest

from calltrack.destinations.base import Tally
from calltrack.destinations.microsoft import Microsoft
from calltrack.destinations.microsoft_reasons import AFTER, CODES, REASONS
from calltrack.destinations.outcomes import Class, Outcome, Token
from calltrack.infra.http import HttpAnswer
from tests.destinations.social import microsoft
from tests.destinations.uploads import NOON

MICROSOFT = Microsoft()
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def answer(status: int, body: object = b"", **headers: str) -> HttpAnswer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def error(code: int | None, index: int | None = None, name: str = "", message: str = "") -> dict[str, Any]:
    """A BatchError as the REST API writes it."""
    return {"Code": code, "ErrorCode": name or CODES.get(code or 0), "Index": index, "FieldPath": None,
            "Message": message, "Details": None, "Type": "BatchError"}  # fmt: skip


def partly(*errors: dict[str, Any] | None) -> HttpAnswer:
    return answer(200, {"PartialErrors": list(errors)})


def access(code: int, status: int = 400, **headers: str) -> HttpAnswer:
    one = {"Code": code, "ErrorCode": CODES[code], "Message": "m", "Detail": None}
    body = {"TrackingId": "t", "Errors": [one], "Type": "AdApiFaultDetail"}
    return answer(status, body, **headers)


def refused(*operation: dict[str, Any], batch: tuple[dict[str, Any], ...] = ()) -> HttpAnswer:
    body = {"TrackingId": "t", "BatchErrors": list(batch), "OperationErrors": list(operation)}
    return answer(400, body | {"Type": "ApiFaultDetail"})


def read(got: HttpAnswer, count: int = 1) -> list[tuple[Class, str]]:
    return [(one.class_, one.code) for one in MICROSOFT.classify(got, [b""] * count)]


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (answer(200, {"PartialErrors": []}), (Class.DONE, "OK")),
        (answer(200, {"PartialErrors": None}), (Class.DONE, "OK")),
        (answer(200, {}), (Class.DONE, "OK")),
        (partly(None), (Class.DONE, "OK")),
        (answer(200, b"<html>one moment"), (Class.UNKNOWN, "UNREADABLE_200")),
        (answer(200, b""), (Class.UNKNOWN, "UNREADABLE_200")),
        (answer(200, b"\xff"), (Class.UNKNOWN, "UNREADABLE_200")),
        (partly(error(5603, 0)), (Class.ROW, CODES[5603])),
        (partly(error(5604, 0)), (Class.ROW, CODES[5604])),
        (partly(error(5605, 0)), (Class.ROW, CODES[5605])),
        (partly(error(5606, 0)), (Class.CONFIG, CODES[5606])),
        (partly(error(5607, 0)), (Class.ROW, CODES[5607])),
        (partly(error(5609, 0)), (Class.ROW, CODES[5609])),
        (partly(error(5610, 0)), (Class.ROW, CODES[5610])),
        (partly(error(5612, 0)), (Class.LATER, CODES[5612])),
        (partly(error(5613, 0)), (Class.CONFIG, CODES[5613])),
        (partly(error(5614, 0)), (Class.LATER, CODES[5614])),
        (partly(error(5615, 0)), (Class.LATER, CODES[5615])),
        (partly(error(5617, 0)), (Class.ROW, CODES[5617])),
        (partly(error(5620, 0)), (Class.ROW, CODES[5620])),
        (partly(error(5627, 0)), (Class.ROW, CODES[5627])),
        (partly(error(9999, 0, "NotEligibleForEnhancedConversions")),
         (Class.CONFIG, "NotEligibleForEnhancedConversions")),
        (partly(error(None, 0, "ConversionEmailAddressIsNotHashed")),
         (Class.BUG, "ConversionEmailAddressIsNotHashed")),
        (partly(error(5604, 0, "SomethingNew")), (Class.ROW, CODES[5604])),
        (partly(error(9999, 0, "SomethingNew")), (Class.ROW, "SomethingNew")),
        (partly(error(9999, 0) | {"ErrorCode": None}), (Class.ROW, "CODE_9999")),
        (access(0, 500), (Class.LATER, "InternalError")),
        (access(105, 401), (Class.CONFIG, "InvalidCredentials")),
        (access(106, 403), (Class.CONFIG, "UserIsNotAuthorized")),
        (access(109, 401), (Class.CONFIG, "AuthenticationTokenExpired")),
        (access(109, 400), (Class.CONFIG, "AuthenticationTokenExpired")),
        (access(117, 429), (Class.LATER, "CallRateExceeded")),
        (access(123), (Class.CONFIG, "WorkIdentityNotAvailable")),
        (access(207, 429), (Class.LATER, "ConcurrentRequestOverLimit")),
        (refused(error(303)), (Class.CONFIG, "ApiVersionNoLongerSupported")),
        (refused(error(5600)), (Class.BUG, CODES[5600])),
        (refused(error(5601)), (Class.BUG, CODES[5601])),
        (refused(error(9999, None, "SomethingNew")), (Class.BUG, "SomethingNew")),
        (refused(batch=(error(5604, 0),)), (Class.ROW, CODES[5604])),
        (answer(401), (Class.CONFIG, "HTTP_401")),
        (answer(403, b"<html>"), (Class.CONFIG, "HTTP_403")),
        (answer(400, b"<html>"), (Class.LATER, "HTTP_400")),
        (answer(404), (Class.LATER, "HTTP_404")),
        (answer(413), (Class.ROW, "HTTP_413")),
        (answer(429), (Class.LATER, "HTTP_429")),
        (answer(500), (Class.LATER, "HTTP_500")),
        (answer(503, b"<html>"), (Class.LATER, "HTTP_503")),
        (answer(302), (Class.LATER, "HTTP_302")),
    ],
)  # fmt: skip
def test_each_answer_has_its_class(got: HttpAnswer, expected: tuple[Class, str]) -> None:
    assert read(got) == [expected]
    outcome = MICROSOFT.classify(got, [b""])[0]
    assert outcome.message.endswith(".")
    if outcome.class_ is Class.CONFIG:
        assert outcome.hint.endswith(".")


def test_every_published_code_has_a_class_and_speaks_in_sentences() -> None:
    assert set(CODES.values()) <= set(REASONS)
    assert set(AFTER) <= set(REASONS)
    assert [code for code in CODES if 5600 <= code < 5700] == list(range(5600, 5628))
    for name, (class_, message, hint) in REASONS.items():
        assert message.endswith("."), name
        assert hint.endswith("."), name
        assert name not in message
        if class_ is Class.CONFIG:
            assert hint != "Nothing to do.", name


def test_the_named_rows_are_refused_and_all_others_are_stored() -> None:
    done = (Class.DONE, "OK")
    assert read(partly(error(5604, 3), error(5610, 1)), 5) == [
        done, (Class.ROW, CODES[5610]), done, (Class.ROW, CODES[5604]), done,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((5615, 5604), (Class.ROW, CODES[5604])),
        ((5604, 5606), (Class.CONFIG, CODES[5606])),
        ((5602, 5615), (Class.BUG, CODES[5602])),
    ],
)
def test_of_several_errors_of_a_row_the_gravest_counts(
    codes: tuple[int, int], expected: tuple[Class, str]
) -> None:
    assert read(partly(*(error(code, 1) for code in codes)), 2) == [(Class.DONE, "OK"), expected]


@pytest.mark.parametrize("place", [None, -1, 2, 99])
def test_an_error_without_a_row_is_solved_by_sending_again(place: int | None) -> None:
    # A stored conversion that is sent again is ignored, so halves are safe.
    assert read(partly(error(5604, place)), 2) == [(Class.SPLIT, "ROW_NOT_NAMED")] * 2
    assert read(partly(error(5604, place)), 1) == [(Class.ROW, CODES[5604])]
    assert read(partly(error(5612, place)), 2) == [(Class.LATER, CODES[5612])] * 2
    assert read(partly(error(5604, 0), error(5613, place)), 2) == [
        (Class.ROW, CODES[5604]),
        (Class.CONFIG, CODES[5613]),
    ]


def test_a_fault_stores_nothing_so_the_others_go_again() -> None:
    again = (Class.AGAIN, "REQUEST_REFUSED")
    assert read(refused(batch=(error(5604, 1),)), 3) == [again, (Class.ROW, CODES[5604]), again]
    assert read(refused(error(9999, None, "New")), 3) == [(Class.SPLIT, "ROW_NOT_NAMED")] * 3
    assert read(refused(batch=(error(5604, 7),)), 3) == [(Class.SPLIT, "ROW_NOT_NAMED")] * 3
    assert read(refused(batch=(error(5606, 1),)), 3) == [(Class.CONFIG, CODES[5606])] * 3
    assert read(access(117, 429), 3) == [(Class.LATER, "CallRateExceeded")] * 3


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (access(117, 429), MINUTE),
        (access(117, 429, retry_after="90"), timedelta(seconds=90)),
        (access(207, 429), MINUTE),
        (access(0, 500), None),
        (access(0, 500, retry_after="5"), timedelta(seconds=5)),
        (access(109, 400), None),
        (partly(error(5615, 0)), 2 * HOUR),
        (partly(error(5614, 0)), 5 * MINUTE),
        (partly(error(5612, 0)), None),
        (answer(429), MINUTE),
        (answer(429, retry_after="2"), timedelta(seconds=2)),
        (answer(503, retry_after="30"), timedelta(seconds=30)),
    ],
)
def test_the_wait_is_the_platform_s(got: HttpAnswer, expected: timedelta | None) -> None:
    assert MICROSOFT.classify(got, [b""])[0].after == expected


def test_microsoft_s_own_words_are_shown_where_the_error_is_unknown() -> None:
    (outcome,) = MICROSOFT.classify(partly(error(9999, 0, "New", "Il valore\nnon va.")), [b""])
    assert outcome.message == "Microsoft does not take this conversion: Il valore non va."


@pytest.mark.parametrize(
    ("got", "class_", "code"),
    [
        (answer(400, {"error": "invalid_grant"}), Class.CONFIG, "INVALID_GRANT"),
        (answer(400, {"error": "interaction_required"}), Class.CONFIG, "INTERACTION_REQUIRED"),
        (answer(401, {"error": "invalid_client"}), Class.CONFIG, "INVALID_CLIENT"),
        (answer(400, {"error": "unauthorized_client"}), Class.CONFIG, "UNAUTHORIZED_CLIENT"),
        (answer(400, {"error": "temporarily_unavailable"}), Class.LATER, "TOKEN_HTTP_400"),
        (answer(429, {"error": "x"}, retry_after="7"), Class.LATER, "TOKEN_HTTP_429"),
        (answer(503), Class.LATER, "TOKEN_HTTP_503"),
        (answer(200, b"<html>"), Class.LATER, "TOKEN_HTTP_200"),
        (answer(200, {}), Class.LATER, "TOKEN_HTTP_200"),
    ],
)
def test_a_failing_sign_in(got: HttpAnswer, class_: Class, code: str) -> None:
    outcome = MICROSOFT.read_token(got)
    assert isinstance(outcome, Outcome)
    assert (outcome.class_, outcome.code) == (class_, code)
    assert outcome.hint.endswith(".")


def test_the_refresh_token_that_takes_the_place_of_the_old_one_is_returned() -> None:
    said = {"access_token": "a", "refresh_token": "next", "expires_in": 3599}
    assert MICROSOFT.read_token(answer(200, said)) == Token("a", timedelta(seconds=3599), "next")
    del said["refresh_token"]
    assert MICROSOFT.read_token(answer(200, said)) == Token("a", timedelta(seconds=3599), None)


def test_the_tally_adds_up_the_days() -> None:
    days = [{"SuccessCount": 3, "FailureCount": 1, "FileUrl": None}, {"SuccessCount": 2, "UploadDate": "x"}]

    def read(got: HttpAnswer) -> Tally | None:
        return MICROSOFT.read_tally(got, microsoft(), NOON - timedelta(days=1), NOON)

    tally = read(answer(200, {"DailySummaries": days}))
    assert tally is not None
    assert (tally.received, tally.counted, tally.refused) == (6, 5, 1)
    nothing = read(answer(200, {"DailySummaries": None}))
    assert nothing is not None
    assert nothing.received == 0
    assert read(access(105, 401)) is None
    assert read(answer(200, b"oops")) is None
