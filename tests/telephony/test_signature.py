"""Only what the carrier signed passes: published vectors, our variants, garbage."""

from __future__ import annotations

import base64
import hmac
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from calltrack.telephony import twilio

TOKEN = "12345"
DIGITS = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
DOCS_PAGE = {**DIGITS, "From": "+14158675310", "Caller": "+14158675310"}
REPEATED = MultiDict([("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678")])
REPEATED.setlist("Digits", ["5678", "1234", "1234"])
TARGET = "/myapp.php?foo=1&bar=2"
HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
JSON = b'{"property": "value", "boolean": true}'
FORM_TYPE = "application/x-www-form-urlencoded"

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def environ(
    signature: str, target: str = TARGET, content_type: str = FORM_TYPE, **more: Any
) -> dict[str, Any]:
    return {"RAW_URI": target, "HTTP_X_TWILIO_SIGNATURE": signature, "CONTENT_TYPE": content_type, **more}


@pytest.mark.parametrize(
    ("base", "form", "signature"),
    [
        ("https://mycompany.com", DIGITS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com/", DIGITS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:1234", DIGITS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("http://mycompany.com:1234", DIGITS, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("https://mycompany.com", DIGITS, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com", DIGITS, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("https://mycompany.com", REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        ("https://example.com", DOCS_PAGE, "L/OH5YylLD5NRKLltdqwSvS0BnU="),
    ],
)
def test_published_signatures_pass(base: str, form: dict[str, str], signature: str) -> None:
    body = urlencode(list(form.items())).encode()
    assert twilio.is_signed(environ(signature), form, body, base, ["other", TOKEN])
    assert not twilio.is_signed(environ(signature), form, body, base, ["other", "", "12346"])
    assert not twilio.is_signed(environ(signature), {**form, "More": "x"}, body, base, [TOKEN])
    assert not twilio.is_signed(environ(signature, TARGET + "3"), form, body, base, [TOKEN])
    assert not twilio.is_signed(environ(signature), form, body, "https://evil.example", [TOKEN])


def test_a_body_that_is_not_a_form_counts_only_with_its_hash() -> None:
    hashed = environ("a9nBmqA0ju/hNViExpshrM61xv4=", f"{TARGET}&bodySHA256={HASH}", "application/json")
    assert twilio.is_signed(hashed, {}, JSON, "https://mycompany.com", [TOKEN])
    assert not twilio.is_signed(hashed, {}, JSON + b" ", "https://mycompany.com", [TOKEN])
    assert not twilio.is_signed(hashed, {}, b"\xff", "https://mycompany.com", [TOKEN])
    signature = sign("https://mycompany.com" + TARGET)
    for content_type in ("application/json", "text/plain", ""):
        bare = environ(signature, TARGET, content_type)
        assert twilio.is_signed(bare, {}, b"", "https://mycompany.com", [TOKEN])
        assert not twilio.is_signed(bare, {}, JSON, "https://mycompany.com", [TOKEN])


def test_the_sender_cannot_choose_another_algorithm_for_our_token() -> None:
    signature = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="  # HMAC-SHA256 over the same request.
    asked = environ(signature, HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS="key=k,algorithm=HMAC_SHA256")
    assert not twilio.is_signed(asked, DIGITS, b"x", "https://mycompany.com", [TOKEN])
    assert not twilio.is_signed(environ(signature), DIGITS, b"x", "https://mycompany.com", [TOKEN])


@pytest.mark.parametrize(
    "target", ["/voice/caff%C3%A9", "/voice/a?u=https%3A%2F%2Fa.b%7E%27%5B", "/voice/a%2Fb"]
)
def test_the_raw_target_is_checked_through_flask(target: str) -> None:
    app = Flask(__name__)

    @app.post("/voice/<path:rest>")
    def hook(rest: str) -> str:
        body = request.get_data()
        signed = twilio.is_signed(request.environ, request.form, body, "https://calls.example", [TOKEN])
        return "yes" if signed else "no"

    client = app.test_client()
    signature = sign("https://calls.example" + target, {"CallSid": "CA1", "City": ""})
    for token, answer in ((signature, "yes"), (signature[:-2] + "A=", "no"), ("", "no"), ("\u00e9", "no")):
        headers = {"X-Twilio-Signature": token.encode().decode("latin-1")}
        form = {"CallSid": "CA1", "City": ""}
        assert client.post(target, data=form, headers=headers).text == answer


def test_without_a_raw_target_only_a_plain_path_is_rebuilt() -> None:
    plain = {"SCRIPT_NAME": "", "PATH_INFO": "/voice/0f3a", "QUERY_STRING": "a=%41"}
    assert twilio.raw_target(plain) == "/voice/0f3a?a=%41"
    assert twilio.raw_target({**plain, "QUERY_STRING": ""}) == "/voice/0f3a"
    assert twilio.raw_target({**plain, "PATH_INFO": "/voice/caff\u00e9"}) is None
    for raw in ("//evil.example/x", "http://evil.example/", "", "x", "/a b\n", "/\u00e9"):
        assert twilio.raw_target({"RAW_URI": raw}) is None


@UNHURRIED
@given(
    st.dictionaries(
        st.sampled_from(
            ["RAW_URI", "REQUEST_URI", "PATH_INFO", "QUERY_STRING", "HTTP_X_TWILIO_SIGNATURE", "CONTENT_TYPE"]
        ),
        st.text(max_size=30),
    ),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    st.binary(max_size=20),
)
def test_garbage_is_not_signed_and_never_an_error(
    garbage: dict[str, str], form: dict[str, str], body: bytes
) -> None:
    assert twilio.is_signed(garbage, form, body, "https://calls.example", [TOKEN]) is False


def sign(url: str, form: dict[str, str] | None = None) -> str:
    text = url + "".join(name + value for name, value in sorted((form or {}).items()))
    return base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), "sha1").digest()).decode()
