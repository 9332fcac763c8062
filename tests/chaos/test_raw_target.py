"""Over a real Granian socket: what was signed is what stood on the wire, or it is refused."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.kernel.ids import new_id
from calltrack.sandbox.carrier.signing import sign
from tests.calls.rows import calls_of
from tests.chaos.conftest import VoiceRig, new_company
from tests.chaos.voice_rig import VoiceProcess

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def rig(fragile_postgres: EmbeddedPostgres, voice_process: VoiceProcess) -> Iterator[VoiceRig]:
    """One company for all targets: none of them changes it."""
    with new_company(fragile_postgres, voice_process) as made:
        yield made


def send(rig: VoiceRig, method: str, on_the_wire: str, signed: str, fields: dict[str, str]) -> int:
    """Send a request whose target goes out byte by byte, signed for the other one."""
    connection = http.client.HTTPConnection("127.0.0.1", rig.voice.port, timeout=10)
    signature = sign(rig.voice.base_url + signed, fields, rig.company.auth_token)
    body = urlencode(fields) if fields else None
    headers = {"X-Twilio-Signature": signature} | (FORM if fields else {})
    connection.request(method, on_the_wire, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def fields_of(rig: VoiceRig) -> dict[str, str]:
    return {
        "CallSid": "CA" + new_id().hex,
        "AccountSid": rig.company.account_sid,
        "From": "+393471234567",
        "To": rig.company.numbers[0],
        "CallStatus": "ringing",
    }


@pytest.mark.parametrize("query", ["", "?a=1", "?a=%2B39%20x&b=c%2Fd", "?a=%C3%A9", "?x=~_.-"])
def test_a_query_is_checked_as_it_stood_on_the_wire(rig: VoiceRig, query: str) -> None:
    path = f"/voice/{rig.company.number_ids[0].hex}{query}"
    assert send(rig, "POST", path, path, fields_of(rig)) == 200
    if "%" in query:
        assert send(rig, "POST", path, path.replace("%2B", "+").replace("%C3%A9", "é"), fields_of(rig)) == 403


@pytest.mark.parametrize(
    "escaped",
    [
        "/voice/{id}/%73tatus",
        "/voice%2F{id}",
        "/%76oice/{id}",
        "/voice/{id}%3F",
        "/voice/{id}/%2E%2E/x",
        "//voice/{id}",
    ],
)
def test_an_escaped_path_is_refused_rather_than_guessed(rig: VoiceRig, escaped: str) -> None:
    path = escaped.format(id=rig.company.number_ids[0].hex)
    before = len(calls_of(rig.services, rig.company.id))
    assert send(rig, "POST", path, path, fields_of(rig)) in (400, 403, 404)
    assert len(calls_of(rig.services, rig.company.id)) == before


def test_a_get_is_checked_over_its_whole_address(rig: VoiceRig) -> None:
    path = f"/voice/{rig.company.number_ids[0].hex}?{urlencode(fields_of(rig))}"
    assert send(rig, "GET", path, path, {}) == 200
    assert send(rig, "GET", path + "&more=1", path, {}) == 403


def test_a_too_large_body_is_refused(rig: VoiceRig) -> None:
    path = f"/voice/{rig.company.number_ids[0].hex}"
    assert send(rig, "POST", path, path, fields_of(rig) | {"more": "x" * 70_000}) == 413
