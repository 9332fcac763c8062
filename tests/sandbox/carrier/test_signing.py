"""The simulator signs as the carrier documents it: published vectors, not our own check."""

from __future__ import annotations

import pytest

from calltrack.sandbox.carrier.signing import sign, signed_address

FIELDS = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
DOCS_PAGE = {**FIELDS, "From": "+14158675310", "Caller": "+14158675310"}
PATH = "/myapp.php?foo=1&bar=2"


@pytest.mark.parametrize(
    ("url", "fields", "signature"),
    [
        (f"https://mycompany.com{PATH}", FIELDS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (f"https://mycompany.com:1234{PATH}", FIELDS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (f"https://user:pass@mycompany.com:1234{PATH}#rc=2", FIELDS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (f"http://mycompany.com:1234{PATH}", FIELDS, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (f"https://example.com{PATH}", DOCS_PAGE, "L/OH5YylLD5NRKLltdqwSvS0BnU="),
    ],
)
def test_published_signatures(url: str, fields: dict[str, str], signature: str) -> None:
    assert sign(url, fields, "12345") == signature


def test_the_signed_address() -> None:
    assert signed_address("http://a.example:8080/x?y=1#rc=2") == "http://a.example:8080/x?y=1"
    assert signed_address("https://[::1]:8443/x") == "https://[::1]/x"
