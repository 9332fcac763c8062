"""The one-HMAC check of the usual form post never accepts what the carrier's own library refuses."""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from calltrack.calls.hook_request import HookRequest
from calltrack.sandbox.carrier.signing import sign
from calltrack.telephony import twilio

TOKEN = "a-token-of-the-carrier"
BASES = st.sampled_from(
    ["https://calls.example.com", "http://127.0.0.1:8000", "https://calls.example.com:8443"]
)
WORDS = st.text(max_size=12)
FIELDS = st.lists(st.tuples(st.text(min_size=1, max_size=8), WORDS), min_size=1, max_size=6)
PATHS = st.sampled_from(["/voice/0f3a", "/voice/0f3a/status", "/voice/0f3a?x=1", "/voice/%41"])


def asked(path: str, pairs: list[tuple[str, str]], signature: str, **more: str) -> HookRequest:
    fields = dict(pairs)
    form = fields if len(fields) == len(pairs) else MultiDict(pairs)
    environ: dict[str, Any] = {"RAW_URI": path, "HTTP_X_TWILIO_SIGNATURE": signature} | more
    environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
    return HookRequest(environ, form, form, urlencode(pairs, errors="surrogatepass").encode())


@given(BASES, PATHS, FIELDS, st.sampled_from(["right", "other token", "other field", "other path"]))
def test_what_the_shortcut_accepts_the_library_accepts(
    base: str, path: str, pairs: list[tuple[str, str]], wrong: str
) -> None:
    signed_fields = dict(pairs) | ({"more": "1"} if wrong == "other field" else {})
    token = "another" if wrong == "other token" else TOKEN
    url = base + ("/else" if wrong == "other path" else path)
    sent = asked(path, pairs, sign(url, signed_fields, token))
    shortcut = sent._is_plainly_signed(base, TOKEN)
    library = twilio.is_signed(sent.environ, sent.form, sent.body, base, [TOKEN])
    assert library or not shortcut
    assert sent.is_signed_by(base, [TOKEN]) == library
    if wrong != "right" and signed_fields != dict(pairs) | {"more": "1"}:
        assert not library


def test_the_usual_post_takes_the_shortcut() -> None:
    fields = {"CallSid": "CA1", "From": "+39347", "To": "+3906", "FromCity": ""}
    sent = asked("/voice/1", list(fields.items()), sign("https://x.example/voice/1", fields, TOKEN))
    assert sent._is_plainly_signed("https://x.example", TOKEN)


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS": "algorithm=HMAC_SHA256"},
        {"HTTP_X_TWILIO_SIGNATURE": ""},
        {"HTTP_X_TWILIO_SIGNATURE": "é"},
        {"RAW_URI": "//voice/1"},
    ],
)
def test_anything_unusual_is_left_to_the_library(environ: dict[str, str]) -> None:
    fields = {"CallSid": "CA1"}
    sent = asked("/voice/1", list(fields.items()), sign("https://x.example/voice/1", fields, TOKEN))
    changed = HookRequest(sent.environ | environ, sent.form, sent.form, sent.body)
    assert not changed._is_plainly_signed("https://x.example", TOKEN)
    assert not changed.is_signed_by("https://x.example", [TOKEN])


def test_no_token_signs_nothing() -> None:
    fields = {"CallSid": "CA1"}
    sent = asked("/voice/1", list(fields.items()), sign("https://x.example/voice/1", fields, ""))
    assert not sent.is_signed_by("https://x.example", [""])
