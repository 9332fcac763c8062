"""Whatever a row holds: no destination breaks on it, and nothing leaves that must not."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltrack.destinations import DESTINATIONS
from calltrack.destinations.base import Consent, Upload
from calltrack.destinations.preview import preview
from calltrack.destinations.rows import Row, read_row
from calltrack.kernel.errors import BadInput
from calltrack.sandbox.platforms.accounts import example_settings
from tests.examples import examples

NOW = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
EMPTY_HASH = hashlib.sha256(b"").hexdigest()
PHONE, EMAIL = "+393471234567", "mario.rossi@example.com"

text = st.text(max_size=40) | st.sampled_from(["", " ", "😀", "Müller", "O'Neill", "a" * 64, "null", "\x00"])
maybe = st.none() | text
moments = st.timedeltas(min_value=timedelta(days=-120), max_value=timedelta(days=2)).map(NOW.__add__)
click_ids = st.dictionaries(
    st.sampled_from(
        ["gclid", "gbraid", "wbraid", "fbclid", "_fbc", "_fbp", "msclkid", "ttclid", "li_fat_id"]
    ),
    st.text(min_size=1, max_size=30),
    max_size=5,
)
consents = st.sampled_from(["granted", "denied", "unknown"])
uploads = st.builds(
    Upload,
    id=st.uuids().map(lambda one: f"conv-{one.hex}"),
    kind=st.sampled_from(["lead", "purchase"]),
    action=st.sampled_from(["create", "restate", "retract"]),
    occurred_at=moments,
    changed_at=moments,
    sequence=st.integers(0, 3),
    value_minor=st.none() | st.integers(0, 10**12),
    currency=st.sampled_from([None, "EUR", "USD", "JPY", "KWD"]),
    click_ids=click_ids,
    clicked_at=st.none() | moments,
    phone_e164=st.sampled_from([None, PHONE, "+4930123456", "+16505551212"]),
    email=st.sampled_from([None, EMAIL, "", "not an address", " Mario.Rossi+x@Gmail.com "]),
    first_name=maybe,
    last_name=maybe,
    city=maybe,
    postal_code=maybe,
    country=st.sampled_from([None, "IT", "DE", "US", "GB"]),
    region=st.sampled_from([None, "IT", "DE", "US"]),
    consent=st.builds(Consent, consents, consents),
    landing_url=st.sampled_from([None, "https://example.com/", "not a url"]),
    user_agent=maybe,
    ip=st.sampled_from([None, "203.0.113.9", "2001:db8::1", "no ip"]),
    ga_client_id=st.sampled_from([None, "123.456", ""]),
    ga_session_id=st.sampled_from([None, "789", "x"]),
    original_value_minor=st.none() | st.integers(0, 10**9),
)


@pytest.mark.parametrize("name", sorted(DESTINATIONS))
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(several=st.lists(uploads, min_size=1, max_size=4))
def test_nothing_leaves_that_must_not(name: str, several: list[Upload]) -> None:
    destination = DESTINATIONS[name]
    known = destination.Settings.load(example_settings(name), sandbox=True)
    rows = [Row(upload.id, upload) for upload in several]
    seen = preview(destination, known, rows, NOW)
    # Frozen at another moment the bytes are the same.
    for one in seen.judged:
        if one.payload is not None:
            assert destination.freeze(one.row.upload, known) == one.payload
            assert one.verdict.decision != "never"
        if one.row.upload.consent.ad_user_data == "denied" and name != "webhook":
            assert one.verdict.decision == "never"
        if one.row.upload.action not in destination.tells:
            assert one.verdict.decision == "never"
        if one.verdict.decision == "wait":
            assert one.verdict.until is not None
            assert one.verdict.until > NOW
    sent = [id_ for request in seen.requests for id_ in request.rows]
    assert sorted(sent) == sorted(one.row.id for one in seen.judged if one.payload is not None)
    for request in seen.requests:
        assert EMPTY_HASH not in request.body
        assert len(request.rows) <= destination.max_batch
        if name != "webhook":
            assert EMAIL not in request.body
            assert "Gmail" not in request.body
        if name != "google_ads" and name != "webhook":
            assert PHONE[1:] not in request.body


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "id", "kind", "event", "happened_at", "value_minor", "currency", "click", "ga", "person", "consent",
    "page", "original",
)  # fmt: skip
GOOD: dict[str, Any] = {
    "id": "c1", "kind": "lead", "event": "conversion", "happened_at": "2026-11-20T12:00:00Z",
    "click": {"gclid": "x"}, "person": {"phone": PHONE}, "consent": {"ad_user_data": "granted"},
}  # fmt: skip


@settings(max_examples=examples(100), deadline=None)
@given(changes=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_a_row_of_any_types_is_read_or_refused_in_words(changes: dict[str, Any]) -> None:
    try:
        said = read_row(json.dumps(GOOD | changes)).upload.id
    except BadInput as problem:
        said = str(problem)
    assert said
