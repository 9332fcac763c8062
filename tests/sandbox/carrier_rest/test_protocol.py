"""The twin keeps to what is known of Twilio's REST, seen without Twilio's client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import phonenumbers
import pytest

from calltrack.sandbox.carrier_rest import sound
from calltrack.sandbox.carrier_rest.stock import AREAS, numbers_of
from calltrack.telephony.carrier import ApplicationHooks
from tests.plain import PLAIN
from tests.sandbox.carrier.hooks import ACCOUNT, TOKEN, TRACKING, Hooks, eventually, running
from tests.sandbox.carrier_rest.serving import OTHER_ACCOUNT, World, carrier_world

OURS = f"/2010-04-01/Accounts/{ACCOUNT}"


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with running() as hooks:
        yield hooks


@pytest.fixture
def world(hooks: Hooks) -> Iterator[World]:
    with carrier_world(directory=[hooks.number()]) as world:
        yield world


@pytest.fixture
def rest(world: World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.base, auth=(ACCOUNT, TOKEN)) as client:
        yield client


@pytest.mark.parametrize(
    ("auth", "status"), [(None, 401), ((ACCOUNT, "wrong"), 401), (("AC" + "9" * 32, TOKEN), 401)]
)
def test_strangers_get_401_in_twilios_shape(
    rest: httpx.Client, auth: tuple[str, str] | None, status: int
) -> None:
    answer = PLAIN.get(f"{rest.base_url}{OURS[1:]}.json", auth=auth)
    assert answer.status_code == status
    assert answer.json() == {
        "code": 20003,
        "message": "Authenticate",
        "more_info": "https://www.twilio.com/docs/errors/20003",
        "status": 401,
    }


def test_another_accounts_path_is_not_there(rest: httpx.Client) -> None:
    answer = rest.get(f"/2010-04-01/Accounts/{OTHER_ACCOUNT}/Calls.json")
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_pages_have_relative_addresses_and_keep_their_filter(rest: httpx.Client) -> None:
    uri = f"{OURS}/AvailablePhoneNumbers/US/Local.json?AreaCode=415&PageSize=25"
    seen: list[str] = []
    while uri:
        page = rest.get(uri).json()
        seen += [row["phone_number"] for row in page["available_phone_numbers"]]
        uri = page["next_page_uri"] or ""
        assert not uri or uri.startswith(OURS)
    assert len(seen) == len(set(seen)) == 60
    assert all(e164.startswith("+1415") for e164 in seen)
    assert rest.get(f"{OURS}/Calls.json?PageSize=1001").json()["code"] == 20001


def test_an_application_clears_the_numbers_own_hooks_and_back(rest: httpx.Client) -> None:
    made = rest.post(f"{OURS}/Applications.json", data={"FriendlyName": "a", "VoiceUrl": "https://a.test/v"})
    number = rest.get(f"{OURS}/IncomingPhoneNumbers.json").json()["incoming_phone_numbers"][0]
    assert number["voice_url"]
    own = f"{OURS}/IncomingPhoneNumbers/{number['sid']}.json"
    changed = rest.post(own, data={"VoiceApplicationSid": made.json()["sid"]}).json()
    assert (changed["voice_url"], changed["voice_application_sid"]) == ("", made.json()["sid"])
    back = rest.post(own, data={"VoiceUrl": "https://b.test/v"}).json()
    assert (back["voice_url"], back["voice_application_sid"]) == ("https://b.test/v", "")
    unknown = rest.post(own, data={"VoiceApplicationSid": "AP1"})
    assert unknown.status_code == 400


def test_a_call_may_bring_its_document_along(rest: httpx.Client, hooks: Hooks) -> None:
    document = f"<Response><Redirect>{hooks.base}/v/next</Redirect></Response>"
    call = {"To": "+393470000009", "From": TRACKING, "Twiml": document}
    begun = rest.post(f"{OURS}/Calls.json", data=call)
    assert begun.status_code == 201
    eventually(lambda: len(hooks.of("next")) == 1)
    assert rest.post(f"{OURS}/Calls.json", data={**call, "Twiml": ""}).json()["code"] == 21205


def test_the_switches_take_json_only_and_say_what_is_wrong(rest: httpx.Client) -> None:
    assert rest.put("/behaviour", data={"speed": "1"}).status_code == 400
    assert rest.put("/behaviour", json={"phones": {"+39": {"result": "sleeps"}}}).status_code == 400
    assert rest.put("/behaviour", json={"speed": 0, "phones": {"+39": {"result": "busy"}}}).status_code == 204
    assert rest.get("/behaviour").json()["phones"]["+39"]["result"] == "busy"
    assert rest.post("/faults", json={"target": "nobody", "next": []}).status_code == 400
    assert rest.post("/faults", json={"target": "calls", "next": ["reason:21631"]}).status_code == 200
    refused = rest.get(f"{OURS}/Calls.json")
    assert (refused.status_code, refused.json()["code"]) == (400, 21631)
    assert rest.delete("/faults").status_code == 204
    assert rest.get(f"{OURS}/Calls.json").status_code == 200


def test_a_message_can_be_played_by_hand(rest: httpx.Client, hooks: Hooks) -> None:
    number = rest.get(f"{OURS}/IncomingPhoneNumbers.json").json()["incoming_phone_numbers"][0]
    own = f"{OURS}/IncomingPhoneNumbers/{number['sid']}.json"
    rest.post(own, data={"SmsUrl": f"{hooks.base}/v/sms"})
    text = {"from": "+393331234567", "to": TRACKING, "text": "Ciao"}
    played = rest.post("/messages", json=text)
    assert (played.status_code, played.json()["hook"]["status"]) == (201, 200)
    assert hooks.of("sms")[0]["Body"] == "Ciao"
    assert hooks.unsigned == []
    assert rest.post("/messages", json={**text, "to": "+390600000000"}).status_code == 400


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.prefix)
def test_every_number_for_sale_is_a_real_one(area: object) -> None:
    from calltrack.sandbox.carrier_rest.stock import Area

    assert isinstance(area, Area)
    for e164 in numbers_of(area):
        parsed = phonenumbers.parse(e164, None)
        assert phonenumbers.is_valid_number(parsed), e164
        assert phonenumbers.region_code_for_number(parsed) == area.country, e164


@pytest.mark.parametrize(("seconds", "channels"), [(0, 1), (1, 2), (7, 1), (60, 2)])
def test_an_mp3_is_as_long_as_the_call(seconds: int, channels: int) -> None:
    """Frame by frame: MPEG-2 layer III, 8 kbit/s at 16 kHz is 36 bytes for 576 samples."""
    data = sound.mp3(seconds, channels)
    frames = [data[at : at + 36] for at in range(0, len(data), 36)]
    for frame in frames:
        assert frame[:3] == b"\xff\xf3\x18"
        assert (frame[3] >> 6 == 0b11) == (channels == 1)
    assert abs(len(frames) * 576 / 16_000 - seconds) < 0.04


def test_the_records_are_for_this_user_only(tmp_path: Path) -> None:
    file = tmp_path / "carrier.jsonl"
    for _ in range(2):
        with carrier_world(file=file) as world:
            world.carrier.ensure_application("a", ApplicationHooks(voice_url="https://a.test/v"))
        assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text().splitlines()) == 1
