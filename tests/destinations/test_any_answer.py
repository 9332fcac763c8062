"""Whatever a platform answers: every conversion of the request gets exactly one outcome, in words."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltrack.delivery.trial import examples
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.outcomes import Outcome, Token
from calltrack.infra.http import HttpAnswer
from calltrack.sandbox.platforms.accounts import example_settings
from tests.examples import examples as so_many

NOW = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
# Words the platforms really use, so that random bodies come close to real ones.
WORDS = (
    "error", "errors", "code", "message", "details", "data", "PartialErrors", "Index", "Code", "Errors",
    "partialFailureError", "results", "requestId", "requestStatusPerDestination", "requestStatus",
    "fieldViolations", "field", "reason", "events_received", "error_subcode", "is_transient", "elements",
    "errorInfo", "status",
    "validationMessages", "serviceErrorCode", "@type", "location", "fieldPathElements", "index", "errorCode",
)  # fmt: skip
leaves = (
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=12)
    | st.sampled_from(["events[0]", "events[9].x", "Index: 0, ERROR :: bad", "INVALID_GCLID", "SUCCESS"])
    | st.just("FAILED")
)  # fmt: skip
bodies = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=14,
)
raw = bodies.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60)
headers = st.dictionaries(
    st.sampled_from(["retry-after", "date", "x-business-use-case-usage"]),
    st.sampled_from(["5", "-1", "soon", "{", "", "Sat, 21 Nov 2026 13:00:00 GMT", "9" * 30]),
    max_size=2,
)
answers = st.builds(
    HttpAnswer,
    status=st.sampled_from([200, 202, 204, 302, 400, 401, 403, 404, 410, 413, 422, 426, 429, 500, 503, 599]),
    headers=headers,
    body=raw,
)


@pytest.mark.parametrize("name", sorted(DESTINATIONS))
@settings(max_examples=so_many(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(answer=answers)
def test_every_row_of_a_request_gets_one_outcome(name: str, answer: HttpAnswer) -> None:
    destination = DESTINATIONS[name]
    known = destination.Settings.load(example_settings(name), sandbox=True)
    payloads = [destination.freeze(one, known) for one in examples(NOW)]
    payloads = [one for one in payloads if destination.route(one) == destination.route(payloads[0])]
    readings = [destination.classify(answer, payloads[: destination.max_batch])]
    if destination.trial_request(payloads[: destination.max_batch], known, NOW) is not None:
        readings.append(destination.classify_trial(answer, payloads[: destination.max_batch]))
    for reading in readings:
        assert len(reading) == len(payloads[: destination.max_batch])
    if destination.asynchronous:
        readings.append(destination.classify_status(answer, 3))
        assert len(readings[-1]) == 3
    for outcome in (one for reading in readings for one in reading):
        assert outcome.code
        assert outcome.message
        assert outcome.after is None or timedelta(0) <= outcome.after <= timedelta(days=90)
    if destination.tally_request(known, NOW - timedelta(days=1), NOW) is not None:
        destination.read_tally(answer, known, NOW - timedelta(days=1), NOW)
    if destination.counts_receipts:
        told = destination.read_counts(answer)
        assert told is None or min(told.received or 0, told.counted or 0, told.refused or 0) >= 0
    if destination.token_request(known) is not None:
        assert isinstance(destination.read_token(answer), Token | Outcome)
